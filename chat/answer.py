"""What the bot says: an Answer holds spans of the article and fixed texts, and always the disclaimer."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from chat import texts
from chat.safety import URGENT
from chat.wordings import Safety
from corpus.article import Article, Section, Source, Span

MAX_QUESTION_CHARACTERS = 2000
FRAGMENT_WORDS = 5  # at either end of a longer quote


class Kind(StrEnum):
    """What an Answer is."""

    ANSWER = "answer"  # at least one quote
    NO_ANSWER = "no_answer"  # no quote
    INVALID = "invalid"  # not a question that can be looked up


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of an article: a span, and what follows from it.

    Attributes:
        article: where the words stand.
        span: from the start of a sentence or list item to the end of one, within one section.
        section: index into `Article.sections`.
        score: probability that its best sentence answers.
    """

    article: Article
    span: Span
    section: int
    score: float

    def __post_init__(self) -> None:
        if not self.article.sections[self.section].span.contains(self.span):
            raise ValueError(f"{self.span} is not within section {self.section} of {self.article.id}")

    @property
    def text(self) -> str:
        """The words, sliced from the article."""
        return self.span.of(self.article.text)

    @property
    def heading(self) -> Section:
        """The section that it stands in."""
        return self.article.sections[self.section]

    @property
    def asked(self) -> str:
        """The article's own question that these words answer, without which a "yes" says nothing; empty if none."""
        sentences = self.article.sentences
        for pair in self.article.faq:
            if any(self.span.contains(sentences[i].span) for i in pair.answer):
                return pair.question.of(self.article.text)
        return ""

    @property
    def url(self) -> str:
        """Address of the article's page with this span marked."""
        return f"/article/{self.article.id}?quote={self.span.start}-{self.span.end}#{self.heading.anchor}"

    @property
    def original_url(self) -> str:
        """Address of the words on the publisher's own page; empty where that is not known."""
        return text_fragment_url(self.article.url, self.text) if self.article.url else ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several things that an open question may mean.

    Attributes:
        section: index of the section that would answer.
        question: asks for it; the bot answers this from there.
    """

    section: int
    question: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the bot says to one question. It cannot be built without the disclaimer.

    Attributes:
        id: the caller's, carried through.
        question: as asked.
        understood: the question that was looked up, where that is another one; else empty.
        article: what was asked about; None where that is not known.
        kind: see `Kind`.
        safety: see `chat.safety.Safety`.
        quotes: in reading order, never overlapping.
        sources: of the sections quoted.
        near: sections (indices) worth a look, the nearest first, where there is no answer.
        choices: where the question leaves open what it is about, what it may mean.
        suggestions: questions to go on with; the bot answers each.
        notices: fixed texts, the most urgent first.
        confidence: calibrated probability that the quotes answer the question.
        disclaimer: always `texts.DISCLAIMER`.
    """

    id: str | int | None = None
    question: str
    understood: str = ""
    article: Article | None
    kind: Kind
    safety: Safety = Safety.NONE
    quotes: tuple[Quote, ...] = ()
    sources: tuple[Source, ...] = ()
    near: tuple[int, ...] = ()
    choices: tuple[Choice, ...] = ()
    suggestions: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    confidence: float = 0.0
    disclaimer: str = field(default=texts.DISCLAIMER, init=False)

    def __post_init__(self) -> None:
        if bool(self.quotes) != (self.kind is Kind.ANSWER):
            raise ValueError(f"an Answer of kind {self.kind} with {len(self.quotes)} quotes")
        beside = self.quotes or self.sources or self.near or self.choices or self.suggestions
        if self.safety in URGENT and (beside or not self.notices):
            raise ValueError("an urgent Answer says where to get help and nothing else")
        if any(a.span.end > b.span.start for a, b in zip(self.quotes, self.quotes[1:], strict=False)):
            raise ValueError("quotes overlap or are out of order")

    @property
    def refused(self) -> bool:
        """Whether the question was looked up and not answered; small talk is not looked up, and has no confidence."""
        return self.kind is Kind.NO_ANSWER and self.safety not in URGENT and self.confidence > 0

    def to_json(self) -> dict[str, Any]:
        """Return the Answer as the JSON object that every interface shares."""
        article = self.article
        return {
            "id": self.id,
            "question": self.question,
            "kind": str(self.kind),
            "safety": str(self.safety),
            "quotes": [
                {
                    "article": q.article.id,
                    "start": q.span.start,
                    "end": q.span.end,
                    "text": q.text,
                    "section": list(q.heading.path),
                    "section_restored": list(q.heading.restored),
                    "anchor": q.heading.anchor,
                    "url": q.url,
                    "score": round(q.score, 4),
                }
                for q in self.quotes
            ],
            "sources": [
                {"number": s.number, "text": s.span.of(article.text), "url": s.url} for s in self.sources if article
            ],
            "near": [
                {"section": list(article.sections[n].path), "url": section_url(article, n)}
                for n in self.near
                if article
            ],
            "understood": self.understood,
            "choices": [
                {"section": list(article.sections[c.section].path), "question": c.question}
                for c in self.choices
                if article
            ],
            "suggestions": list(self.suggestions),
            "notices": list(self.notices),
            "confidence": round(self.confidence, 4),
            "disclaimer": self.disclaimer,
        }


def invalid(question: object) -> str:
    """Return what is wrong with a question, in words for its asker; empty if nothing is."""
    if not isinstance(question, str):
        return texts.NOT_TEXT
    if not question.strip():
        return texts.EMPTY
    if len(question) > MAX_QUESTION_CHARACTERS:
        return texts.TOO_LONG.format(limit=MAX_QUESTION_CHARACTERS)
    odd = sum(unicodedata.category(c) in ("Cc", "Co", "Cs", "Cn") and c not in "\n\r\t" for c in question)
    letters = any(c.isalnum() for c in question)
    return texts.NOT_TEXT if odd or "\ufffd" in question or not letters else ""


def text_fragment_url(url: str, text: str) -> str:
    """Return a page's address that scrolls to these words and marks them.

    Source: the Text Fragments specification (WICG), which wants `-`, `,` and `&` percent-encoded.
    A longer text, or one of several lines, is named by its first and last words.

    >>> text_fragment_url("https://a.org/b", "HER2-negative, or not")
    'https://a.org/b#:~:text=HER2%2Dnegative%2C%20or%20not'
    """
    words = text.replace("\u2022", " ").split()
    ends = (
        [words]
        if len(words) <= 2 * FRAGMENT_WORDS and "\n" not in text
        else [words[:FRAGMENT_WORDS], words[-FRAGMENT_WORDS:]]
    )
    return f"{url}#:~:text={','.join(_fragment(' '.join(part)) for part in ends)}"


def _fragment(words: str) -> str:
    return quote(words, safe="").replace("-", "%2D")


def section_url(article: Article, section: int) -> str:
    """Return the address of a section on the article's page."""
    return f"/article/{article.id}#{article.sections[section].anchor}"
