"""Asks an article's question bank what an editor gave to questions like this one.

Two ways that complement each other: the vote of the nearest banked questions, and a classifier that
has the sentences and the kinds of silence as classes. Both follow from the bank alone, so that an
editor's new question takes effect by itself when the index is built.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus.article import Article
from corpus.questions import Question, Silence
from index.asking import Asking
from index.classifier import TextClassifier, fit_classifier

Floats = npt.NDArray[np.float32]

NO_SIMILARITY = -1.0
VOTE_TEMPERATURE = 0.03  # cosine
DOUBTED_WEIGHT = 0.3  # in fitting, of a question whose label another editor might dispute; 1 brings a little less
ALTERNATIVE_WEIGHT = 0.35  # in fitting, of a sentence that supplies a part less well, beside 1 for the best
MIN_QUESTIONS = 20  # fewer than these (an article with its FAQ pairs only) teach a classifier nothing

_KINDS = tuple(k for k in Silence if k)


@dataclass(frozen=True, slots=True)
class BankVote:
    """What the bank says of one question; n is the number of the article's sentences.

    Attributes:
        banked: `(n,)` cosine of the nearest banked question that the sentence answers, -1 if none.
        vote: `(n,)` share of the nearest neighbours' vote.
        learned: `(n,)` probability by the classifier; zeros without one.
        nearest_silent: cosine of the nearest banked question that the article does not answer.
        silent_vote: share of the nearest neighbours' vote for silence.
        silences: probability by the classifier of each kind of silence; empty without one.
    """

    banked: Floats
    vote: Floats
    learned: Floats
    nearest_silent: float
    silent_vote: float
    silences: dict[Silence, float]


class QuestionBank:
    """The banked questions of one article, and their classifier if there are enough of them."""

    def __init__(self, article: Article, questions: tuple[Question, ...], classifier: TextClassifier | None) -> None:
        self.questions = questions
        self.classifier = classifier
        self._n = len(article.sentences)
        answers = [sorted({i for part in gold_sentences(article, q) for i in part}) for q in questions]
        self._pair_question = np.array([j for j, own in enumerate(answers) for _ in own], dtype=np.int64)
        self._pair_sentence = np.array([i for own in answers for i in own], dtype=np.int64)
        self._silent = np.array([bool(q.silent) for q in questions], dtype=bool)

    @classmethod
    def fit(cls, article: Article, questions: tuple[Question, ...], vectors: Floats) -> QuestionBank:
        """Fit the classifier. A question with several parts counts once for each, its weight shared.

        A question in doubt counts less, and so do the further sentences that supply a part.

        Args:
            article: the article.
            questions: its bank.
            vectors: `(len(questions), d)` their unit vectors.
        """
        rows, labels, shares = [], [], []
        for row, question in enumerate(questions):
            whole = DOUBTED_WEIGHT if question.doubt else 1.0
            parts = gold_sentences(article, question) or ((-1 - _KINDS.index(question.silent),),)
            for target, *alternatives in parts:
                share = whole / len(parts) / (1 + ALTERNATIVE_WEIGHT * len(alternatives))
                rows += [row] * (1 + len(alternatives))
                labels += [target, *alternatives]
                shares += [share, *(share * ALTERNATIVE_WEIGHT for _ in alternatives)]
        enough = len(questions) >= MIN_QUESTIONS and len(set(labels)) > 1
        texts = [q.question for q in questions]
        classifier = fit_classifier(texts, vectors, rows, labels, shares) if enough else None
        return cls(article, questions, classifier)

    def ask(
        self, question: str, vector: Floats, similar: Floats, asking: tuple[Asking, Floats] | None = None
    ) -> BankVote:
        """Ask the bank about a question.

        Votes are softmax weights of the similarities (kernel regression over the neighbours); a
        banked question with several answers votes fully for each.

        Args:
            question: its words.
            vector: `(d,)` its unit vector.
            similar: `(len(questions),)` its cosine with each banked question.
            asking: the part of it that asks, with its `(d,)` unit vector; the classifier's probabilities for
                part and whole are averaged geometrically.
        """
        banked = np.full(self._n, NO_SIMILARITY, dtype=np.float32)
        learned = np.zeros(self._n, dtype=np.float32)
        silences: dict[Silence, float] = {}
        weights = np.exp((similar - similar.max(initial=NO_SIMILARITY)) / VOTE_TEMPERATURE)
        weights /= max(float(weights.sum()), 1e-9)
        if self.classifier is None:  # too few questions to put anything to the vote
            weights[:] = 0.0
        np.maximum.at(banked, self._pair_sentence, similar[self._pair_question])
        vote = np.bincount(self._pair_sentence, weights[self._pair_question], minlength=self._n).astype(np.float32)
        if self.classifier is not None:
            found = self.classifier.probabilities(question, vector)
            if asking is not None:
                part, part_vector = asking
                found = _averaged(found, self.classifier.probabilities(part.text, part_vector), part.weight)
            for label, p in found.items():
                if label >= 0:
                    learned[label] = p
                else:
                    silences[_KINDS[-1 - label]] = p
        return BankVote(
            banked=banked,
            vote=vote,
            learned=learned,
            nearest_silent=float(similar[self._silent].max(initial=NO_SIMILARITY)),
            silent_vote=float(weights[self._silent].sum()),
            silences=silences,
        )


def _averaged(whole: dict[int, float], part: dict[int, float], weight: float) -> dict[int, float]:
    """Return the weighted geometric mean of two distributions, as a distribution."""
    mean = {label: p ** (1 - weight) * part[label] ** weight for label, p in whole.items()}
    total = sum(mean.values())
    return {label: p / total for label, p in mean.items()}


def gold_sentences(article: Article, question: Question) -> tuple[tuple[int, ...], ...]:
    """Return a question's parts as indices of the article's sentences that lie in their spans."""
    return tuple(
        tuple(i for span in part for i, s in enumerate(article.sentences) if span.contains(s.span))
        for part in question.parts
    )
