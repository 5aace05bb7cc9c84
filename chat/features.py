"""What is known about a question and each sentence that might answer it, as numbers with names.

Nothing is decided here; `chat.select` weighs these with coefficients that `eval.fit` learns.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus.article import Article
from corpus.discourse import in_context, leans_back
from corpus.questions import Silence
from index.classifier import log_odds
from index.models import PairScorer
from index.passage_index import Hit, Search
from index.terms import fold, terms

Floats = npt.NDArray[np.float32]

MAX_NAMING_SHARE = 0.2  # what every fifth sentence speaks of is the article's subject, not a topic of it
_BRACKETS = re.compile(r"\(([^()]{2,40})\)")
_CAPITALISED = re.compile(r"(?<=[a-z,(] )[A-Z][\w-]+")
# The best hits that may be quoted. With ten instead, 3 in 100 blind questions and most of those with more than
# three parts lose a part; the cross-encoder is too slow for more.
MAX_CANDIDATES, MAX_RERANKED = 25, 10

# What kind of answer a question asks for, and what a sentence of that kind holds.
_NUMBER = r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twice|half|several|multiple)\b"


def _any_of(*words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words)})\b")


# name, what asks for it, what holds it
_ANSWER_TYPES: tuple[tuple[str, re.Pattern[str], re.Pattern[str]], ...] = (
    (
        "number",
        _any_of("how (?:many|much|long|often|big|large|old|likely|common)", "number", "age", "odds", "chances?"),
        re.compile(_NUMBER),
    ),
    (
        "duration",
        _any_of("how long", "how many (?:days|weeks|months|years)", "duration", "length of"),
        _any_of("(?:day|week|month|year|hour|minute|time)s?"),
    ),
    (
        "who",
        _any_of("who", "whom", "(?:which|what) (?:people|patients|women|men|doctor)"),
        _any_of("people", "person", "patients?", "individuals?", "(?:wo)?men", "(?:fe)?males?", "surgeon", "doctor"),
    ),
    (
        "why",
        _any_of("why", "reason", "purpose", "point", "goal", "what for", "how come"),
        _any_of("because", "since", "to help", "to prevent", "to destroy", "due to", "so that", "help(?:s|ing)?"),
    ),
    (
        "when",
        _any_of("when", "before", "after", "timing", "during"),
        _any_of("before", "after", "during", "when", "if", "once", "while", "until"),
    ),
    (
        "definition",
        _any_of("what(?:'s| is| are| does)", "mean", "meaning", "define", "definition", "stands? for"),
        re.compile(r"\b(?:is|are|involves?|means?|called|known as|refers?|uses?)\b|:|\("),
    ),
)

SENTENCE_FEATURES = (
    "dense",
    "dense_gap",
    "dense_passage",
    "lexical",
    "lexical_share",
    "lexical_passage_share",
    "banked",
    "banked_gap",
    "vote",
    "learned",
    "learned_log",
    "rerank",
    "rerank_gap",
    "coverage",
    "coverage_in_section",
    "heading_match",
    "type_match",
    "type_miss",
    "leans_back",
    "is_item",
    "length",
)
QUESTION_FEATURES = (
    "p_first",
    "p_margin",
    "p_total",
    "banked_best",
    "nearest_silent",
    "bank_margin",
    "silent_vote",
    "silent_learned_logit",
    "off_topic_learned",
    "rerank_first",
    "rerank_best",
    "dense_first",
    "dense_best",
    "passage_best",
    "coverage_first",
    "coverage_in_section_first",
    "unknown_terms",
    "n_terms",
    "type_miss_first",
)


class Vocabulary:
    """The terms of an article and how much each says: its inverse document frequency.

    Args:
        article: the sentences of which are the documents.
        known: further terms that readers use, such as the question bank's.
    """

    def __init__(self, article: Article, known: Sequence[str] = ()) -> None:
        self.of_sentence = [frozenset(terms(s.span.of(article.text))) for s in article.sentences]
        self.of_section = [frozenset(terms(s.span.of(article.text))) for s in article.sections]
        self.of_heading = [frozenset(terms(s.heading)) for s in article.sections]
        self._frequency = Counter(t for own in self.of_sentence for t in own)
        self._n = len(self.of_sentence)
        self._names = frozenset(
            t for t in _naming_terms(article) if 0 < self._frequency[t] <= MAX_NAMING_SHARE * self._n
        )
        self.known = frozenset(self._frequency) | frozenset(t for text in known for t in terms(text))

    def weight(self, term: str) -> float:
        """Return a term's inverse document frequency; a term that the article lacks weighs most."""
        return math.log((self._n + 1) / (self._frequency[term] + 0.5))

    def has(self, term: str) -> bool:
        """Whether the article has a term."""
        return self._frequency[term] > 0

    def names(self, term: str) -> bool:
        """Whether a term names a thing that the article speaks of."""
        return term in self._names

    def coverage(self, query: frozenset[str], found: frozenset[str]) -> float:
        """Return the share of the query's weight that `found` covers, 1.0 for an empty query."""
        total = sum(self.weight(t) for t in query)
        return sum(self.weight(t) for t in query & found) / total if total else 1.0


