"""Fit `chat/weights.json`: `python -m eval.fit`, some minutes.

Two models learn from the bank's blind questions, whose writers had not read the article, as its readers
have not; those whose label is in doubt are left out. They are asked block by block (neighbours in the file
have one writer) of an index without their block, so that the models learn what to trust when no banked
question says the same. Probabilities that feed the second model are out of fold, so that it learns from
honest ones. How much to quote is chosen with the same honest answers; from which confidence to answer, on
the development questions with the whole bank. The third, what tells an open question, learns
last, from labelled ones.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler

from chat.clarify import OPEN_ABOVE, OPEN_FEATURES, describe_openness
from chat.features import (
    QUESTION_FEATURES,
    SENTENCE_FEATURES,
    Candidates,
    Vocabulary,
    describe_question,
    gather,
)
from chat.select import BARE_WEIGHTS_PATH, WEIGHTS_PATH, LogisticModel, Weights, choose_runs, save_weights
from chat.spelling import Speller
from corpus.article import Article
from corpus.library import faq_questions, load_article, load_bank
from corpus.questions import Question, load_questions
from eval.suites import DATA_DIR
from index.bank import gold_sentences
from index.classifier import evenly_spaced
from index.models import Encoder, Floats, PairScorer, load_encoder, load_reranker
from index.passage_index import PassageIndex, Search, search_message

OPEN_PATH = DATA_DIR / "clarify.dev.jsonl"
DEVELOPMENT = ("questions.dev.jsonl", "readers.dev.jsonl")
N_BLOCKS = 6  # of the blind questions, each hidden from the index in its turn
MAX_ASKED = 6000  # of the blind questions, evenly spaced
BARE_MAX_ASKED = 1500  # without a bank, where the cross-encoder takes most of the time
SENTENCE_STRENGTH = 0.3  # inverse L2; from 0.03 to 1 the area under the curve changes by less than 0.002
QUESTION_STRENGTH = OPEN_STRENGTH = 0.3
ORDINARY_WEIGHT = 0.5  # of a development question, taken for clear, in learning what is open
N_FOLDS = 5
WORD_COST = 0.001  # a quote is read by a tired person: ten words must cover one question in a hundred more


@dataclass(frozen=True)
class Limits:
    """What the thresholds must keep.

    Attributes:
        risk: share of what is answered on the development questions that may be wrong: the article is
            silent, or no quote holds any part of the answer.
        median_words: how many may be quoted, in the median of the development questions.
    """

    risk: float
    median_words: int


# The bars allow 0.05 and 60 words; the development questions are easier than what new writers ask.
LIMITS = Limits(risk=0.04, median_words=50)
BARE_LIMITS = Limits(risk=0.2, median_words=60)  # without a bank; at 0.05 next to nothing would be answered


@dataclass(frozen=True)
class Case:
    """A question as the models see it."""

    spelt: str
    gold: tuple[tuple[int, ...], ...]
    search: Search
    candidates: Candidates
    vocabulary: Vocabulary


def main(argv: Sequence[str] | None = None) -> int:
    """Fit, save and report; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m eval.fit", description=__doc__)
    parser.add_argument("--article", default="her2-negative-treatment")
    args = parser.parse_args(argv)
    article = load_article(args.article)
    bank = load_bank(article)
    encoder = Remembering(load_encoder())

    developing = [q for name in DEVELOPMENT for q in load_questions(DATA_DIR / name, article)]
    labelled = [json.loads(line) for line in OPEN_PATH.read_text(encoding="utf-8").splitlines()]
    for path, with_bank, most, limits in (
        (WEIGHTS_PATH, True, MAX_ASKED, LIMITS),
        (BARE_WEIGHTS_PATH, False, BARE_MAX_ASKED, BARE_LIMITS),
    ):
        reranker = None if with_bank else load_reranker()
        folds = ask_blocks(article, bank, with_bank, encoder, reranker, most)
        shown = bank if with_bank else faq_questions(article)
        further = [r["question"] for r in labelled] if with_bank else []
        cases = ask_index(article, shown, developing, encoder, reranker, further)
        ordinary, labelled_cases = cases[: len(developing)], cases[len(developing) :]
        weights = fit(article, folds, ordinary, limits)
        if with_bank:
            is_open = [r["open"] for r in labelled]
            weights = replace(weights, open=fit_open(article, weights, labelled_cases, is_open, ordinary))
        save_weights(weights, path)
        print(path.name, weights.fitted, file=sys.stderr)
    return 0


