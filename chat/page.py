"""The article as a web page of its own, without JavaScript: `/article/<id>?quote=START-END#section`.

Drawn from pieces and offsets; quotes are never searched for, and every word is escaped. Terms that the
article defines are links to their definition, which also shows at the foot on hover, focus or tap.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

from chat import texts
from corpus.article import Article, GapKind, Piece, PieceKind, Section, Span
from corpus.glossary import Definition, find_definitions, find_uses

_QUOTE = re.compile(r"(\d{1,9})-(\d{1,9})")
_BAD_QUOTE = "This link names a place that is not in the article, so nothing is marked."
_RESTORED = "heading missing in our copy, put back by hand"
_WORDS_EXPLAINED = "Words that the article explains"
_LOST_LIST = "Our copy of the article lost the list that stood here."

STYLE = """
:root { color-scheme: light dark; --ink: #1d2b2f; --paper: #fff; --soft: #52656b; --accent: #0b6b74;
  --line: #d5dfe1; --mark: #fff1b8; --mark-ink: #1d2b2f; --warn: #7a3b00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edee; --paper: #11191b; --soft: #a9babf;
  --accent: #6cc9d2; --line: #2c3b3f; --mark: #5a4a12; --mark-ink: #fff6d6; --warn: #ffc78f; } }
body { margin: 0 auto; max-width: 42rem; padding: 1rem 1.25rem 4rem; color: var(--ink); background: var(--paper);
  font: 1.05rem/1.65 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.3rem; margin-top: 2.2rem; }
h3, h4 { font-size: 1.1rem; margin-top: 1.8rem; } h1, h2, h3, h4 { scroll-margin-top: 1rem; }
a { color: var(--accent); } .soft, small { color: var(--soft); }
.restored small { display: block; font-size: .8rem; font-weight: 400; }
.term { color: inherit; text-decoration: underline dotted var(--accent); text-underline-offset: .2em; }
.meaning { display: none; position: fixed; inset: auto 0 0 0; margin: 0; padding: .75rem 1.25rem; font-size: 1rem;
  background: var(--paper); border-top: .2rem solid var(--accent); box-shadow: 0 -.3rem 1rem rgb(0 0 0 / 15%); }
dt { font-weight: 600; margin-top: .8rem; scroll-margin-top: 1rem; } dd { margin: 0; }
mark { background: var(--mark); color: var(--mark-ink); padding: .1em 0; scroll-margin-top: 30vh; }
mark:target, mark[id] { outline: none; box-shadow: 0 0 0 .12em var(--mark); }
.number { font-size: .75em; vertical-align: super; line-height: 0; font-weight: 600; }
.note { border-left: .25rem solid var(--line); padding-left: .75rem; color: var(--soft); }
.problem { color: var(--warn); } .faq { font-weight: 600; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1rem; }
@media print { body { max-width: none; } a { color: inherit; } .meaning { display: none !important; } }
"""


def parse_quotes(values: Sequence[str], article: Article) -> tuple[tuple[Span, ...], bool]:
    """Read `quote` values of an address, each one or several `START-END` joined by commas.

    Returns:
        The spans that lie within the article and hold some of its words, in the order given, and
        whether all values were such spans.
    """
    spans = []
    values = [part for value in values for part in value.split(",")]
    for value in values:
        match = _QUOTE.fullmatch(value)
        start, end = (int(match[1]), int(match[2])) if match else (0, 0)
        if start < end <= len(article.text) and article.text[start:end].strip():
            spans.append(Span(start, end))
    return tuple(spans), len(spans) == len(values)


def article_page(article: Article, quotes: Sequence[str] = ()) -> str:
    """Return the article as an HTML document with spans marked.

    Args:
        article: what to show.
        quotes: `START-END` values from the address. Where one is bad, a line says so.
    """
    spans, good = parse_quotes(quotes, article)
    title = html.escape(article.title)
    source = _original(article)
    problem = "" if good else f'<p class="problem" role="alert">{_BAD_QUOTE}</p>'
    definitions = find_definitions(article)
    shown = "".join(
        f".page:has(a[href='#term-{n}']:is(:hover, :focus)) #meaning-{n} {{ display: block; }}"
        for n in range(len(definitions))
    )
    return (
        f'<!doctype html><html lang="{html.escape(article.language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title}</title><style>{STYLE}{shown}</style></head><body class="page"><main>{problem}'
        f"{_body(article, spans, find_uses(article, definitions))}{_glossary(article, definitions)}</main>"
        f"<footer><p>{source}</p><p>{html.escape(texts.DISCLAIMER)}</p></footer></body></html>"
    )


def _glossary(article: Article, definitions: Sequence[Definition]) -> str:
    """The terms with the sentences that define them, once as a list and once each for the foot of the window."""
    if not definitions:
        return ""
    entries, meanings = [], []
    for n, definition in enumerate(definitions):
        sentence = article.sentences[definition.sentence]
        words = html.escape(sentence.span.of(article.text), quote=False)
        anchor = article.sections[sentence.section].anchor
        place = f"/article/{article.id}?quote={sentence.span.start}-{sentence.span.end}#{anchor}"
        names = html.escape(", ".join(definition.terms))
        entries.append(f'<dt id="term-{n}">{names}</dt><dd>{words} <a href="{place}">Show the place</a></dd>')
        meanings.append(f'<p class="meaning" id="meaning-{n}" aria-hidden="true">{words}</p>')
    heading = f'<h2 id="words-explained">{_WORDS_EXPLAINED}</h2>'
    return (
        f'<section aria-labelledby="words-explained">{heading}<dl>{"".join(entries)}</dl></section>{"".join(meanings)}'
    )


def _original(article: Article) -> str:
    name = html.escape(article.publisher or article.title)
    by = f", by {html.escape(article.author.of(article.text))}" if article.author else ""
    link = f'<a href="{html.escape(article.url)}" rel="noopener noreferrer">{name}</a>' if article.url else name
    return f"{link}{by}. Words as in our copy, sha256 {article.sha256[:12]}."


Uses = Sequence[tuple[Span, int]]


def _body(article: Article, marks: Sequence[Span], uses: Uses) -> str:
    shown = [p for p in article.pieces if p.kind is not PieceKind.LAYOUT]
    out: list[str] = []
    for index, pieces in groupby(shown, key=lambda p: p.section):
        section = article.sections[index] if index >= 0 else None
        if section is not None:
            out.append(f'<section aria-labelledby="{section.anchor}">{_heading(section)}')
        out += _pieces(article, list(pieces), marks, uses)
        if section is not None:
            out.append("</section>")
    return "".join(out)


def _heading(section: Section) -> str:
    tag, words = f"h{min(section.level, 4)}", html.escape(section.heading)
    if section.restored[-1]:
        return f'<{tag} id="{section.anchor}" class="restored">[{words}] <small>{_RESTORED}</small></{tag}>'
    return f'<{tag} id="{section.anchor}">{words}</{tag}>'


def _pieces(article: Article, pieces: list[Piece], marks: Sequence[Span], uses: Uses) -> list[str]:
    out: list[str] = []
    gaps = {g.span for g in article.gaps if g.kind is GapKind.DANGLING_LEAD_IN}
    for kind, run in groupby(pieces, key=lambda p: p.kind):
        words = [_marked(article, p.span, marks, uses) for p in run]
        if kind in (PieceKind.TITLE, PieceKind.HEADING):
            continue  # drawn with its section
        if kind is PieceKind.ITEM:
            out.append("<ul>" + "".join(f"<li>{w}</li>" for w in words) + "</ul>")
        elif kind is PieceKind.SOURCE:
            out.append("<ol>" + "".join(_source(article, n, w) for n, w in enumerate(words)) + "</ol>")
        else:
            style = {PieceKind.CAPTION: "note", PieceKind.CREDIT: "note", PieceKind.FAQ_QUESTION: "faq"}
            css = f' class="{style[kind]}"' if kind in style else ""
            out += [f"<p{css}>{w}</p>" for w in words]
        if kind is PieceKind.DANGLING and gaps:
            out.append(f'<p class="note">[{_LOST_LIST}]</p>')
    return out


def _source(article: Article, n: int, words: str) -> str:
    source = article.sources[n]
    link = (
        f' <a href="{html.escape(source.url)}" rel="noopener noreferrer">{html.escape(source.url)}</a>'
        if source.url
        else ""
    )
    return f'<li id="source-{source.number}" value="{source.number}">{words}{link}</li>'


def _marked(article: Article, span: Span, marks: Sequence[Span], uses: Uses) -> str:
    """Return a piece's words, escaped: the parts inside marked spans wrapped and numbered, terms linked."""
    out: list[str] = []
    for start, end in _cut(span, marks):
        words = "".join(_linked(article, Span(*part), uses) for part in _cut(Span(start, end), [u for u, _ in uses]))
        number = next((n for n, m in enumerate(marks, 1) if m.start <= start and end <= m.end), 0)
        if not number:
            out.append(words)
            continue
        first = start <= _first_word(article, marks[number - 1]) < end
        label = f'<span class="number">{number}</span>' if first and len(marks) > 1 else ""
        out.append(f"<mark{f' id={chr(34)}quote-{number}{chr(34)}' if first else ''}>{label}{words}</mark>")
    return "".join(out)


def _cut(span: Span, at: Sequence[Span]) -> Iterable[tuple[int, int]]:
    """Return a span's parts, cut wherever another span begins or ends."""
    return pairwise(
        sorted({span.start, span.end, *(c for m in at for c in (m.start, m.end) if span.start < c < span.end)})
    )


def _linked(article: Article, part: Span, uses: Uses) -> str:
    """Return words, escaped, as a link to their definition where they are the use of a term."""
    words = html.escape(part.of(article.text), quote=False)
    term = next((n for use, n in uses if use.contains(part)), -1)
    return f'<a class="term" href="#term-{term}">{words}</a>' if term >= 0 else words


def _first_word(article: Article, mark: Span) -> int:
    """Return where a marked span's first drawn character is: a piece's, not layout's."""
    return next(
        (
            max(p.span.start, mark.start)
            for p in article.pieces
            if p.kind is not PieceKind.LAYOUT and p.span.overlaps(mark)
        ),
        mark.start,
    )
