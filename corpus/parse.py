"""Read an article's shape: pieces, sections, sentences, FAQ pairs, sources and gaps, all as spans.

Works on the plain text that a scrape leaves (one paragraph a line, bullets, blank lines) and on
nothing else: no word of any article stands here. What the text cannot say comes in as
`HeadingNote`s, which an editor keeps in `article.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import sentencex

from corpus.article import (
    FaqPair,
    Gap,
    GapKind,
    Piece,
    PieceKind,
    Section,
    Sentence,
    Source,
    Span,
)

_LINE = re.compile(r"[^\n]+")
_MARKER = re.compile(r"(?P<indent>\s*)(?P<marker>(?:[•‣◦▪*\-–]|\d{1,3}[.)])\s+)?")  # noqa: RUF001  real bullets
_NUMBER = re.compile(r"\d+")
_SOURCES_HEADING = re.compile(r"(?:\d+\s+)?(Sources|References|Bibliography)", re.IGNORECASE)
_BYLINE = re.compile(r"By\s+(?=[A-Z])(?P<author>(?:[^.:;]|\b[A-Z]\.){3,80})")
_CREDIT = re.compile(r"[^.!?:]{2,60}\s/\s[^.!?:]{2,40}")
_DOI = re.compile(r"\bdoi:\s*(10\.\d{4,9}/\S+)", re.IGNORECASE)
_ENDS_SENTENCE = re.compile(r"[.!?:;,…][\"'”’)\]]*$")  # noqa: RUF001  curly quotes
_LOST_HEADING_BLANKS = 2  # a lost heading leaves its own blank line beside the usual one
_MAX_HEADING_WORDS = 12
_MAX_UNCAPPED_LETTERS = 4  # title case leaves "the", "with", "from" in lower case
# sentencex ends a sentence after these; they never end one before a digit or a lower-case word.
_ABBREVIATION_END = re.compile(r"\b(?:approx|ca|no|vol|ed|eds|incl|resp|max|min)\.\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HeadingNote:
    """What an editor adds about a heading.

    Attributes:
        title: the heading; where the text has it, this names it.
        level: 2 for a main section, 3 and more below.
        before: how the line after a lost heading begins; None where the text has the heading.
    """

    title: str
    level: int
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """Everything that `parse` finds; field meanings as in `corpus.article.Article`."""

    title: str
    author: Span | None
    pieces: tuple[Piece, ...]
    sections: tuple[Section, ...]
    sentences: tuple[Sentence, ...]
    faq: tuple[FaqPair, ...]
    sources: tuple[Source, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    span: Span  # the words, without indent and marker
    marker: str  # "•", "1." or ""
    indent: int
    blanks: int  # blank lines before it


def parse(text: str, notes: Sequence[HeadingNote] = ()) -> Parsed:
    """Find the shape of an article.

    Args:
        text: one paragraph a line; the first line is the title.
        notes: levels of headings, and the headings that this copy lost.

    Returns:
        Spans of `text`; the pieces cover it without gap or overlap.

    Raises:
        ValueError: if the text is blank, or a note fits no place of the text.
    """
    lines = _lines(text)
    if not lines:
        raise ValueError("the article has no text")
    kinds = _classify(text, lines)
    sections, starts = _sections(text, lines, kinds, notes)
    pieces = _cover(_pieces(lines, kinds, starts), len(text))
    sentences = _sentences(text, pieces)
    return Parsed(
        title=lines[0].span.of(text),
        author=_author(text, pieces),
        pieces=pieces,
        sections=sections,
        sentences=sentences,
        faq=_faq(pieces, sentences),
        sources=_sources(text, lines, kinds),
        gaps=_gaps(lines, kinds, starts, sections),
    )


def split_sentences(text: str, span: Span, language: str = "en") -> list[Span]:
    """Split one paragraph into sentences, keeping offsets.

    sentencex (Wikimedia) proposes the boundaries; one stands only where white space follows it
    (so that "doi:10.2147/OTT.S1" stays whole) and where it does not merely end an abbreviation.

    Args:
        text: the article.
        span: one paragraph or list item of it.
        language: ISO 639-1 code of the text.

    Returns:
        Spans in order, without the white space between them.
    """
    body = span.of(text)
    found: list[Span] = []
    start = 0
    for boundary in sentencex.get_sentence_boundaries(language, body):
        end = boundary["end_index"]
        chunk, rest = body[start:end], body[end:]
        goes_on = not chunk[-1:].isspace() and bool(rest)
        if rest and (goes_on or (_ABBREVIATION_END.search(chunk) and not rest[:1].isupper())):
            continue
        words = chunk.strip()
        if words:
            offset = span.start + start + chunk.index(words)
            found.append(Span(offset, offset + len(words)))
        start = end
    return found


def slugify(heading: str) -> str:
    """Return a heading as an anchor: lower case, words joined by hyphens."""
    return "-".join(re.findall(r"[^\W_]+", heading.casefold())) or "section"


def _lines(text: str) -> list[_Line]:
    lines: list[_Line] = []
    end_of_last = 0
    for match in _LINE.finditer(text):
        words = match.group().strip()
        if not words:
            continue
        head = _MARKER.match(match.group())
        marker = (head["marker"] or "").strip() if head else ""
        begin = match.start() + (head.end() if head and marker else match.group().index(words))
        blanks = sum(not part.strip() for part in text[end_of_last : match.start()].split("\n")[1:-1])
        end = match.start() + len(match.group().rstrip())
        if end <= begin:  # a bullet with nothing after it
            begin, marker = match.start() + match.group().index(words), ""
        indent = len(head["indent"]) if head else 0
        lines.append(_Line(Span(begin, end), marker, indent, blanks if lines else 0))
        end_of_last = end
    return lines


def _classify(text: str, lines: list[_Line]) -> list[PieceKind]:
    """One kind a line, from its own shape and its neighbours'."""
    kinds = [PieceKind.TITLE]
    in_sources = False
    for i, line in enumerate(lines[1:], start=1):
        words = line.span.of(text)
        after = lines[i + 1] if i + 1 < len(lines) else None
        if not line.marker and _SOURCES_HEADING.fullmatch(words):
            in_sources = True
            kinds.append(PieceKind.HEADING)
        elif not line.marker and line.indent == 0 and _BYLINE.fullmatch(words):
            in_sources = False
            kinds.append(PieceKind.BYLINE)
        elif kinds[-1] in (PieceKind.BYLINE, PieceKind.BIO) and line.blanks == 0:
            kinds.append(PieceKind.BIO)
        elif in_sources:
            numbered = bool(_NUMBER.match(line.marker))
            kinds.append(PieceKind.SOURCE if numbered else PieceKind.SOURCES_NOTE)
        else:
            kinds.append(_classify_body(text, line, after))
    return kinds


