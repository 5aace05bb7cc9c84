"""Fit `chat/weights.json`: `python -m eval.fit`, some minutes.

Both models learn from the bank's blind questions, whose writers had not read the article, as its readers
have not; those whose label is in doubt are left out. They are asked block by block (neighbours in the file
have one writer) of an index without their block, so that the models learn what to trust when no banked
question says the same. Probabilities that feed the second model are out of fold, so that it learns from
honest ones. How much to quote is chosen with the same honest answers; from which confidence to answer, on
the development questions with the whole bank. What tells an open question is learned last, on labelled ones.
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
from sklearn.model_selection import GroupKFold
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
from chat.select import BARE_WEIGHTS_PATH, WEIGHTS_PATH, LogisticModel, Weights, choose_runs, save_weights, select
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
        median_words: how many may be quoted.
    """

    risk: float
    median_words: int


LIMITS = Limits(risk=0.05, median_words=55)  # the bars allow 60 words
BARE_LIMITS = Limits(risk=0.2, median_words=60)  # without a bank; at 0.05 next to nothing would be answered


@dataclass(frozen=True)
class Case:
    """A question as the models see it."""

    question: Question
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
    for path, with_bank, most, limits in (
        (WEIGHTS_PATH, True, MAX_ASKED, LIMITS),
        (BARE_WEIGHTS_PATH, False, BARE_MAX_ASKED, BARE_LIMITS),
    ):
        reranker = None if with_bank else load_reranker()
        folds = ask_blocks(article, bank, with_bank, encoder, reranker, most)
        shown = bank if with_bank else faq_questions(article)
        weights = fit(article, folds, ask_index(article, shown, developing, encoder, reranker), limits)
        if with_bank:
            weights = replace(weights, open=fit_open(article, bank, developing, encoder, weights))
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
    article: Article, bank: Sequence[Question], developing: Sequence[Question], encoder: Encoder, weights: Weights
) -> LogisticModel:
    """Fit what tells an open question, and print how well that does on themes it has not seen.

    Args:
        article: the article.
        bank: its question bank.
        developing: ordinary questions, nearly all of them clear.
        encoder: makes the vectors.
        weights: what else is fitted.
    """
    index = PassageIndex.build(article, bank, encoder)
    vocabulary, speller = _words_of(article, bank, encoder)
    labelled = [json.loads(line) for line in OPEN_PATH.read_text(encoding="utf-8").splitlines()]
    asked = [row["question"] for row in labelled] + [q.question for q in developing]
    themes = [row["theme"] for row in labelled] + [q.theme for q in developing]
    described = []
    for question in map(speller.correct, asked):
        search = search_message(index, encoder, question)
        confidence = select(article, vocabulary, None, weights, question, search).confidence
        described.append(describe_openness(article, vocabulary, question, search, confidence))
    x, y = np.array(described), np.array([row["open"] for row in labelled] + [False] * len(developing))
    weight = np.array([1.0] * len(labelled) + [ORDINARY_WEIGHT] * len(developing))
    p = np.zeros(len(y), dtype=np.float32)
    for fitted, held_out in GroupKFold(N_FOLDS).split(x, groups=themes):
        model = _fit(OPEN_FEATURES, OPEN_STRENGTH, x[fitted], y[fitted], weight[fitted])
        p[held_out] = model.predict(x[held_out])
    clear, ordinary = ~y & (weight == 1), weight < 1
    shares = [
        f"{name} {(p >= OPEN_ABOVE)[own].mean():.3f}"
        for name, own in (("open", y), ("clear", clear), ("ordinary", ordinary))
    ]
    print("taken for open:", ", ".join(shares), file=sys.stderr)
    return _fit(OPEN_FEATURES, OPEN_STRENGTH, x, y, weight)


def _words_of(article: Article, bank: Sequence[Question], encoder: Encoder) -> tuple[Vocabulary, Speller]:
    asked = [q.question for q in bank]
    return Vocabulary(article, asked), Speller(article.text, asked, encoder.whole_words())


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
) -> list[Case]:
    """Ask questions of an index with this bank."""
    index = PassageIndex.build(article, bank, encoder)
    vocabulary, speller = _words_of(article, bank, encoder)
    cases = []
    for question in questions:
        spelt = speller.correct(question.question)
        search = search_message(index, encoder, spelt)
        candidates = gather(article, vocabulary, reranker, spelt, search)
        cases.append(Case(question, spelt, gold_sentences(article, question), search, candidates, vocabulary))
    print(f"asked {len(questions)} questions of an index with {len(bank)} banked ones", file=sys.stderr)
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
    cases = [case for _, _, own in honest for case in own]
    p_of = [p for own, _, _ in honest for p in own]
    confidence = np.concatenate([own for _, own, _ in honest])
    above, ratio, covered = _choose_adding(article, cases, p_of, limits.median_words)
    quoted = [score_quotes(article, c, p, above, ratio) for c, p in zip(cases, p_of, strict=True)]
    developing = len(honest[-1][2])
    confidence, quoted, cases = confidence[-developing:], quoted[-developing:], cases[-developing:]
    correct, helpful = np.array([q[0] for q in quoted]), np.array([q[1] for q in quoted])
    answerable = np.array([bool(c.gold) for c in cases])
    threshold, risk = _choose_threshold(confidence, helpful, answerable, limits.risk)
    fitted = {
        "blind_questions": sum(len(own) for _, _, own in honest[:-1]),
        "development_questions": developing,
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
    article: Article, cases: Sequence[Case], p_of: Sequence[Floats], median_words: int
) -> tuple[float, float, float]:
    """Choose when to quote a further sentence: most parts covered within the words allowed.

    Returns:
        `Weights.add_above`, `Weights.add_ratio` and the share of answerable questions covered.
    """
    best: tuple[float, float, float, float] | None = None
    answerable = [(c, p) for c, p in zip(cases, p_of, strict=True) if c.gold]
    for above, ratio in itertools.product((0.005, 0.01, 0.02, 0.05, 0.1, 0.2), (0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5)):
        results = [score_quotes(article, c, p, above, ratio) for c, p in answerable]
        covered = float(np.mean([r[0] for r in results]))
        words, mean = float(np.median([r[2] for r in results])), float(np.mean([r[2] for r in results]))
        print(f"  {above:.3f} {ratio:.2f}: covered {covered:.3f}, words {words:.0f} ({mean:.0f})", file=sys.stderr)
        value = covered - WORD_COST * mean
        if words <= median_words and (best is None or value > best[0]):
            best = (value, above, ratio, covered)
    if best is None:
        raise ValueError(f"no setting quotes at most {median_words} words in the median")
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
