"""The types of the corpus: an article is one immutable text, everything else is a span of it.

Knows nothing of files, tokens or retrieval. `Article.text` is the only copy of the words;
whatever reaches a reader is `span.of(article.text)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open character range `[start, end)` of one article's text.

    Raises:
        ValueError: if not `0 <= start < end`.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a span needs 0 <= start < end, got ({self.start}, {self.end})")

    def of(self, text: str) -> str:
        """Return the words of this span, untouched."""
        return text[self.start : self.end]

    def contains(self, other: Span) -> bool:
        """Whether `other` lies wholly inside this span."""
        return self.start <= other.start and other.end <= self.end

    def overlaps(self, other: Span) -> bool:
        """Whether the two spans share at least one character."""
        return self.start < other.end and other.start < self.end


class PieceKind(StrEnum):
    """What a stretch of the text is. Only sentences and items are ever quoted."""

    TITLE = "title"
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LEAD_IN = "lead_in"  # a paragraph ending in ":" with its list after it
    DANGLING = "dangling"  # a lead-in whose list is missing
    ITEM = "item"
    FAQ_QUESTION = "faq_question"
    CAPTION = "caption"
    CREDIT = "credit"
    SOURCES_NOTE = "sources_note"
    SOURCE = "source"
    BYLINE = "byline"
    BIO = "bio"
    LAYOUT = "layout"  # line breaks, indents, bullets: what stands between the words


@dataclass(frozen=True, slots=True)
class Piece:
    """One stretch of the text. All pieces of an article cover it without gap or overlap.

    Attributes:
        kind: what it is.
        span: where it is.
        section: index into `Article.sections`; -1 for what belongs to no section.
        group: pieces of one list (items) share a number; a FAQ question shares one with its
            answer paragraphs; -1 otherwise.
    """

    kind: PieceKind
    span: Span
    section: int = -1
    group: int = -1


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with the text under it, up to the next heading.

    Attributes:
        heading: the heading in words.
        path: headings from the top level down to this one, this one last.
        restored: for each heading of `path`, whether this copy of the text lost it.
        level: 1 for the title, 2 for a main section, 3 and more below.
        span: heading (where the text has it) and body.
        anchor: slug, unique within the article, stable as long as the headings are.
    """

    heading: str
    path: tuple[str, ...]
    restored: tuple[bool, ...]
    level: int
    span: Span
    anchor: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """The smallest unit that is quoted: a sentence of a paragraph or of a list item.

    Attributes:
        span: where it is.
        section: index into `Article.sections`.
        block: index into `Article.pieces` of the paragraph or list item that holds it.
        group: the list (or FAQ pair) that its block belongs to, -1 if none.
        is_item: whether the block is a list item.
        is_lead_in: whether it introduces a list. Quoted only together with list items.
        is_dangling: whether the list that it introduces is missing. Never quoted.
    """

    span: Span
    section: int
    block: int
    group: int = -1
    is_item: bool = False
    is_lead_in: bool = False
    is_dangling: bool = False


@dataclass(frozen=True, slots=True)
class FaqPair:
    """A question that stands in the article with the sentences that follow it as its answer.

    Attributes:
        question: span of the question.
        answer: indices into `Article.sentences`.
    """

    question: Span
    answer: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """One of the article's numbered references.

    Attributes:
        number: as the article numbers it.
        span: the reference without its number.
        url: its DOI address, or None where the text gives none. Never invented.
        anchors: sections that it plainly supports, matched by an editor (`article.toml`).
    """

    number: int
    span: Span
    url: str | None
    anchors: tuple[str, ...] = ()


class GapKind(StrEnum):
    """What a copy of an article can be seen to have lost."""

    LOST_HEADING = "lost_heading"
    DANGLING_LEAD_IN = "dangling_lead_in"


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that this copy lost.

    Attributes:
        kind: what is missing.
        span: the line beside the loss (after a lost heading, the dangling lead-in itself).
        restored: whether `article.toml` restores it.
    """

    kind: GapKind
    span: Span
    restored: bool


@dataclass(frozen=True, slots=True)
class Article:
    """A text and what is known about its shape. See `corpus.library.load_article`.

    Attributes:
        text: the file's content, never edited.
        sha256: of the file's bytes, hexadecimal.
        author: span of the byline without "By", None where there is none.
        url: public address of the page, None where unknown.
        language: ISO 639-1 code of the text.
        updated: when the article was last updated, in words; empty where unknown.
        examples: questions to start with, chosen by an editor.
        suggestions: questions to go on with, chosen by an editor.
    """

    id: str
    title: str
    publisher: str
    url: str | None
    language: str
    updated: str
    examples: tuple[str, ...]
    suggestions: tuple[str, ...]
    text: str
    sha256: str
    author: Span | None
    pieces: tuple[Piece, ...]
    sections: tuple[Section, ...]
    sentences: tuple[Sentence, ...]
    faq: tuple[FaqPair, ...]
    sources: tuple[Source, ...]
    gaps: tuple[Gap, ...]

    def sources_of(self, section: int) -> tuple[Source, ...]:
        """Return the sources matched to a section (index), or to the nearest one above it."""
        path = self.sections[section].path
        for depth in range(len(path), 0, -1):
            anchors = {s.anchor for s in self.sections if s.path == path[:depth]}
            found = tuple(s for s in self.sources if anchors & set(s.anchors))
            if found:
                return found
        return ()