def _classify_body(text: str, line: _Line, after: _Line | None) -> PieceKind:
    words = line.span.of(text)
    if line.marker:
        answered = after is not None and not after.marker and after.indent > 0
        return PieceKind.FAQ_QUESTION if words.endswith("?") and answered else PieceKind.ITEM
    if _CREDIT.fullmatch(words):
        return PieceKind.CREDIT
    if after is not None and not _ENDS_SENTENCE.search(words) and _CREDIT.fullmatch(after.span.of(text)):
        return PieceKind.CAPTION
    if _is_heading(words, line) and after is not None:
        return PieceKind.HEADING
    if words.endswith(":"):
        return PieceKind.LEAD_IN if after is not None and after.marker else PieceKind.DANGLING
    return PieceKind.PARAGRAPH


def _is_heading(words: str, line: _Line) -> bool:
    """A short line of its own in title case; a question counts when it is in title case too."""
    tokens = words.split()
    if line.indent or len(tokens) > _MAX_HEADING_WORDS:
        return False
    if _ENDS_SENTENCE.search(words) and not words.endswith("?"):
        return False
    long_words = [t for t in tokens if len(t) > _MAX_UNCAPPED_LETTERS and t[0].isalpha()]
    return tokens[0][:1].isupper() and all(t[0].isupper() for t in long_words)


def _sections(
    text: str, lines: list[_Line], kinds: list[PieceKind], notes: Sequence[HeadingNote]
) -> tuple[tuple[Section, ...], list[int]]:
    """Return the sections and, for each line, the index of its section (-1 after the byline)."""
    levels = {n.title: n.level for n in notes if n.before is None}
    lost = [n for n in notes if n.before is not None]
    heads: list[tuple[int, str, int, bool]] = [(0, lines[0].span.of(text), 1, False)]
    for i, line in enumerate(lines):
        words = line.span.of(text)
        if kinds[i] is PieceKind.HEADING:
            sources = _SOURCES_HEADING.fullmatch(words)
            heading = sources[1] if sources else words
            heads.append((i, heading, levels.pop(heading, 2), False))
        elif kinds[i] not in (PieceKind.BYLINE, PieceKind.BIO) and line.blanks >= _LOST_HEADING_BLANKS:
            note = next((n for n in lost if words.startswith(n.before or "")), None)
            if note is not None:
                lost.remove(note)
            heads.append((i, note.title if note else "Untitled section", note.level if note else 2, True))
    unused = [n.title for n in lost] + list(levels)
    if unused:
        raise ValueError(f"headings named in article.toml fit no place of the text: {unused}")
    return _section_tree(lines, kinds, heads)


