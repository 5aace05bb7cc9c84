"""Metrics, one function each, pure: numbers in, numbers out. Each names its source."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpus.article import Span

N_RESAMPLES = 2000
SEED = 20261123


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its 95 % bootstrap interval (percentile method, Efron 1979).

    Attributes:
        n: number of cases.
        mean: their mean; nan without cases.
        low: lower end of the interval.
        high: upper end.
    """

    n: int
    mean: float
    low: float
    high: float


def estimate(values: Sequence[float] | Sequence[bool]) -> Estimate:
    """Return the mean of some values with its interval; the same values give the same interval."""
    x = np.asarray(values, dtype=float)
    if not len(x):
        return Estimate(0, float("nan"), float("nan"), float("nan"))
    rng = np.random.default_rng(SEED)
    means = x[rng.integers(0, len(x), (N_RESAMPLES, len(x)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(len(x), float(x.mean()), float(low), float(high))


def paired_difference(before: Sequence[float], after: Sequence[float]) -> Estimate:
    """Return the mean of `after - before` over the same cases, with its interval."""
    return estimate([b - a for a, b in zip(before, after, strict=True)])


def all_parts_quoted(quoted: Sequence[Span], parts: Sequence[Sequence[Span]]) -> bool:
    """Whether for every part some quote holds one of its spans whole; False without parts."""
    return bool(parts) and all(any(q.contains(s) for q in quoted for s in part) for part in parts)


def normalise(text: str) -> list[str]:
    """Return a text's words as SQuAD's evaluation does: lower case, no punctuation, no articles.

    Source: Rajpurkar et al. 2016, evaluate-v1.1.
    """
    lowered = "".join(c for c in text.lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", lowered).split()


def exact_match(predicted: str, gold: str) -> bool:
    """Whether two texts have the same normalised words."""
    return normalise(predicted) == normalise(gold)


def token_f1(predicted: str, gold: str) -> float:
    """Return the harmonic mean of word precision and recall, 1.0 where both texts are empty.

    >>> token_f1("the pill", "a pill a day")
    0.6666666666666666
    """
    p, g = normalise(predicted), normalise(gold)
    if not p or not g:
        return float(p == g)
    common = sum((Counter(p) & Counter(g)).values())
    return 2 * common / (len(p) + len(g))


def calibration_error(confidence: Sequence[float], right: Sequence[bool], n_bins: int = 10) -> float:
    """Return the expected calibration error over bins of equal width (Guo et al. 2017), 0 is best."""
    c, r = np.asarray(confidence), np.asarray(right, dtype=float)
    bins = np.minimum((c * n_bins).astype(int), n_bins - 1)
    gaps = [abs(c[bins == b].mean() - r[bins == b].mean()) * (bins == b).mean() for b in set(bins.tolist())]
    return float(sum(gaps))


def risk_coverage(confidence: Sequence[float], right: Sequence[bool]) -> tuple[list[float], list[float]]:
    """Return coverage and risk when only the most confident are answered (El-Yaniv and Wiener 2010).

    Returns:
        Shares answered, rising from 1/n to 1, and for each the share of the answered that is wrong.
    """
    order = np.argsort(-np.asarray(confidence), kind="stable")
    wrong = 1 - np.asarray(right, dtype=float)[order]
    n = np.arange(1, len(wrong) + 1)
    return (n / len(wrong)).tolist(), (np.cumsum(wrong) / n).tolist()
