"""Choose what to quote: from candidate sentences to runs of sentences, and how sure that is.

Two small logistic models weigh the features of `chat.features`: one says for each sentence whether
it answers, one whether the article answers at all. Their coefficients stand in `weights.json`, beside
those of the third model (`chat.clarify`), written by `python -m eval.fit`. What a quote needs beside it
(the sentence it leans on, a limit that follows it, the list it is part of, a section's warning) is
added by rules that hold for any article.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chat.clarify import OPEN_FEATURES
from chat.features import (
    QUESTION_FEATURES,
    SENTENCE_FEATURES,
    Candidates,
    Vocabulary,
    describe_question,
    gather,
)
from chat.parts import compares
from corpus.article import Article, Sentence
from corpus.discourse import leans_back, limits, previous_in_reach
from index.models import PairScorer, load_reranker
from index.passage_index import PassageIndex, Search
from index.terms import terms

Floats = npt.NDArray[np.float32]

WEIGHTS_PATH = Path(__file__).parent / "weights.json"
BARE_WEIGHTS_PATH = Path(__file__).parent / "weights_without_bank.json"  # for an article without a bank
MAX_QUOTED = 12  # sentences chosen for themselves; what they need beside them comes on top
MAX_PARTICULAR_SHARE = 0.1  # of the sentences, for a term that names something in particular
MAX_LEAN = 3  # how far back a chain of "This ... It ..." is followed
# A warning that a section sets against its own subject: it goes with every quote from there.
_WARNING = re.compile(
    r"\bshould\s+(?:never|not)\s+replace\b|\bnot\s+a\s+(?:\w+\s+){0,3}(?:cure|substitute|replacement)\b"
    r"|\bmay\s+not\s+be\s+(?:\w+\s+){0,2}safe\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class LogisticModel:
    """A logistic regression on standardised features, as readable numbers.

    Attributes:
        features: their names, in order.
        mean: `(f,)` subtracted from each feature.
        scale: `(f,)` that each is then divided by.
        coefficients: `(f,)` log odds for one standard deviation.
        intercept: log odds of the average case.
    """

    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float

    def predict(self, features: Floats) -> Floats:
        """Return `(n,)` probabilities for `(n, f)` features."""
        z = (features - np.array(self.mean)) / np.array(self.scale)
        logits = z @ np.array(self.coefficients) + self.intercept
        return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Weights:
    """All that is fitted.

    Attributes:
        sentence: whether a sentence answers, from `SENTENCE_FEATURES`.
        question: whether the article answers, from `QUESTION_FEATURES`; calibrated.
        open: whether a question leaves open what it is about, from `chat.clarify.OPEN_FEATURES`; None without
            a question bank.
        answer_above: confidence from which the bot answers.
        add_above: probability from which a further sentence is quoted ...
        add_ratio: ... if it is at least this share of the best one's square: the surer the best one is,
            the closer another must come.
        fitted: how and on what, for the reader.
    """

    sentence: LogisticModel
    question: LogisticModel
    open: LogisticModel | None
    answer_above: float
    add_above: float
    add_ratio: float
    fitted: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Selection:
    """What would be quoted for a question.

    Attributes:
        candidates: the sentences that were weighed.
        p: `(n,)` probability of each candidate that it answers.
        description: `(q,)` features of the question as a whole.
        confidence: calibrated probability that the quotes answer the question.
        runs: neighbouring sentences (indices) of one section, one run a quote, in reading order.
        chosen: the candidates' sentences that were chosen for themselves, best first.
    """

    candidates: Candidates
    p: Floats
    description: Floats
    confidence: float
    runs: tuple[tuple[int, ...], ...]
    chosen: tuple[int, ...]

    @property
    def quoted(self) -> frozenset[int]:
        """All sentences (indices) that would be quoted."""
        return frozenset(i for run in self.runs for i in run)


def load_weights(path: Path = WEIGHTS_PATH) -> Weights:
    """Read fitted weights.

    Raises:
        ValueError: if they were fitted for other features.
    """
    row = json.loads(path.read_text(encoding="utf-8"))
    models = {}
    for name, features in (("sentence", SENTENCE_FEATURES), ("question", QUESTION_FEATURES), ("open", OPEN_FEATURES)):
        if name == "open" and row.get(name, "") is None:
            continue
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in (row.get(name) or {}).items()}
        if fields.get("features") != features:
            raise ValueError(f"{path} was fitted for other features: run python -m eval.fit")
        models[name] = LogisticModel(**fields)
    return Weights(**row | models)


def weights_for(index: PassageIndex) -> Weights:
    """Return the weights for an index, fitted with a question bank or without one."""
    return load_weights(BARE_WEIGHTS_PATH if index.bank.classifier is None else WEIGHTS_PATH)


def reranker_for(index: PassageIndex) -> PairScorer | None:
    """Return the cross-encoder for an index without a question bank; beside a bank it brings nothing (see README).

    Raises:
        ModelError: if it cannot be loaded.
    """
    return load_reranker() if index.bank.classifier is None else None


def save_weights(weights: Weights, path: Path = WEIGHTS_PATH) -> None:
    """Write fitted weights."""
    path.write_text(json.dumps(asdict(weights), indent=1) + "\n", encoding="utf-8")


def select(
    article: Article,
    vocabulary: Vocabulary,
    reranker: PairScorer | None,
    weights: Weights,
    question: str,
    search: Search,
) -> Selection:
    """Weigh the hits of a search and choose what to quote."""
    candidates = gather(article, vocabulary, reranker, question, search)
    p = weights.sentence.predict(candidates.features)
    description = describe_question(vocabulary, question, search, candidates, p)
    chosen, runs = choose_runs(article, question, candidates, p, weights.add_above, weights.add_ratio)
    return Selection(
        candidates=candidates,
        p=p,
        description=description,
        confidence=float(weights.question.predict(description[None, :])[0]),
        runs=runs,
        chosen=chosen,
    )


def choose_runs(
    article: Article, question: str, candidates: Candidates, p: Floats, add_above: float, add_ratio: float
) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """Return the sentences that are chosen for themselves, best first, and the runs that are quoted with them."""
    chosen = choose(candidates, p, add_above, add_ratio)
    return chosen, complete(article, chosen, apart=compares(question))


def choose(candidates: Candidates, p: Floats, add_above: float, add_ratio: float) -> tuple[int, ...]:
    """Return the best candidate's sentence and those that are really close to it, best first."""
    order = np.argsort(-p, kind="stable")[:MAX_QUOTED]
    least = max(add_above, add_ratio * float(p[order[0]]) ** 2)
    kept = [order[0], *(k for k in order[1:] if p[k] >= least)]
    return tuple(candidates.hits[int(k)].sentence for k in kept)


