"""Notices a question that leaves open what it is about, and what it may mean.

Derived from the article's shape and the bank's classifier alone: an open question names (almost)
nothing that the article speaks of, and sentences of several sections compete for it.
"""

from __future__ import annotations

import math
from collections import defaultdict

from chat.answer import Choice
from chat.features import Vocabulary
from chat.parts import compares
from corpus.article import Article
from index.passage_index import Search
from index.terms import terms, words

# Chosen on eval/data/clarify.dev.jsonl. What is offered is checked besides (`Answerer`), so these may be lenient.
MAX_TERMS = 4  # content words; a longer question says what it is about
MAX_NAMES = 1  # of them, names of things that the article speaks of
MIN_ENTROPY = 0.4  # nats, of the sections' shares; two even ones have 0.69
MIN_SHARE = 0.05  # of the whole, for a section to be offered
MAX_CHOICES = 4
CLEAR_ABOVE = 0.8  # confidence from which a question that names something is answered and no more


def is_open(article: Article, vocabulary: Vocabulary, question: str, search: Search, confidence: float) -> bool:
    """Whether a question leaves open which of several sections it asks about.

    Args:
        article: what is asked about.
        vocabulary: of the article.
        question: its words.
        search: what the index knows.
        confidence: that the article answers it as it is.
    """
    asked = terms(question)
    n_names = sum(vocabulary.names(t) for t in asked)
    if len(asked) > MAX_TERMS or n_names > MAX_NAMES:
        return False
    if n_names and (confidence >= CLEAR_ABOVE or compares(question) or "or" in words(question)):
        return False
    shares = _shares(article, search)
    return -sum(p * math.log(p) for p in shares.values() if p > 0) >= MIN_ENTROPY


def narrowed(article: Article, question: str, search: Search) -> tuple[Choice, ...]:
    """Return the question narrowed to each section that competes for it, the likeliest first."""
    shares = _shares(article, search)
    likely = sorted((n for n in shares if shares[n] >= MIN_SHARE), key=lambda n: -shares[n])[:MAX_CHOICES]
    stem = question.rstrip(" ?!.")
    return tuple(Choice(n, f"{article.sections[n].heading.rstrip('?')}: {stem}?") for n in likely)


def _shares(article: Article, search: Search) -> dict[int, float]:
    """Each section's share of the classifier's probability for sentences; empty without a classifier."""
    totals: defaultdict[int, float] = defaultdict(float)
    for hit in search.hits:
        totals[article.sentences[hit.sentence].section] += hit.learned
    whole = sum(totals.values())
    return {n: v / whole for n, v in totals.items()} if whole else {}
