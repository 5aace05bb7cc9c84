"""The suites: each puts questions to the bot and returns one row a question, nothing averaged."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from chat import texts
from chat.answer import Answer, Kind
from chat.answerer import Answerer
from chat.features import Vocabulary
from chat.safety import URGENT, load_examples
from chat.select import reranker_for, weights_for
from chat.smalltalk import Talk
from chat.smalltalk import load_examples as load_small_talk
from chat.wordings import Safety
from corpus.article import Span
from corpus.questions import Question, Silence
from eval.metrics import SEED, all_parts_quoted, exact_match, token_f1
from index.passage_index import RRF_CONSTANT, Hit, PassageIndex, search_message

DATA_DIR = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Row:
    """One question with what became of it.

    Attributes:
        question: as asked.
        gold: the question with its gold.
        answer: what the bot said.
        right: all parts quoted, or rightly not answered.
        words: number of words quoted.
    """

    question: str
    gold: Question
    answer: Answer
    right: bool
    words: int


@dataclass(frozen=True, slots=True)
class FaqRow:
    """One FAQ question of the article; scores against the text of its answer there."""

    question: str
    answer: Answer
    found: bool
    f1: float
    exact: bool
    section_right: bool


def judge(question: str, gold: Question, answer: Answer) -> Row:
    """Compare an answer with the gold."""
    quoted = [q.span for q in answer.quotes]
    right = all_parts_quoted(quoted, gold.parts) if gold.parts else answer.kind is not Kind.ANSWER
    return Row(question, gold, answer, right, sum(len(q.text.split()) for q in answer.quotes))


def ask_all(answerer: Answerer, questions: Sequence[Question]) -> list[Row]:
    """Ask every question by itself."""
    return [judge(q.question, q, answerer.answer(q.question)) for q in questions]


def faq(answerer: Answerer) -> list[FaqRow]:
    """Ask the article's own FAQ questions; `answerer` may have the FAQ taken out."""
    article = answerer.article
    rows = []
    for pair in article.faq:
        first, last = (article.sentences[pair.answer[n]] for n in (0, -1))
        gold = article.text[first.span.start : last.span.end]
        question = pair.question.of(article.text)
        answer = answerer.answer(question)
        said = " ".join(q.text for q in answer.quotes)
        inside = [q for q in answer.quotes if q.span.start < last.span.end and q.span.end > first.span.start]
        rows.append(
            FaqRow(
                question=question,
                answer=answer,
                found=bool(inside),
                f1=token_f1(said, gold),
                exact=exact_match(said, gold),
                section_right=any(q.section == first.section for q in answer.quotes),
            )
        )
    return rows


def without_faq(answerer: Answerer) -> Answerer:
    """Return an answerer that must answer from the article's body: no FAQ section, no FAQ in the bank."""
    article = answerer.article
    sections = frozenset(article.sentences[i].section for pair in article.faq for i in pair.answer)
    return with_bank(answerer, answerer.index.bank.questions, sections)


def with_bank(answerer: Answerer, questions: Sequence[Question], exclude: frozenset[int] = frozenset()) -> Answerer:
    """Return an answerer with another question bank or fewer sections; built in memory."""
    index = PassageIndex.build(answerer.article, questions, answerer.encoder, exclude)
    vocabulary = Vocabulary(answerer.article, [q.question for q in index.bank.questions])
    return replace(
        answerer, index=index, vocabulary=vocabulary, weights=weights_for(index), reranker=reranker_for(index)
    )


def baselines(answerer: Answerer, questions: Sequence[Question]) -> dict[str, list[bool]]:
    """Return for each simple pipeline whether its best single sentence is a gold one."""
    bests: dict[str, Callable[[Sequence[Hit]], Hit]] = {
        "BM25": lambda hits: max(hits, key=lambda h: h.lexical),
        "dense": lambda hits: max(hits, key=lambda h: h.dense),
        "BM25 and dense, fused": _fused,
    }
    found: dict[str, list[bool]] = {name: [] for name in bests}
    for question in questions:
        vector = answerer.encoder.encode([question.question])[0]
        hits = answerer.index.search(question.question, vector).hits
        for name, best in bests.items():
            span = answerer.article.sentences[best(hits).sentence].span
            found[name].append(any(span.contains(s) for part in question.parts for s in part))
    return found


def _fused(hits: Sequence[Hit]) -> Hit:
    ranks = np.zeros(len(hits))
    for scores in ([h.lexical for h in hits], [h.dense for h in hits]):
        order = np.argsort(-np.array(scores), kind="stable")
        ranks[order] += 1 / (RRF_CONSTANT + np.arange(1, len(hits) + 1))
    return hits[int(ranks.argmax())]


PERTURBATIONS: dict[str, Callable[[str, random.Random], str]] = {
    "two typos": lambda q, rng: _typos(q, 2, rng),
    "capitals": lambda q, _: q.upper(),
    "no punctuation": lambda q, _: "".join(c for c in q.lower() if c.isalnum() or c.isspace()),
}


