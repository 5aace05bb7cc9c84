"""Fit `chat/weights.json` on the development questions: `python -m eval.fit`.

The bank is thinned to several sizes, so that the models learn what to trust when no banked question
is near, as a reader's question may be. Probabilities that feed the second model are out of fold
(grouped by theme), so that it learns from honest ones.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chat.features import (
    QUESTION_FEATURES,
    SENTENCE_FEATURES,
    Candidates,
    Vocabulary,
    describe_question,
    gather,
)
from chat.select import LogisticModel, Weights, choose, complete, save_weights
from corpus.article import Article
from corpus.library import load_article, load_bank
from corpus.questions import Question, load_questions
from eval.suites import DATA_DIR
from index.bank import gold_sentences
from index.models import Encoder, Floats, PairScorer, load_encoder, load_reranker
from index.passage_index import PassageIndex, Search

BANK_SHARES = (1.0, 0.5, 0.25)
SENTENCE_STRENGTH = 0.3  # inverse L2; of {0.03, 0.1, 0.3, 1} none differs by more than 0.002 in AUC
QUESTION_STRENGTH = 0.3
N_FOLDS = 10
RISK = 0.05  # at most this share of the answered development questions may be answered wrongly
MEDIAN_WORDS = 60


@dataclass(frozen=True)
class _Case:
    """A development question as the models see it."""

    question: Question
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
    questions = load_questions(DATA_DIR / "questions.dev.jsonl", article)
    encoder, reranker = load_encoder(), load_reranker()
    cases = {share: _cases(article, questions, share, encoder, reranker) for share in BANK_SHARES}
    weights = fit(article, cases)
    save_weights(weights)
    print(weights.fitted, file=sys.stderr)
    return 0


def fit(article: Article, cases: dict[float, list[_Case]]) -> Weights:
    """Fit both models and choose the thresholds."""
    everything = [c for share in BANK_SHARES for c in cases[share]]
    features = np.vstack([c.candidates.features for c in everything])
    right = np.array([_is_gold(c, h.sentence) for c in everything for h in c.candidates.hits])
    themes = np.array([c.question.theme for c in everything for _ in c.candidates.hits])
    p_held_out = _held_out(SENTENCE_STRENGTH, features, right, themes)
    sentence = _fit(SENTENCE_FEATURES, SENTENCE_STRENGTH, features, right)

    at = np.cumsum([0, *(len(c.candidates.hits) for c in everything)])
    p_of = [p_held_out[a:b] for a, b in itertools.pairwise(at)]
    described = np.array(
        [
            describe_question(c.vocabulary, c.question.question, c.search, c.candidates, p)
            for c, p in zip(everything, p_of, strict=True)
        ]
    )
    answered = np.array([bool(c.question.parts) for c in everything])
    groups = np.array([c.question.theme for c in everything])
    confidence = _held_out(QUESTION_STRENGTH, described, answered, groups)
    question = _fit(QUESTION_FEATURES, QUESTION_STRENGTH, described, answered)

    n = len(cases[1.0])  # thresholds are for the whole bank
    full, p_full = everything[:n], p_of[:n]
    above, ratio, report = _choose_adding(article, full, p_full)
    correct = np.array([_covered(article, c, p, above, ratio)[0] for c, p in zip(full, p_full, strict=True)])
    threshold, risk = _choose_threshold(confidence[:n], correct)
    fitted = report | {
        "date": date.today().isoformat(),
        "questions": n,
        "answerable": int(answered[:n].sum()),
        "bank_shares": list(BANK_SHARES),
        "answered_wrong": round(risk, 4),
        "kept": round(float((confidence[:n] >= threshold)[answered[:n]].mean()), 4),
        "refused": round(float((confidence[:n] < threshold)[~answered[:n]].mean()), 4),
    }
    return Weights(sentence, question, round(threshold, 3), above, ratio, fitted)


def _cases(
    article: Article, questions: Sequence[Question], share: float, encoder: Encoder, reranker: PairScorer
) -> list[_Case]:
    bank = load_bank(article)
    rng = np.random.default_rng(0)
    kept = [q for q in bank if rng.random() < share]
    index = PassageIndex.build(article, kept, encoder)
    vocabulary = Vocabulary(article, [q.question for q in kept])
    cases = []
    vectors = encoder.encode([q.question for q in questions])
    for question, vector in zip(questions, vectors, strict=True):
        search = index.search(question.question, vector)
        candidates = gather(article, vocabulary, reranker, question.question, search)
        cases.append(_Case(question, gold_sentences(article, question), search, candidates, vocabulary))
    print(f"{share:.0%} of the bank: {len(kept)} questions", file=sys.stderr)
    return cases


def _is_gold(case: _Case, sentence: int) -> bool:
    return any(sentence in part for part in case.gold)


def _pipeline(strength: float) -> object:
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000))


def _held_out(strength: float, x: Floats, y: npt.NDArray[np.bool_], groups: npt.NDArray[np.str_]) -> Floats:
    folds = GroupKFold(min(N_FOLDS, len(set(groups))))
    p = cross_val_predict(_pipeline(strength), x, y, groups=groups, cv=folds, method="predict_proba")
    return np.asarray(p[:, 1], dtype=np.float32)


def _fit(names: tuple[str, ...], strength: float, x: Floats, y: npt.NDArray[np.bool_]) -> LogisticModel:
    scaler = StandardScaler().fit(x)
    model = LogisticRegression(C=strength, max_iter=2000).fit(scaler.transform(x), y)

    def numbers(values: npt.NDArray[np.float64]) -> tuple[float, ...]:
        return tuple(round(float(v), 6) for v in values)

    return LogisticModel(
        names,
        numbers(scaler.mean_),
        numbers(scaler.scale_),
        numbers(model.coef_[0]),
        round(float(model.intercept_[0]), 6),
    )


def _covered(article: Article, case: _Case, p: Floats, above: float, ratio: float) -> tuple[bool, int]:
    """Whether every part is quoted, and how many words are."""
    runs = complete(article, choose(case.candidates, p, above, ratio))
    quoted = {i for run in runs for i in run}
    words = sum(len(article.sentences[i].span.of(article.text).split()) for i in quoted)
    return bool(case.gold) and all(quoted & set(part) for part in case.gold), words


def _choose_adding(article: Article, cases: list[_Case], p_of: list[Floats]) -> tuple[float, float, dict[str, float]]:
    """Choose when to quote a further sentence: most parts covered within the words allowed."""
    best: tuple[float, float, float, float] | None = None
    answerable = [(c, p) for c, p in zip(cases, p_of, strict=True) if c.gold]
    for above in (0.03, 0.05, 0.1, 0.2, 0.3, 0.4):
        for ratio in (0.1, 0.15, 0.2, 0.3, 0.5):
            results = [_covered(article, c, p, above, ratio) for c, p in answerable]
            covered = float(np.mean([r[0] for r in results]))
            words = float(np.median([r[1] for r in results]))
            mean = float(np.mean([r[1] for r in results]))
            print(
                f"  add {above:.2f} {ratio:.1f}: covered {covered:.3f}, words {words:.0f} (mean {mean:.0f})",
                file=sys.stderr,
            )
            # a word costs a little even below the limit: a quote is read by a tired person
            value = covered - 0.0005 * mean
            if words <= MEDIAN_WORDS and (best is None or value > best[0]):
                best = (value, above, ratio, covered)
    if best is None:
        raise ValueError(f"no setting quotes at most {MEDIAN_WORDS} words in the median")
    return best[1], best[2], {"covered": round(best[3], 4)}


def _choose_threshold(confidence: Floats, correct: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Choose the lowest confidence from which at most `RISK` of what is answered is wrong."""
    for threshold in np.arange(0.05, 0.96, 0.01):
        answered = confidence >= threshold
        risk = 1 - float(correct[answered].mean()) if answered.any() else 0.0
        if risk <= RISK:
            break
    return float(threshold), risk


if __name__ == "__main__":
    raise SystemExit(main())
