"""From a question to an Answer: the whole way, on one screen (`Answerer.answer`).

An Answer holds spans of the article and fixed texts, nothing else, and always the disclaimer.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from chat import texts
from chat.conversation import resolve
from chat.features import Vocabulary
from chat.safety import URGENT, Safety, Screen
from chat.select import Selection, Weights, select
from chat.silence import kind_of_silence
from chat.spelling import Speller
from corpus.article import Article, Section, Source, Span
from index.models import Encoder, PairScorer
from index.passage_index import PassageIndex, Search

MAX_QUESTION_CHARACTERS = 2000
MAX_HISTORY = 20  # earlier questions that are looked at
MAX_NEAR = 3


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
    def url(self) -> str:
        """Address of the article's page with this span marked."""
        return f"/article/{self.article.id}?quote={self.span.start}-{self.span.end}#{self.heading.anchor}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the bot says to one question. It cannot be built without the disclaimer.

    Attributes:
        id: the caller's, carried through.
        question: as asked.
        article: what was asked about; None where that is not known.
        kind: see `Kind`.
        safety: see `chat.safety.Safety`.
        quotes: in reading order, never overlapping.
        sources: of the sections quoted.
        near: the nearest sections (indices), where there is no answer.
        notices: fixed texts, the most urgent first.
        confidence: calibrated probability that the quotes answer the question.
        disclaimer: always `texts.DISCLAIMER`.
    """

    id: str | int | None = None
    question: str
    article: Article | None
    kind: Kind
    safety: Safety = Safety.NONE
    quotes: tuple[Quote, ...] = ()
    sources: tuple[Source, ...] = ()
    near: tuple[int, ...] = ()
    notices: tuple[str, ...] = ()
    confidence: float = 0.0
    disclaimer: str = field(default=texts.DISCLAIMER, init=False)

    def __post_init__(self) -> None:
        if bool(self.quotes) != (self.kind is Kind.ANSWER):
            raise ValueError(f"an Answer of kind {self.kind} with {len(self.quotes)} quotes")
        if self.safety in URGENT and (self.quotes or self.sources or self.near or not self.notices):
            raise ValueError("an urgent Answer says where to get help and nothing else")
        if any(a.span.end > b.span.start for a, b in zip(self.quotes, self.quotes[1:], strict=False)):
            raise ValueError("quotes overlap or are out of order")

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
            "notices": list(self.notices),
            "confidence": round(self.confidence, 4),
            "disclaimer": self.disclaimer,
        }


def section_url(article: Article, section: int) -> str:
    """Return the address of a section on the article's page."""
    return f"/article/{article.id}#{article.sections[section].anchor}"


@dataclass(frozen=True, slots=True)
class Answerer:
    """Answers questions about one article. See `chat.assemble.open_answerer`."""

    article: Article
    index: PassageIndex
    encoder: Encoder
    reranker: PairScorer
    vocabulary: Vocabulary
    speller: Speller
    weights: Weights
    screen: Screen

    def answer(self, question: str, history: Sequence[str] = (), id: str | int | None = None) -> Answer:  # noqa: A002  the interface's name
        """Answer one question.

        Args:
            question: as typed.
            history: earlier questions of the conversation, oldest first.
            id: carried into the Answer.
        """
        problem = invalid(question)
        if problem:
            return Answer(id=id, question=question, article=self.article, kind=Kind.INVALID, notices=(problem,))
        history = [h for h in history[-MAX_HISTORY:] if not invalid(h)]
        safety = self.screen.check(question, history)
        if safety in URGENT:
            notices = texts.emergency_notices() if safety is Safety.EMERGENCY else texts.crisis_notices()
            return Answer(
                id=id,
                question=question,
                article=self.article,
                kind=Kind.NO_ANSWER,
                safety=safety,
                notices=notices,
            )
        spelt = self.speller.correct(question)
        understood = resolve(self.vocabulary, spelt, [self.speller.correct(h) for h in history])
        search, selection = self.look_up(understood)
        notices = _safety_notices(safety)
        if understood != question:
            notices = (*notices, texts.UNDERSTOOD_AS.format(question=understood))
        if selection.confidence < self.weights.answer_above:
            silence = kind_of_silence(self.vocabulary, understood, search)
            return Answer(
                id=id,
                question=question,
                article=self.article,
                kind=Kind.NO_ANSWER,
                safety=safety,
                near=nearest_sections(self.article, search),
                notices=(*notices, texts.NO_OF[silence], texts.ASK_CARE_TEAM),
                confidence=selection.confidence,
            )
        quotes = self._quotes(selection)
        return Answer(
            id=id,
            question=question,
            article=self.article,
            kind=Kind.ANSWER,
            safety=safety,
            quotes=quotes,
            sources=_sources(self.article, quotes),
            notices=(*notices, texts.FROM_THE_ARTICLE) if safety is not Safety.NONE else notices,
            confidence=selection.confidence,
        )

    def look_up(self, question: str) -> tuple[Search, Selection]:
        """Search the index and choose what would be quoted."""
        search = self.index.search(question, self.encoder.encode([question])[0])
        selection = select(self.article, self.vocabulary, self.reranker, self.weights, question, search)
        return search, selection

    def _quotes(self, selection: Selection) -> tuple[Quote, ...]:
        hits = selection.candidates.hits
        p = {h.sentence: float(v) for h, v in zip(hits, selection.p, strict=True)}
        sentences = self.article.sentences
        return tuple(
            Quote(
                self.article,
                Span(sentences[run[0]].span.start, sentences[run[-1]].span.end),
                sentences[run[0]].section,
                max(p.get(i, 0.0) for i in run),
            )
            for run in selection.runs
        )


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


def nearest_sections(article: Article, search: Search) -> tuple[int, ...]:
    """Return the sections of the best hits, without repeats, best first."""
    return tuple(dict.fromkeys(article.sentences[h.sentence].section for h in search.hits))[:MAX_NEAR]


def _sources(article: Article, quotes: Sequence[Quote]) -> tuple[Source, ...]:
    found = {s.number: s for q in quotes for s in article.sources_of(q.section)}
    return tuple(found[n] for n in sorted(found))


def _safety_notices(safety: Safety) -> tuple[str, ...]:
    return {Safety.PERSONAL_ADVICE: (texts.PERSONAL_ADVICE,), Safety.DOSAGE: (texts.DOSAGE,)}.get(safety, ())