def _section_tree(
    lines: list[_Line], kinds: list[PieceKind], heads: list[tuple[int, str, int, bool]]
) -> tuple[tuple[Section, ...], list[int]]:
    body_end = next((i for i, k in enumerate(kinds) if k is PieceKind.BYLINE), len(lines))
    open_heads: list[tuple[str, int, bool]] = []
    sections: list[Section] = []
    owner = [-1] * len(lines)
    taken: dict[str, int] = {}
    for number, (first, heading, level, restored) in enumerate(heads):
        last = heads[number + 1][0] if number + 1 < len(heads) else max(body_end, first + 1)
        open_heads = [h for h in open_heads if h[1] < level] if level > 1 else []
        open_heads.append((heading, level, restored))
        shown = [h for h in open_heads if h[1] > 1] or open_heads  # the title heads only the introduction
        slug = slugify(heading)
        taken[slug] = taken.get(slug, 0) + 1
        sections.append(
            Section(
                heading=heading,
                path=tuple(h[0] for h in shown),
                restored=tuple(h[2] for h in shown),
                level=level,
                span=Span(lines[first].span.start, lines[last - 1].span.end),
                anchor=slug if taken[slug] == 1 else f"{slug}-{taken[slug]}",
            )
        )
        owner[first:last] = [number] * (last - first)
    return tuple(sections), owner


def _pieces(lines: list[_Line], kinds: list[PieceKind], owner: list[int]) -> list[Piece]:
    """One piece a line; list items with their lead-in, and FAQ questions with answers, share a group."""
    pieces: list[Piece] = []
    group = -1
    in_list = in_faq = False
    for line, kind, section in zip(lines, kinds, owner, strict=True):
        if pieces and section != pieces[-1].section:
            in_list = in_faq = False
        if kind is PieceKind.LEAD_IN or kind is PieceKind.FAQ_QUESTION:
            group += 1
            in_list, in_faq = kind is PieceKind.LEAD_IN, kind is PieceKind.FAQ_QUESTION
        elif kind is PieceKind.ITEM:
            if not in_list:
                group += 1
            in_list, in_faq = True, False
        elif not (in_faq and kind is PieceKind.PARAGRAPH and line.indent > 0):
            in_list = in_faq = False
        grouped = in_list or in_faq
        pieces.append(Piece(kind, line.span, section, group if grouped else -1))
    return pieces


def _cover(pieces: list[Piece], length: int) -> tuple[Piece, ...]:
    """Fill what lies between the pieces with layout, so that all of the text is accounted for."""
    covered: list[Piece] = []
    at = 0
    for piece in pieces:
        if piece.span.start > at:
            covered.append(Piece(PieceKind.LAYOUT, Span(at, piece.span.start), piece.section))
        covered.append(piece)
        at = piece.span.end
    if at < length:
        covered.append(Piece(PieceKind.LAYOUT, Span(at, length)))
    return tuple(covered)


_QUOTABLE = (PieceKind.PARAGRAPH, PieceKind.ITEM, PieceKind.LEAD_IN, PieceKind.DANGLING)


def _sentences(text: str, pieces: tuple[Piece, ...]) -> tuple[Sentence, ...]:
    sentences: list[Sentence] = []
    for index, piece in enumerate(pieces):
        if piece.kind not in _QUOTABLE:
            continue
        own = [
            Sentence(span, piece.section, index, piece.group, is_item=piece.kind is PieceKind.ITEM)
            for span in split_sentences(text, piece.span)
        ]
        own[-1] = replace(
            own[-1],
            is_lead_in=piece.kind is PieceKind.LEAD_IN,
            is_dangling=piece.kind is PieceKind.DANGLING,
        )
        sentences.extend(own)
    return tuple(sentences)


def _faq(pieces: tuple[Piece, ...], sentences: tuple[Sentence, ...]) -> tuple[FaqPair, ...]:
    return tuple(
        FaqPair(piece.span, tuple(i for i, s in enumerate(sentences) if s.group == piece.group))
        for piece in pieces
        if piece.kind is PieceKind.FAQ_QUESTION
    )


def _sources(text: str, lines: list[_Line], kinds: list[PieceKind]) -> tuple[Source, ...]:
    sources: list[Source] = []
    for line, kind in zip(lines, kinds, strict=True):
        if kind is not PieceKind.SOURCE:
            continue
        number = _NUMBER.match(line.marker)
        doi = _DOI.search(line.span.of(text))
        url = f"https://doi.org/{doi[1].rstrip('.,;)')}" if doi else None
        sources.append(Source(int(number.group()) if number else len(sources) + 1, line.span, url))
    return tuple(sources)


def _author(text: str, pieces: tuple[Piece, ...]) -> Span | None:
    for piece in pieces:
        if piece.kind is PieceKind.BYLINE:
            match = _BYLINE.fullmatch(text, piece.span.start, piece.span.end)
            return Span(*match.span("author")) if match else None
    return None


def _gaps(
    lines: list[_Line], kinds: list[PieceKind], owner: list[int], sections: tuple[Section, ...]
) -> tuple[Gap, ...]:
    gaps: list[Gap] = []
    for i, line in enumerate(lines):
        if kinds[i] is PieceKind.DANGLING:
            gaps.append(Gap(GapKind.DANGLING_LEAD_IN, line.span, restored=False))
        section = sections[owner[i]]
        if owner[i] >= 0 and section.restored[-1] and section.span.start == line.span.start:
            restored = section.heading != "Untitled section"
            gaps.append(Gap(GapKind.LOST_HEADING, line.span, restored))
    return tuple(gaps)
