"""The index of one article, in memory: vectors in FAISS, terms in BM25, the question bank beside them.

FAISS holds inner products of unit vectors for passages, sentences and banked questions; BM25 covers
passages and sentences. Chooses nothing: a search returns every score of every sentence. Saving and
loading are in `index.store`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bm25s
import faiss
import numpy as np
import numpy.typing as npt

from corpus.article import Article
from corpus.discourse import in_context
from corpus.passages import Passage, split_passages
from corpus.questions import Question
from index.asking import Asking, asking_part
from index.bank import NO_SIMILARITY, BankVote, QuestionBank
from index.models import Encoder
from index.terms import terms

Floats = npt.NDArray[np.float32]

RRF_CONSTANT = 60  # reciprocal rank fusion: Cormack, Clarke and Buettcher, SIGIR 2009
VECTORS = ("passages", "sentences", "questions")


@dataclass(frozen=True, slots=True)
class Hit:
    """A sentence with all its scores for one question; higher is better everywhere.

    Attributes:
        sentence: index into `Article.sentences`.
        passage: index into `PassageIndex.passages` of the passage that holds it.
        dense: cosine of the question and the sentence in context.
        dense_passage: cosine of the question and the passage.
        lexical: BM25 of the sentence.
        lexical_passage: BM25 of the passage.
        banked: cosine of the nearest banked question that the sentence answers, -1 if none.
        vote: share of the bank's vote for it, nearer questions weighing more.
        learned: probability by the bank's classifier that the sentence is asked for.
        fused: reciprocal rank fusion of dense, lexical, banked and learned.
    """

    sentence: int
    passage: int
    dense: float
    dense_passage: float
    lexical: float
    lexical_passage: float
    banked: float
    vote: float
    learned: float
    fused: float


@dataclass(frozen=True, slots=True)
class Search:
    """What the index knows about one question.

    Attributes:
        hits: one for each quotable sentence, best fused score first.
        nearest: the nearest banked questions with their cosines, best first.
        bank: what the question bank says.
        on_subject: cosine of the question and the nearest passage (low: another subject).
    """

    hits: tuple[Hit, ...]
    nearest: tuple[tuple[Question, float], ...]
    bank: BankVote
    on_subject: float


class PassageIndex:
    """Vectors and terms of one article.

    Args:
        article: what is indexed.
        passages: its passages.
        bank: its question bank.
        vectors: a FAISS index for each name of `VECTORS`, in the order of passages, of
            `Article.sentences` and of the bank's questions.
        exclude: sections (indices) that are never quoted, for evaluation.
    """

    def __init__(
        self,
        article: Article,
        passages: tuple[Passage, ...],
        bank: QuestionBank,
        vectors: dict[str, Any],
        exclude: frozenset[int] = frozenset(),
    ) -> None:
        self.article = article
        self.passages = passages
        self.bank = bank
        self.vectors = vectors
        self._passage_of = {i: n for n, p in enumerate(passages) for i in p.sentences}
        self.quotable = tuple(
            i
            for i, s in enumerate(article.sentences)
            if not (s.is_lead_in or s.is_dangling) and s.section not in exclude
        )
        self._sentence_terms = _Bm25([_heading_and(article, i) for i in range(len(article.sentences))])
        self._passage_terms = _Bm25([_passage_text(article, p) for p in passages])

    @classmethod
    def build(
        cls,
        article: Article,
        questions: Sequence[Question],
        encoder: Encoder,
        exclude: frozenset[int] = frozenset(),
        progress: bool = False,
    ) -> PassageIndex:
        """Build an index.

        Args:
            article: what to index.
            questions: its question bank; may be empty.
            encoder: makes the vectors.
            exclude: sections (indices) that are left out, with the banked questions they answer.
            progress: show a progress bar on stderr.

        Raises:
            ValueError: if a passage is longer than the encoder's window.
        """
        passages = tuple(p for p in split_passages(article) if p.section not in exclude)
        texts, in_contexts = texts_of(article, passages)
        for passage, text in zip(passages, texts, strict=True):
            if encoder.count_tokens(text) > encoder.window:
                raise ValueError(
                    f"passage {passage.id} of {article.id} is longer than the {encoder.window} tokens that "
                    f"{encoder.name} can read: lower MAX_PASSAGE_TOKENS in corpus/passages.py"
                )
        kept = tuple(q for q in questions if not _touches(article, q, exclude))
        asked = encoder.encode([q.question for q in kept], progress) if kept else None
        sentences = encoder.encode(in_contexts)
        vectors = {
            "passages": _flat(encoder.encode(texts), sentences.shape[1]),
            "sentences": _flat(sentences, sentences.shape[1]),
            "questions": _flat(asked, sentences.shape[1]),
        }
        bank = QuestionBank(article, (), None) if asked is None else QuestionBank.fit(article, kept, asked)
        return cls(article, passages, bank, vectors, exclude)

    def question_vectors(self) -> Floats:
        """Return `(n, d)` unit vectors of the banked questions."""
        stored = self.vectors["questions"]
        return np.asarray(stored.reconstruct_n(0, stored.ntotal), dtype=np.float32)

    def search(
        self, question: str, vector: Floats, asking: tuple[Asking, Floats] | None = None, n_nearest: int = 5
    ) -> Search:
        """Score every quotable sentence for a question; see also `search_message`.

        Args:
            question: its words, for BM25.
            vector: `(d,)` its unit vector.
            asking: the part of it that asks, with its `(d,)` unit vector.
            n_nearest: how many banked questions to return.
        """
        query = terms(question)
        dense = _similarities(self.vectors["sentences"], vector)
        dense_passage = _similarities(self.vectors["passages"], vector)
        similar = _similarities(self.vectors["questions"], vector)
        lexical, lexical_passage = self._sentence_terms.scores(query), self._passage_terms.scores(query)
        bank = self.bank.ask(question, vector, similar, asking)
        fused = _fuse([x[list(self.quotable)] for x in (dense, lexical, bank.banked, bank.learned)])
        hits = [
            Hit(
                sentence=i,
                passage=(p := self._passage_of[i]),
                dense=float(dense[i]),
                dense_passage=float(dense_passage[p]),
                lexical=float(lexical[i]),
                lexical_passage=float(lexical_passage[p]),
                banked=float(bank.banked[i]),
                vote=float(bank.vote[i]),
                learned=float(bank.learned[i]),
                fused=float(score),
            )
            for i, score in zip(self.quotable, fused, strict=True)
        ]
        nearest = np.argsort(-similar, kind="stable")[:n_nearest]
        return Search(
            hits=tuple(sorted(hits, key=lambda h: (-h.fused, h.sentence))),
            nearest=tuple((self.bank.questions[j], float(similar[j])) for j in nearest),
            bank=bank,
            on_subject=float(dense_passage.max(initial=NO_SIMILARITY)),
        )


def search_message(index: PassageIndex, encoder: Encoder, message: str) -> Search:
    """Search an index for a message; the bank's classifier reads its asking part besides."""
    asking = asking_part(message) if index.bank.classifier is not None else None
    # one by one: what shares a batch changes an int8 model's vectors a little
    part = None if asking is None else (asking, encoder.encode([asking.text])[0])
    return index.search(message, encoder.encode([message])[0], part)