def complete(article: Article, chosen: tuple[int, ...], apart: bool = False) -> tuple[tuple[int, ...], ...]:
    """Add to the chosen sentences what they must not be quoted without, and join neighbours.

    Args:
        article: the article.
        chosen: sentences (indices) chosen for themselves, best first.
        apart: keep list items as quotes of their own, as the sides of a comparison.

    Returns:
        Runs of sentence indices, each within one section, in reading order.
    """
    kept = set(chosen) | _rest_of_answer(article, chosen[0])
    for i in () if apart else chosen:
        kept |= _rest_of_list(article, i, kept)
    for i in sorted(kept):
        kept |= _opening_of_item(article, i) | _leaning(article, i) | _limited_by(article, i) | _warnings(article, i)
    return join(article, kept, apart)


def join(article: Article, sentences: Collection[int], apart: bool = False) -> tuple[tuple[int, ...], ...]:
    """Return sentences (indices) as runs, each within one section, in reading order; see `complete`."""
    runs: list[list[int]] = []
    for i in sorted(sentences):
        if runs and _joins(article, runs[-1][-1], i, apart):
            runs[-1].append(i)
        else:
            runs.append([i])
    return tuple(tuple(run) for run in runs)


def _rest_of_answer(article: Article, i: int) -> set[int]:
    """The whole of what the article itself answers to one of its FAQ questions."""
    return {j for pair in article.faq if i in pair.answer for j in pair.answer}