def _naming_terms(article: Article) -> set[str]:
    """Terms of headings, of list items' labels, of brackets and of names written with a capital."""
    named = [s.heading for s in article.sections]
    for sentence in article.sentences:
        words = sentence.span.of(article.text)
        named += _BRACKETS.findall(words) + _CAPITALISED.findall(words)
        label, colon, _ = words.partition(":")
        named += [label] if colon and sentence.is_item else []
    return {t for name in named for t in terms(name)}


@dataclass(frozen=True, slots=True)
class Candidates:
    """The sentences that may answer, with their features.

    Attributes:
        hits: the candidates, best fused score first.
        rerank: `(n,)` cross-encoder logits; zeros without one.
        features: `(n, len(SENTENCE_FEATURES))`.
    """

    hits: tuple[Hit, ...]
    rerank: Floats
    features: Floats


def gather(
    article: Article, vocabulary: Vocabulary, reranker: PairScorer | None, question: str, search: Search
) -> Candidates:
    """Take the best hits of a search, rerank them if there is a reranker, and compute their features."""
    hits = search.hits[: MAX_CANDIDATES if reranker is None else MAX_RERANKED]
    rerank = np.zeros(len(hits), dtype=np.float32)
    if reranker is not None:
        rerank = reranker.score(question, [in_context(article, h.sentence) for h in hits])
    query = frozenset(terms(question))
    asked = [t for t in _ANSWER_TYPES if t[1].search(fold(question))]
    best = {
        name: max((getattr(h, name) for h in search.hits), default=0.0)
        for name in ("dense", "lexical", "lexical_passage", "banked")
    }
    rows = []
    for hit, logit in zip(hits, rerank, strict=True):
        sentence = article.sentences[hit.sentence]
        words = sentence.span.of(article.text)
        own = vocabulary.of_sentence[hit.sentence]
        heading = vocabulary.of_heading[sentence.section]
        matched = [bool(t[2].search(fold(words))) for t in asked]
        rows.append(
            (
                hit.dense,
                hit.dense - best["dense"],
                hit.dense_passage,
                math.log1p(hit.lexical),
                hit.lexical / best["lexical"] if best["lexical"] else 0.0,
                hit.lexical_passage / best["lexical_passage"] if best["lexical_passage"] else 0.0,
                hit.banked,
                hit.banked - best["banked"],
                hit.vote,
                hit.learned,
                math.log(hit.learned + 1e-4),
                logit,
                logit - float(rerank.max()),
                vocabulary.coverage(query, own | heading),
                vocabulary.coverage(query, vocabulary.of_section[sentence.section]),
                vocabulary.coverage(query, heading) if query else 0.0,
                sum(matched) / len(asked) if asked else 0.0,
                float(bool(asked) and not all(matched)),
                float(leans_back(words)),
                float(sentence.is_item),
                math.log(len(words)),
            )
        )
    return Candidates(hits, rerank, np.array(rows, np.float32).reshape(-1, len(SENTENCE_FEATURES)))


def describe_question(
    vocabulary: Vocabulary, question: str, search: Search, candidates: Candidates, p: Floats
) -> Floats:
    """Return `(len(QUESTION_FEATURES),)`: how well the question seems to be answered.

    Args:
        vocabulary: of the article.
        question: its words.
        search: what the index knows.
        candidates: the sentences that may answer.
        p: `(n,)` probability of each candidate that it answers.
    """
    query = terms(question)
    order = np.argsort(-p, kind="stable")
    first = int(order[0])
    own = dict(zip(SENTENCE_FEATURES, candidates.features[first], strict=True))
    banked = max(h.banked for h in search.hits)
    values = (
        log_odds(float(p[first])),
        float(p[first] - (p[order[1]] if len(order) > 1 else 0.0)),
        float(p.sum()),
        banked,
        search.bank.nearest_silent,
        banked - search.bank.nearest_silent,
        search.bank.silent_vote,
        log_odds(sum(search.bank.silences.values())),
        search.bank.silences.get(Silence.OFF_TOPIC, 0.0) + search.bank.silences.get(Silence.NOT_UNDERSTOOD, 0.0),
        float(candidates.rerank[first]),
        float(candidates.rerank.max()),
        own["dense"],
        max(h.dense for h in search.hits),
        search.on_subject,
        own["coverage"],
        own["coverage_in_section"],
        sum(t not in vocabulary.known for t in query) / len(query) if query else 1.0,
        math.log1p(len(query)),
        own["type_miss"],
    )
    return np.array(values, dtype=np.float32)
