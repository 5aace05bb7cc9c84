"""The web chat: `python app.py`, then http://127.0.0.1:7860. Builds `demo`, wires it and launches."""

from __future__ import annotations

import argparse
import functools
import html
import os
import threading
from collections.abc import Sequence
from typing import Any

# Before gradio is imported: no telemetry, no look-ups, no summary of all past events after each event.
for _name, _value in {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "GRADIO_ANALYTICS_MAX_EVENTS": "100",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000",
}.items():
    os.environ.setdefault(_name, _value)

import gradio as gr  # noqa: E402
import uvicorn  # noqa: E402

from chat import texts  # noqa: E402
from chat.answer import MAX_HISTORY, Answerer  # noqa: E402
from chat.assemble import default_article, open_answerer  # noqa: E402
from chat.render import escape, to_markdown  # noqa: E402
from chat.web import STATIC_DIR, Guard, answer_safely, build_site  # noqa: E402
from corpus.library import load_article  # noqa: E402

ARTICLE = load_article(default_article())
_LOADING = threading.Lock()
THEME = gr.themes.Default(primary_hue="teal", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])


@functools.cache
def _load() -> Answerer:
    return open_answerer(ARTICLE.id, progress=True)


def get_answerer() -> Answerer:
    """Return the answerer; the first caller loads it, others wait for that."""
    with _LOADING:
        return _load()


def respond(question: str, messages: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """Append a question and its answer to the conversation; also empties the box."""
    asked = [html.unescape(_text(m)) for m in messages if m["role"] == "user"]
    answer = answer_safely(get_answerer, question, asked[-MAX_HISTORY:])
    said = [
        {"role": "user", "content": escape(question)},
        {"role": "assistant", "content": to_markdown(answer)},
    ]
    return "", [*messages, *said]


def _text(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def build_demo() -> gr.Blocks:
    """Return the chat page."""
    title = html.escape(ARTICLE.title)
    page = gr.Blocks(title=f"Ask the article: {ARTICLE.title}", analytics_enabled=False)
    with page:
        gr.Markdown(f"# Ask the article\n{escape(ARTICLE.title)}, {escape(ARTICLE.publisher)}")
        gr.Markdown(escape(texts.DISCLAIMER), elem_id="disclaimer")
        with gr.Row(equal_height=False):
            with gr.Column(scale=6, min_width=320):
                chat = gr.Chatbot(
                    label="Conversation",
                    elem_id="conversation",
                    height="62vh",
                    latex_delimiters=[],
                    allow_tags=False,
                    buttons=[],
                    feedback_options=None,
                    layout="panel",
                )
                with gr.Row(elem_id="examples"):
                    examples = [gr.Button(e, size="sm", variant="secondary") for e in ARTICLE.examples]
                box = gr.Textbox(
                    label="Your question",
                    placeholder="Ask in your own words",
                    submit_btn="Ask",
                    autofocus=True,
                    max_lines=4,
                )
            with gr.Column(scale=5, min_width=320):
                gr.Markdown(
                    f'<iframe class="article" title="The article: {title}" src="/article/{ARTICLE.id}"></iframe>',
                    sanitize_html=False,
                )
        box.submit(respond, [box, chat], [box, chat], api_visibility="private", show_progress="minimal")
        for example in examples:
            example.click(respond, [example, chat], [box, chat], api_visibility="private")
    page.queue(max_size=64, api_open=False)
    return page


demo = build_demo()


def build_app() -> Guard:
    """Return the whole site: the article, the API and the chat page, guarded."""
    site = gr.mount_gradio_app(
        build_site(get_answerer),
        demo,
        path="/",
        show_error=False,
        ssr_mode=False,
        footer_links=[],
        theme=THEME,
        css_paths=[STATIC_DIR / "page.css"],
        head='<script src="/own/page.js" defer></script>',
    )
    return Guard(site)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the chat until stopped; return the exit code."""
    parser = argparse.ArgumentParser(prog="python app.py", description="Chat with one health article.")
    parser.add_argument("--host", default=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"))
    parser.add_argument("--port", type=int, default=int(os.environ.get("GRADIO_SERVER_PORT", "7860")))
    parser.add_argument("--share", action="store_true", help="always refused: questions would leave this machine")
    args = parser.parse_args(argv)
    if args.share:
        parser.error("a public link would send what readers ask through somebody else's machine; use --host instead")
    threading.Thread(target=get_answerer, name="load", daemon=True).start()
    print(f"The chat is at http://{args.host}:{args.port}", flush=True)
    uvicorn.run(build_app(), host=args.host, port=args.port, log_level="warning", timeout_graceful_shutdown=5)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