def ask_blocks(
    article: Article,
    bank: Sequence[Question],
    with_bank: bool,
    encoder: Encoder,
    reranker: PairScorer | None,
    most: int,
) -> list[list[Case]]:
    """Ask the blind questions, at most so many, block by block of an index without their block.

    Args:
        article: the article.
        bank: its question bank.
        with_bank: index the other blocks and all other questions; else the FAQ pairs alone.
        encoder: makes the vectors.
        reranker: scores the candidates, if there is one.
        most: how many to ask, evenly spaced; those whose label is in doubt are left out.
    """
    blocks = np.array_split([i for i, q in enumerate(bank) if q.blind], N_BLOCKS)
    every = evenly_spaced(sum(len(block) for block in blocks), most).step
    folds = []
    for block in blocks:
        hidden = set(block.tolist())
        shown = [q for i, q in enumerate(bank) if i not in hidden] if with_bank else faq_questions(article)
        asked = [bank[i] for i in block if not bank[i].doubt][::every]
        folds.append(ask_index(article, shown, asked, encoder, reranker))
    return folds


def fit(article: Article, folds: Sequence[Sequence[Case]], developing: Sequence[Case], limits: Limits) -> Weights:
    """Fit the models on all blocks, and what to quote and answer on predictions that are honest."""
    sentence, question = fit_models([case for fold in folds for case in fold])
    honest = [(*predict(*fit_models(_others(folds, k)), fold), fold) for k, fold in enumerate(folds)]
    honest.append((*predict(sentence, question, developing), developing))
    return choose_thresholds(article, sentence, question, honest, limits)


def fit_open(
    article: Article, weights: Weights, labelled: Sequence[Case], is_open: Sequence[bool], ordinary: Sequence[Case]
) -> LogisticModel:
    """Fit what tells an open question, and print how well that does on questions held out in blocks.

    Args:
        article: the article.
        weights: what else is fitted.
        labelled: n questions that are labelled.
        is_open: the n labels.
        ordinary: questions that are nearly all clear.
    """
    cases = [*labelled, *ordinary]
    _, confidence = predict(weights.sentence, weights.question, cases)
    x = np.array(
        [
            describe_openness(article, case.vocabulary, case.spelt, case.search, float(p))
            for case, p in zip(cases, confidence, strict=True)
        ]
    )
    y = np.array([*is_open, *(False for _ in ordinary)])
    is_ordinary = np.arange(len(cases)) >= len(labelled)
    weight = np.where(is_ordinary, ORDINARY_WEIGHT, 1.0)
    p = np.zeros(len(cases), dtype=np.float32)
    for fitted, held_out in KFold(N_FOLDS).split(x):  # neighbours in the file have one writer and one theme
        model = _fit(OPEN_FEATURES, OPEN_STRENGTH, x[fitted], y[fitted], weight[fitted])
        p[held_out] = model.predict(x[held_out])
    for name, own in (("open", y), ("clear", ~y & ~is_ordinary), ("ordinary", is_ordinary)):
        print(f"taken for open, of the {name}: {(p >= OPEN_ABOVE)[own].mean():.3f}", file=sys.stderr)
    return _fit(OPEN_FEATURES, OPEN_STRENGTH, x, y, weight)


def _others(folds: Sequence[Sequence[Case]], left_out: int) -> list[Case]:
    return [case for k, fold in enumerate(folds) if k != left_out for case in fold]


def predict(sentence: LogisticModel, question: LogisticModel, cases: Sequence[Case]) -> tuple[list[Floats], Floats]:
    """Return each candidate's probability, and each question's confidence."""
    p_of = [sentence.predict(c.candidates.features) for c in cases]
    return p_of, question.predict(_describe(cases, p_of))


