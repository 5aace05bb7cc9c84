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
from chat.answer import Answer  # noqa: E402
from chat.answerer import MAX_HISTORY, Answerer  # noqa: E402
from chat.assemble import default_article, open_answerer  # noqa: E402
from chat.render import escape, to_markdown, to_take_along  # noqa: E402
from chat.sheet import Turn, read_turns, write_turns  # noqa: E402
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


N_CHIPS = 4  # buttons kept for choices, and as many for what to ask next


def respond(question: str, turns: str, messages: list[dict[str, Any]], as_typed: bool = False) -> list[Any]:
    """Answer a question; return what changes on the page (`build_demo` lists it).

    Args:
        question: as typed, or the words on a button.
        turns: the conversation so far, kept by the page (`chat.sheet.read_turns`).
        messages: the conversation as shown.
        as_typed: look up exactly these words.
    """
    try:
        before = read_turns(turns)
    except ValueError:
        before = ()  # a page that was tampered with starts anew
    asked = [turn.question for turn in before][-MAX_HISTORY:]
    answer = answer_safely(get_answerer, question, [] if as_typed else asked, as_typed=as_typed)
    said = [
        {"role": "user", "content": escape(question)},
        {"role": "assistant", "content": to_markdown(answer)},
    ]
    turns = write_turns([*before, Turn(question, as_typed)])
    return ["", turns, [*messages, *said], *_chips(answer), to_take_along(answer, turns)]


def ask_as_typed(turns: str, messages: list[dict[str, Any]]) -> list[Any]:
    """Answer the last question once more, exactly as it was typed."""
    last = read_turns(turns)[-1].question
    return respond(last, turns, messages, as_typed=True)


def start_anew() -> list[Any]:
    """What the page shows once the conversation is cleared."""
    examples = list(ARTICLE.examples[:N_CHIPS])
    label = gr.update(visible=bool(examples), value=escape(texts.EXAMPLES))
    return ["[]", gr.update(visible=False), *_buttons([]), gr.update(visible=False), label, *_buttons(examples), ""]


def _chips(answer: Answer) -> list[dict[str, Any]]:
    """What to show in the rows of buttons under an answer."""
    choices, suggestions = [c.question for c in answer.choices], list(answer.suggestions)
    return [
        gr.update(visible=bool(choices)),
        *_buttons(choices),
        gr.update(visible=bool(answer.understood)),
        gr.update(visible=bool(suggestions), value=escape(texts.SUGGESTIONS)),
        *_buttons(suggestions),
    ]


def _buttons(labels: list[str]) -> list[dict[str, Any]]:
    return [gr.update(visible=n < len(labels), value=labels[n] if n < len(labels) else "") for n in range(N_CHIPS)]


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
                    height="52vh",
                    autoscroll=False,  # page.js shows an answer from its beginning
                    latex_delimiters=[],
                    allow_tags=False,
                    buttons=[],
                    feedback_options=None,
                    layout="panel",
                )
                # above what comes and goes with an answer, so that it stays where it is
                box = gr.Textbox(
                    label="Your question",
                    placeholder="Ask in your own words",
                    submit_btn="Ask",
                    autofocus=True,
                    max_lines=4,
                )
                with gr.Row(elem_classes="chips"):
                    choices_label = gr.Markdown(escape(texts.CHOICES), visible=False)
                    choices = [gr.Button("", size="sm", visible=False) for _ in range(N_CHIPS)]
                    not_meant = gr.Button(texts.NOT_MEANT, size="sm", visible=False)
                with gr.Row(elem_classes="chips"):
                    next_label = gr.Markdown(escape(texts.EXAMPLES))
                    examples = [*ARTICLE.examples[:N_CHIPS], *[""] * (N_CHIPS - len(ARTICLE.examples))]
                    suggestions = [gr.Button(e, size="sm", visible=bool(e)) for e in examples]
                along = gr.Markdown("", elem_id="along", sanitize_html=False)
                turns = gr.Textbox("[]", visible=False)  # kept by the page: the server remembers nothing
            with gr.Column(scale=5, min_width=320):
                gr.Markdown(
                    f'<iframe class="article" title="The article: {title}" src="/article/{ARTICLE.id}"></iframe>',
                    sanitize_html=False,
                )
        chips = [choices_label, *choices, not_meant, next_label, *suggestions]
        changed = [box, turns, chat, *chips, along]
        box.submit(respond, [box, turns, chat], changed, api_visibility="private", show_progress="minimal")
        not_meant.click(ask_as_typed, [turns, chat], changed, api_visibility="private", show_progress="minimal")
        chat.clear(start_anew, None, [turns, *chips, along], api_visibility="private", show_progress="hidden")
        for chip in (*choices, *suggestions):
            chip.click(respond, [chip, turns, chat], changed, api_visibility="private", show_progress="minimal")
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
