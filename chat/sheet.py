"""The take-home sheet: a conversation as a page to print, with room for questions to the care team.

Made anew from the questions alone (`read_turns`): the same questions get the same answers, so nothing
has to be stored.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chat import texts
from chat.answer import Answer
from chat.render import confidence_in_words, place
from corpus.article import Article

MAX_TURNS = 40

STYLE = """
:root { color-scheme: light; } body { margin: 0 auto; max-width: 42rem; padding: 1.5rem 1.25rem 3rem; color: #1d2b2f;
  background: #fff; font: 1rem/1.6 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.5rem; margin-bottom: .25rem; } h2 { font-size: 1.15rem; margin-top: 1.8rem; break-after: avoid; }
.soft, small { color: #52656b; } blockquote { margin: .6rem 0; padding-left: .9rem; border-left: .25rem solid #0b6b74;
  break-inside: avoid; } blockquote p { margin: .2rem 0; white-space: pre-line; } a { color: #0b6b74; }
.disclaimer { border: 2px solid #0b6b74; padding: .6rem .9rem; } .no { font-weight: 600; white-space: pre-line; }
.write { border: 1px solid #52656b; min-height: 9rem; padding: .5rem .9rem; }
button { font: inherit; padding: .5rem 1.2rem; border: 1px solid #0b6b74; background: #0b6b74; color: #fff;
  border-radius: .4rem; } @media print { button, .hint { display: none; } body { padding: 0; max-width: none; } }
"""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question of the conversation, and whether it was to be looked up exactly as typed."""

    question: str
    as_typed: bool = False


def read_turns(text: str) -> tuple[Turn, ...]:
    """Read the turns that the page keeps for its reader; the last `MAX_TURNS` of them.

    Raises:
        ValueError: if it is not such a list.
    """
    rows = json.loads(text or "[]")
    if not isinstance(rows, list):
        raise ValueError("the conversation is not a list")
    turns = []
    for row in rows[-MAX_TURNS:]:
        if not (isinstance(row, list) and len(row) == 2 and isinstance(row[0], str) and isinstance(row[1], bool)):
            raise ValueError("a turn is a question and whether it is as typed")
        turns.append(Turn(*row))
    return tuple(turns)


def write_turns(turns: Sequence[Turn]) -> str:
    """Return turns as text that `read_turns` reads."""
    return json.dumps([[t.question, t.as_typed] for t in turns[-MAX_TURNS:]], ensure_ascii=False)


def answer_turns(turns: Sequence[Turn], ask: Callable[[str, list[str], bool], Answer]) -> list[Answer]:
    """Ask the turns one after the other, each with those before it as its history."""
    asked = [t.question for t in turns]
    return [ask(t.question, asked[:n], t.as_typed) for n, t in enumerate(turns)]


def sheet_page(article: Article, answers: Sequence[Answer], day: str) -> str:
    """Return the sheet as an HTML document.

    Args:
        article: what was asked about.
        answers: in the order they were given.
        day: the date to print.
    """
    by = f", by {html.escape(article.author.of(article.text))}" if article.author else ""
    open_ = "".join(f"<li>{html.escape(a.question)}</li>" for a in answers if a.refused)
    return (
        f'<!doctype html><html lang="{html.escape(article.language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>My questions: {html.escape(article.title)}</title><style>{STYLE}</style>"
        '<script src="/own/sheet.js" defer></script></head><body><main>'
        f'<h1>My questions</h1><p class="soft">{html.escape(day)}. Words quoted from '
        f"\u201c{html.escape(article.title)}\u201d{by}, {html.escape(article.publisher)}. "
        f"Copy with sha256 {article.sha256}.</p>"
        '<p class="hint"><button type="button" id="print">Print or save</button></p>'
        f'<p class="disclaimer">{html.escape(texts.DISCLAIMER)}</p>'
        + "".join(_turn(article, answer) for answer in answers)
        + f'<h2 id="team">Questions for my care team</h2><p class="hint soft">{html.escape(texts.SHEET_HINT)}</p>'
        '<div class="write" contenteditable="true" role="textbox" aria-multiline="true" aria-labelledby="team">'
        f"<ul>{open_}<li></li></ul></div>"
        "</main></body></html>"
    )


def _turn(article: Article, answer: Answer) -> str:
    out = [f"<h2>{html.escape(answer.question)}</h2>"]
    out += [f'<p class="no">{html.escape(n)}</p>' for n in answer.notices]
    for number, quote in enumerate(answer.quotes, start=1):
        link = (
            f'<a href="{html.escape(quote.original_url)}">{html.escape(article.publisher)}</a>' if article.url else ""
        )
        words = html.escape(_lines(quote.text), quote=False)
        cited = f"{number}. {html.escape(place(quote))}"
        out.append(f"<blockquote><p>{words}</p><small>{cited}{', ' if link else ''}{link}</small></blockquote>")
    if answer.quotes:
        out.append(f"<p><em>{html.escape(confidence_in_words(answer.confidence))}</em></p>")
    if answer.sources:
        listed = "".join(f"<li>{s.number}. {html.escape(s.span.of(article.text))}</li>" for s in answer.sources)
        out.append(f"<p><small>Sources of these sections:</small></p><ul><small>{listed}</small></ul>")
    return f"<section>{''.join(out)}<p><small>{html.escape(answer.disclaimer)}</small></p></section>"


def _lines(text: str) -> str:
    """Drop blank lines and the indents of list items, which are layout."""
    return "\n".join(line.strip(" \t") for line in text.split("\n") if line.strip())