def perturbed(answerer: Answerer, questions: Sequence[Question], name: str) -> list[Row]:
    """Ask every question with its writing disturbed; the same disturbance each time."""
    rng = random.Random(SEED)
    rows = []
    for gold in questions:
        question = PERTURBATIONS[name](gold.question, rng)
        rows.append(judge(question, gold, answerer.answer(question)))
    return rows


def _typos(question: str, n: int, rng: random.Random) -> str:
    """Swap two neighbouring letters inside n words of five or more letters."""
    words = question.split(" ")
    long_ones = [i for i, w in enumerate(words) if len(w) >= 5]
    for i in rng.sample(long_ones, min(n, len(long_ones))):
        k = rng.randrange(1, len(words[i]) - 2)
        words[i] = words[i][:k] + words[i][k + 1] + words[i][k] + words[i][k + 2 :]
    return " ".join(words)


def kinds_of_no(rows: Sequence[Row]) -> dict[tuple[str, str], int]:
    """Count (gold kind, said kind) over the unanswerable; the near misses count as one kind."""
    said_of = {
        texts.NOT_ANSWERED: "not answered",
        texts.LOST_LIST: "lost list",
        texts.OFF_TOPIC: "off topic",
        texts.NOT_UNDERSTOOD: "not understood",
    }
    gold_of = {
        Silence.LOST: "lost list",
        Silence.OFF_TOPIC: "off topic",
        Silence.NOT_UNDERSTOOD: "not understood",
    }
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        said = next((said_of[n] for n in row.answer.notices if n in said_of), "answered")
        if row.answer.safety in URGENT:
            said = "urgent card"
        key = (gold_of.get(row.gold.silent, "not answered"), said)
        counts[key] = counts.get(key, 0) + 1
    return counts


@dataclass(frozen=True, slots=True)
class TurnRow:
    """One turn of a conversation.

    Attributes:
        kind: "first", "followup" (needs the history) or "new" (a complete question after others).
        answerable: whether the article answers it as meant.
        right: whether it was answered, or refused, rightly.
        right_alone: the same without the history.
    """

    kind: str
    answerable: bool
    right: bool
    right_alone: bool


def conversations(answerer: Answerer, split: str) -> list[TurnRow]:
    """Ask conversations turn by turn, each turn with the earlier ones and without."""
    rows = []
    for line in (DATA_DIR / f"conversations.{split}.jsonl").read_text(encoding="utf-8").splitlines():
        history: list[str] = []
        for turn in json.loads(line)["turns"]:
            question = turn["question"]
            parts = [[Span(*s) for s in part] for part in turn["parts"]]
            right = [
                all_parts_quoted([q.span for q in a.quotes], parts) if parts else not a.quotes
                for a in (answerer.answer(question, history), answerer.answer(question))
            ]
            rows.append(TurnRow(turn["type"], bool(parts), *right))
            history.append(question)
    return rows


@dataclass(frozen=True, slots=True)
class SafetyRow:
    """One utterance with its gold label and the one given."""

    text: str
    gold: Safety
    said: Safety


def safety(answerer: Answerer) -> list[SafetyRow]:
    """Screen the held-out utterances."""
    return [
        SafetyRow(e.text, e.label, answerer.screen.check(e.text)) for e in load_examples(DATA_DIR / "safety.test.jsonl")
    ]


def small_talk(answerer: Answerer) -> list[tuple[Talk, Talk]]:
    """Return the gold kind and the recognised one of the held-out messages."""
    examples = load_small_talk(DATA_DIR / "smalltalk.test.jsonl")
    vectors = answerer.encoder.encode([text for text, _ in examples])
    return [(gold, answerer.small_talk.recognise(t, v)) for (t, gold), v in zip(examples, vectors, strict=True)]


def clarifications(answerer: Answerer, split: str) -> list[tuple[bool, bool]]:
    """Return for labelled questions whether they leave something open, and whether choices were offered."""
    lines = (DATA_DIR / f"clarify.{split}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [(row["open"], bool(answerer.answer(row["question"]).choices)) for row in rows]


def bank_alone(answerer: Answerer, questions: Sequence[Question]) -> dict[str, list[bool]]:
    """Return for each question whether the bank by itself is right: its nearest question, its classifier."""
    right: dict[str, list[bool]] = {"nearest banked question": [], "the bank's classifier": []}
    article = answerer.article
    for question in questions:
        spelt = answerer.speller.correct(question.question)
        search = search_message(answerer.index, answerer.encoder, spelt)
        best = article.sentences[max(search.hits, key=lambda h: h.learned).sentence].span
        inherited = [part[0] for part in search.nearest[0][0].parts]
        learned = [] if sum(search.bank.silences.values()) > 0.5 else [best]
        for name, quoted in zip(right, (inherited, learned), strict=True):
            right[name].append(all_parts_quoted(quoted, question.parts) if question.parts else not quoted)
    return right