def texts_of(article: Article, passages: Sequence[Passage]) -> tuple[list[str], list[str]]:
    """Return what is encoded of an article: of its passages, and of its sentences."""
    in_contexts = [in_context(article, i) for i in range(len(article.sentences))]
    return [_passage_text(article, p) for p in passages], in_contexts


class _Bm25:
    """BM25 of a handful of texts; a query without a known term scores zero everywhere."""

    def __init__(self, texts: list[str]) -> None:
        tokens = [terms(t) for t in texts]
        self._n = len(texts)
        self._vocabulary = frozenset(t for row in tokens for t in row)
        self._retriever = bm25s.BM25()
        if self._vocabulary:
            self._retriever.index(tokens, show_progress=False)

    def scores(self, query: list[str]) -> Floats:
        """Return `(n,)` scores."""
        known = [t for t in query if t in self._vocabulary]
        if not known:
            return np.zeros(self._n, dtype=np.float32)
        return np.asarray(self._retriever.get_scores(known), dtype=np.float32)


def _heading_and(article: Article, i: int) -> str:
    sentence = article.sentences[i]
    return f"{article.sections[sentence.section].heading} {sentence.span.of(article.text)}"


def _passage_text(article: Article, passage: Passage) -> str:
    path = " > ".join(article.sections[passage.section].path)
    return f"{path}: {passage.span.of(article.text)}"


def _touches(article: Article, question: Question, exclude: frozenset[int]) -> bool:
    spans = [article.sections[n].span for n in exclude]
    return any(x.contains(s) for x in spans for part in question.parts for s in part)


def _flat(vectors: Floats | None, width: int) -> Any:
    flat = faiss.IndexFlatIP(width)
    if vectors is not None and len(vectors):
        flat.add(np.ascontiguousarray(vectors))
    return flat


def _similarities(flat: Any, vector: Floats) -> Floats:
    """Return `(n,)` inner products in the order in which the n vectors were added."""
    out = np.full(flat.ntotal, NO_SIMILARITY, dtype=np.float32)
    if flat.ntotal:
        scores, ids = flat.search(np.ascontiguousarray(vector[None, :]), flat.ntotal)
        out[ids[0]] = scores[0]
    return out


def _fuse(rankings: list[Floats]) -> Floats:
    """Reciprocal rank fusion; a ranking without any signal (all equal) takes no part."""
    fused = np.zeros(len(rankings[0]), dtype=np.float32)
    for scores in rankings:
        if len(scores) and scores.max() > scores.min():
            ranks = np.empty(len(scores), dtype=np.float32)
            ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
            fused += 1.0 / (RRF_CONSTANT + ranks)
    return fused