class Remembering:
    """An encoder that encodes each text once: the folds share most of their banked questions."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: dict[str, Floats] = {}
        self.name, self.fingerprint, self.window = encoder.name, encoder.fingerprint, encoder.window

    def encode(self, texts: Sequence[str], progress: bool = False) -> Floats:
        """Return `(len(texts), d)` unit vectors."""
        new = [t for t in dict.fromkeys(texts) if t not in self._known]
        if new:
            self._known |= dict(zip(new, self._encoder.encode(new, progress), strict=True))
        return np.array([self._known[t] for t in texts], dtype=np.float32)

    def count_tokens(self, text: str) -> int:
        """See `Encoder`."""
        return self._encoder.count_tokens(text)

    def whole_words(self) -> frozenset[str]:
        """See `Encoder`."""
        return self._encoder.whole_words()


def ask_index(
    article: Article,
    bank: Sequence[Question],
    questions: Sequence[Question],
    encoder: Encoder,
    reranker: PairScorer | None,
    further: Sequence[str] = (),
) -> list[Case]:
    """Ask questions, and further ones without gold, of an index with this bank."""
    index = PassageIndex.build(article, bank, encoder)
    known = [q.question for q in bank]
    vocabulary, speller = Vocabulary(article, known), Speller(article.text, known, encoder.whole_words())
    asked = [(q.question, gold_sentences(article, q)) for q in questions]
    cases = []
    for question, gold in (*asked, *((text, ()) for text in further)):
        spelt = speller.correct(question)
        search = search_message(index, encoder, spelt)
        cases.append(Case(spelt, gold, search, gather(article, vocabulary, reranker, spelt, search), vocabulary))
    print(f"asked {len(cases)} questions of an index with {len(bank)} banked ones", file=sys.stderr)
    return cases


def fit_models(cases: Sequence[Case]) -> tuple[LogisticModel, LogisticModel]:
    """Fit which sentence answers, and whether any does."""
    features = np.vstack([c.candidates.features for c in cases])
    right = np.array([_is_gold(c, h.sentence) for c in cases for h in c.candidates.hits])
    sentence = _fit(SENTENCE_FEATURES, SENTENCE_STRENGTH, features, right)
    folds = np.concatenate([[n % N_FOLDS] * len(c.candidates.hits) for n, c in enumerate(cases)])
    p = np.zeros(len(right), dtype=np.float32)
    for fold in range(N_FOLDS):
        out = folds == fold
        p[out] = _fit(SENTENCE_FEATURES, SENTENCE_STRENGTH, features[~out], right[~out]).predict(features[out])
    at = np.cumsum([0, *(len(c.candidates.hits) for c in cases)])
    described = _describe(cases, [p[a:b] for a, b in itertools.pairwise(at)])
    answered = np.array([bool(c.gold) for c in cases])
    return sentence, _fit(QUESTION_FEATURES, QUESTION_STRENGTH, described, answered)


def choose_thresholds(
    article: Article,
    sentence: LogisticModel,
    question: LogisticModel,
    honest: Sequence[tuple[Sequence[Floats], Floats, Sequence[Case]]],
    limits: Limits,
) -> Weights:
    """Choose when to quote one more sentence and when to answer.

    Args:
        article: what was asked about.
        sentence: fitted on everything.
        question: fitted on everything.
        honest: probabilities, confidences and cases of questions that the models behind them had not seen,
            the development questions last.
        limits: what they must keep.
    """
    above, ratio, covered = _choose_adding(
        article, [(c, p) for p_of, _, cases in honest for c, p in zip(cases, p_of, strict=True)], honest[-1][2], limits
    )
    p_of, confidence, cases = honest[-1]
    quoted = [score_quotes(article, c, p, above, ratio) for c, p in zip(cases, p_of, strict=True)]
    correct, helpful = np.array([q[0] for q in quoted]), np.array([q[1] for q in quoted])
    answerable = np.array([bool(c.gold) for c in cases])
    threshold, risk = _choose_threshold(confidence, helpful, answerable, limits.risk)
    fitted = {
        "blind_questions": sum(len(own) for _, _, own in honest[:-1]),
        "development_questions": len(cases),
        "stated_risk": limits.risk,
        "wrong_of_answered": round(risk, 4),
        "parts_covered": round(covered, 4),
        "right_of_answerable": round(float(((confidence >= threshold) & correct)[answerable].mean()), 4),
        "refused_of_silent": round(float((confidence < threshold)[~answerable].mean()), 4),
    }
    return Weights(sentence, question, None, round(threshold, 3), above, ratio, fitted)


def _describe(cases: Sequence[Case], p_of: Sequence[Floats]) -> Floats:
    return np.array(
        [describe_question(c.vocabulary, c.spelt, c.search, c.candidates, p) for c, p in zip(cases, p_of, strict=True)]
    )


def _is_gold(case: Case, sentence: int) -> bool:
    return any(sentence in part for part in case.gold)


def _fit(
    names: tuple[str, ...],
    strength: float,
    x: Floats,
    y: npt.NDArray[np.bool_],
    weight: npt.NDArray[np.float64] | None = None,
) -> LogisticModel:
    scaler = StandardScaler().fit(x)
    model = LogisticRegression(C=strength, max_iter=2000).fit(scaler.transform(x), y, weight)

    def numbers(values: npt.NDArray[np.float64]) -> tuple[float, ...]:
        return tuple(round(float(v), 6) for v in values)

    return LogisticModel(
        names,
        numbers(scaler.mean_),
        numbers(scaler.scale_),
        numbers(model.coef_[0]),
        round(float(model.intercept_[0]), 6),
    )


def score_quotes(article: Article, case: Case, p: Floats, above: float, ratio: float) -> tuple[bool, bool, int]:
    """Whether every part is quoted, whether any is, and how many words are."""
    _, runs = choose_runs(article, case.spelt, case.candidates, p, above, ratio)
    quoted = {i for run in runs for i in run}
    words = sum(len(article.sentences[i].span.of(article.text).split()) for i in quoted)
    found = [bool(quoted & set(part)) for part in case.gold]
    return bool(found) and all(found), any(found), words


def _choose_adding(
    article: Article, honest: Sequence[tuple[Case, Floats]], developing: Sequence[Case], limits: Limits
) -> tuple[float, float, float]:
    """Choose when to quote a further sentence: most parts covered for the words, within the words allowed.

    Args:
        article: what was asked about.
        honest: questions with each candidate's probability.
        developing: those of them over which the median is taken: a bank is thinned to what is hard, and often broad.
        limits: what must be kept.

    Returns:
        `Weights.add_above`, `Weights.add_ratio` and the share of answerable questions covered.
    """
    best: tuple[float, float, float, float] | None = None
    answerable = [(c, p) for c, p in honest if c.gold]
    natural = {id(c) for c in developing}
    is_natural = np.array([id(c) in natural for c, _ in answerable])
    for above, ratio in itertools.product((0.005, 0.01, 0.02, 0.05, 0.1, 0.2), (0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5)):
        results = np.array([score_quotes(article, c, p, above, ratio) for c, p in answerable], dtype=float)
        covered, mean = float(results[:, 0].mean()), float(results[:, 2].mean())
        median = float(np.median(results[is_natural, 2]))
        print(
            f"  {above:.3f} {ratio:.2f}: covered {covered:.3f}, words {mean:.0f}, median {median:.0f}", file=sys.stderr
        )
        value = covered - WORD_COST * mean
        if median <= limits.median_words and (best is None or value > best[0]):
            best = (value, above, ratio, covered)
    if best is None:
        raise ValueError(f"no setting quotes at most {limits.median_words} words in the median")
    return best[1:]


def _choose_threshold(
    confidence: Floats,
    helpful: npt.NDArray[np.bool_],
    answerable: npt.NDArray[np.bool_],
    stated_risk: float,
) -> tuple[float, float]:
    """Choose the lowest confidence from which at most `stated_risk` of what is answered is wrong.

    Answerable and silent questions count as if readers asked as many of the one kind as of the other.
    """
    weight = np.where(answerable, 0.5 / answerable.sum(), 0.5 / (~answerable).sum())
    for threshold in np.arange(0.05, 0.96, 0.01):
        answered = confidence >= threshold
        risk = 1 - float((weight * helpful)[answered].sum() / weight[answered].sum()) if answered.any() else 0.0
        if risk <= stated_risk:
            break
    return float(threshold), risk


if __name__ == "__main__":
    raise SystemExit(main())
