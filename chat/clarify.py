"""Notices a question that leaves open what it is about, and what it may mean.

Derived from the article's shape and what the bank makes of the question: a small logistic model
(`Weights.open`) weighs how much the question says and how the sections compete for it.
"""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import numpy.typing as npt

from chat.answer import Choice
from chat.conversation import points_back
from chat.features import Vocabulary
from corpus.article import Article
from corpus.questions import Silence
from index.classifier import log_odds
from index.passage_index import Search
from index.terms import terms

Floats = npt.NDArray[np.float32]

# What is answered surely is clear, and what is refused surely asks for something else: hence "decided".
OPEN_FEATURES = ("n_terms", "n_names", "points_back", "confidence_logit", "decided", "entropy", "nearest", "elsewhere")
# Of the questions it is fitted on 0.80 of the open ones get choices, 0.04 of the clear and 0.03 of the ordinary ones.
OPEN_ABOVE = 0.4
MAX_TRIED = 6  # sections; what is offered is checked besides (`Answerer`)
MAX_CHOICES = 4


def describe_openness(
    article: Article, vocabulary: Vocabulary, question: str, search: Search, confidence: float
) -> Floats:
    """Return `(len(OPEN_FEATURES),)`: what tells whether a question leaves open which section it asks about.

    Args:
        article: what is asked about.
        vocabulary: of the article.
        question: its words.
        search: what the index knows.
        confidence: that the article answers it as it is.
    """
    logit = log_odds(confidence, least=1e-3)
    asked = terms(question)
    values = {
        "n_terms": math.log1p(len(asked)),
        "n_names": sum(vocabulary.names(t) for t in asked),
        "points_back": points_back(question),
        "confidence_logit": logit,
        "decided": abs(logit),
        "entropy": -sum(s * math.log(s) for s in _shares(article, search).values() if s > 0),
        "nearest": search.nearest[0][1] if search.nearest else 0.0,
        "elsewhere": sum(p for kind, p in search.bank.silences.items() if kind is not Silence.ASPECT),
    }
    return np.array([values[name] for name in OPEN_FEATURES], dtype=np.float32)


def narrowed(article: Article, question: str, search: Search) -> tuple[Choice, ...]:
    """Return the question narrowed to each of the `MAX_TRIED` likeliest sections, the likeliest first."""
    shares = _shares(article, search)
    likely = sorted(shares, key=lambda n: -shares[n])[:MAX_TRIED]
    stem = question.rstrip(" ?!.")
    return tuple(Choice(n, f"{article.sections[n].heading.rstrip('?')}: {stem}?") for n in likely)


def _shares(article: Article, search: Search) -> dict[int, float]:
    """Each section's share of the classifier's probability for sentences; empty without a classifier."""
    totals: defaultdict[int, float] = defaultdict(float)
    for hit in search.hits:
        totals[article.sentences[hit.sentence].section] += hit.learned
    whole = sum(totals.values())
    return {n: v / whole for n, v in totals.items()} if whole else {}