def _rest_of_list(article: Article, i: int, kept: set[int]) -> set[int]:
    """The whole list with its lead-in, once at least half of its items (two or more) are chosen."""
    sentence = article.sentences[i]
    if not sentence.is_item:
        return set()
    members = [j for j, s in enumerate(article.sentences) if s.group == sentence.group]
    items = {article.sentences[j].block for j in members if article.sentences[j].is_item}
    chosen = {article.sentences[j].block for j in kept if j in members}
    if len(chosen) < 2 or 2 * len(chosen) < len(items):
        return set()
    return {j for j in members if article.sentences[j].is_item or article.sentences[j].is_lead_in}


def _opening_of_item(article: Article, i: int) -> set[int]:
    """The first sentence of a list item, which says what the item is about."""
    sentence = article.sentences[i]
    own = (j for j, s in enumerate(article.sentences) if s.block == sentence.block)
    return {next(own)} if sentence.is_item else set()


def _leaning(article: Article, i: int) -> set[int]:
    """The sentences that give an opening "This", "They" ... its meaning."""
    found: set[int] = set()
    for _ in range(MAX_LEAN):
        before = previous_in_reach(article, i) if leans_back(_words(article, article.sentences[i])) else None
        if before is None or article.sentences[before].is_lead_in:
            break
        found.add(before)
        i = before
    return found


def _limited_by(article: Article, i: int) -> set[int]:
    """The next sentence, where it takes something back or sets a condition."""
    after = i + 1
    if after >= len(article.sentences) or previous_in_reach(article, after) != i:
        return set()
    sentence = article.sentences[after]
    if sentence.is_lead_in or sentence.is_dangling or not limits(_words(article, sentence)):
        return set()
    return {after}


def _warnings(article: Article, i: int) -> set[int]:
    """The nearest warning that the section sets against what a sentence speaks of, with what it leans on."""
    section = article.sentences[i].section
    own = {t for heading in article.sections[section].path for t in terms(heading)}
    own |= set(terms(_words(article, article.sentences[i])))
    warned = []
    for j, sentence in enumerate(article.sentences):
        if sentence.section != section or sentence.is_lead_in:
            continue
        words = _words(article, sentence)
        warning = _WARNING.search(words)
        # "They should ..." is about the section; "X should ..." only about X
        subject = _rare_terms(article, words[: warning.start()]) if warning else frozenset()
        if warning and (not subject or subject & own):
            warned.append(j)
    if not warned or i in warned:
        return set()
    nearest = min(warned, key=lambda j: abs(j - i))
    return {nearest} | _leaning(article, nearest)


def _rare_terms(article: Article, words: str) -> frozenset[str]:
    """Terms that few of the article's sentences hold, so that they name something in particular."""
    holding = _sentences_holding(article)
    return frozenset(t for t in terms(words) if holding[t] <= MAX_PARTICULAR_SHARE * len(article.sentences))


@lru_cache(maxsize=8)
def _sentences_holding(article: Article) -> Counter[str]:
    return Counter(t for s in article.sentences for t in set(terms(_words(article, s))))


def _joins(article: Article, i: int, j: int, apart: bool) -> bool:
    """Whether two sentences make one quote: neighbours in a paragraph or list, or leaning on each other."""
    a, b = article.sentences[i], article.sentences[j]
    if j != i + 1 or a.section != b.section:
        return False
    same_list = a.group >= 0 and a.group == b.group and not (apart and a.is_item)
    return a.block == b.block or same_list or (previous_in_reach(article, j) == i and leans_back(_words(article, b)))


def _words(article: Article, sentence: Sentence) -> str:
    return sentence.span.of(article.text)
