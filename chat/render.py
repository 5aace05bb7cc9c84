"""Shows an Answer: as plain text for a terminal, as Markdown for the chat. Adds no words but labels."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from chat import texts
from chat.answer import Answer, Kind, Quote, section_url
from chat.safety import URGENT
from corpus.article import Section

# ASCII punctuation and line starts can be read as Markdown or HTML; as entities they are only shown.
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_SURE = ((0.9, "very likely"), (0.7, "likely"), (0.0, "possibly"))


def section_path(section: Section) -> str:
    """Return a heading path in words; headings that this copy lost stand in brackets.

    >>> from corpus.article import Span
    >>> section_path(Section("B", ("A", "B"), (True, False), 3, Span(0, 1), "b"))
    '[A] > B'
    """
    shown = (f"[{h}]" if lost else h for h, lost in zip(section.path, section.restored, strict=True))
    return " > ".join(shown)


def place(quote: Quote) -> str:
    """Return where a quote stands, in words: its headings, and the article's own question if it answers one."""
    return " > ".join(filter(None, (section_path(quote.heading), quote.asked)))


def confidence_in_words(confidence: float) -> str:
    """Return how sure the bot is that the quotes answer, in words."""
    word = next(word for least, word in _SURE if confidence >= least)
    return f"This {word} answers your question."


def to_text(answer: Answer) -> str:
    """Return an Answer as plain text."""
    lines = [*answer.notices, ""] if answer.notices else []
    for number, quote in enumerate(answer.quotes, start=1):
        links = [f"    {url}" for url in (quote.url, quote.original_url) if url]
        lines += [f"[{number}] {place(quote)}", *_indented(quote.text), *links, ""]
    if answer.quotes:
        lines += [confidence_in_words(answer.confidence), ""]
    if answer.article and answer.sources:
        lines.append("Sources of these sections:")
        for source in answer.sources:
            lines.append(f"  {source.number}. {source.span.of(answer.article.text)}")
            lines += [f"     {source.url}"] if source.url else []
        lines.append("")
    if answer.article and answer.near:
        lines.append("Nearest sections:")
        for n in answer.near:
            lines.append(f"  {section_path(answer.article.sections[n])}  {section_url(answer.article, n)}")
        lines.append("")
    return "\n".join([*lines, answer.disclaimer])


def to_markdown(answer: Answer) -> str:
    """Return an Answer as Markdown that shows every character of the article and the question as it is."""
    if answer.safety in URGENT:
        first, *rest = answer.notices
        blocks = [f"### {escape(first)}", *(escape(n).replace("\n", "  \n") for n in rest)]
        return "\n\n".join([*blocks, _small(answer.disclaimer)])
    blocks = [f"**{escape(n)}**" if answer.kind is not Kind.ANSWER else escape(n) for n in answer.notices]
    for number, quote in enumerate(answer.quotes, start=1):
        blocks.append(f"{_quoted(quote.text)}\n>\n> {_citation(number, quote, answer.quotes)}")
    if answer.quotes:
        blocks.append(f"*{escape(confidence_in_words(answer.confidence))}*")
    if answer.article and answer.sources:
        items = []
        for source in answer.sources:
            link = f" [{escape(source.url)}]({source.url})" if source.url else ""
            items.append(
                f"- {source.number}&#46; {escape(_without_doi(source.span.of(answer.article.text), source.url))}{link}"
            )
        blocks.append("Sources of these sections:\n\n" + "\n".join(items))
    if answer.article and answer.near:
        items = [
            f"- [{escape(section_path(answer.article.sections[n]))}]({section_url(answer.article, n)})"
            for n in answer.near
        ]
        blocks.append("The nearest sections:\n\n" + "\n".join(items))
    return "\n\n".join([*blocks, _small(answer.disclaimer)])


def to_take_along(answer: Answer, turns: str) -> str:
    """Return the HTML of the buttons that copy an answer and open the take-home sheet.

    Args:
        answer: what `static/page.js` copies, as plain text.
        turns: the conversation, as the sheet reads it (`chat.sheet.read_turns`).
    """
    return (
        f'<form method="post" action="/sheet" target="_blank"><button type="button" id="copy" '
        f'data-text="{_attribute(to_text(answer))}">{texts.COPY}</button>'
        f'<input type="hidden" name="turns" value="{_attribute(turns)}">'
        f'<button type="submit">{texts.SHEET}</button><span id="copied" role="status"></span></form>'
    )


def _attribute(text: str) -> str:
    """Return text as an HTML attribute's value on one line, since Markdown ends its HTML at a blank one."""
    return html.escape(text).replace("\n", "&#10;")


def escape(text: str) -> str:
    """Return text as Markdown that shows it character for character."""
    return _PUNCTUATION.sub(lambda m: f"&#{ord(m.group())};", text)


def marked_url(quote: Quote, quotes: Sequence[Quote], number: int) -> str:
    """Return the address of the article with all the quotes of an answer marked, at one of them."""
    spans = ",".join(f"{q.span.start}-{q.span.end}" for q in quotes)
    return f"/article/{quote.article.id}?quote={spans}#quote-{number}"


def _citation(number: int, quote: Quote, quotes: Sequence[Quote]) -> str:
    path = escape(place(quote))
    original = f" · [{escape(texts.IN_THE_ORIGINAL)}]({quote.original_url})" if quote.original_url else ""
    return f"[{number}&#46; {path}]({marked_url(quote, quotes, number)}){original}"


def _quoted(text: str) -> str:
    """A block quote, one line a line of the article; blank lines and list indents are layout."""
    lines = [line.strip(" \t") for line in text.split("\n") if line.strip()]
    return "\n".join(f"> {escape(line)}<br>" for line in lines[:-1]) + f"\n> {escape(lines[-1])}".removeprefix(
        "" if len(lines) > 1 else "\n"
    )


def _without_doi(text: str, url: str | None) -> str:
    return re.sub(r"\s*doi:\S+$", "", text) if url else text


def _small(text: str) -> str:
    return f"<small>{escape(text)}</small>"


def _indented(text: str) -> list[str]:
    return [f"    {line.strip()}" for line in text.split("\n") if line.strip()]


def failed(question: str, id: str | int | None = None, notice: str = texts.FAILED) -> Answer:  # noqa: A002
    """Return the Answer for a question that a fault kept from being answered."""
    return Answer(id=id, question=question, article=None, kind=Kind.INVALID, notices=(notice,))
