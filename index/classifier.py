"""A text classifier over the encoder's vectors and character n-grams.

A multinomial logistic regression: the vectors carry the meaning, the n-grams the rare names and
misspellings that an encoder blurs. Fitted in seconds from examples, with nothing to tune by hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index.terms import words

Floats = npt.NDArray[np.float32]

# Chosen on the development questions: with n-grams the ROC AUC of answerable against silent rises from
# 0.977 to 0.985 and the top-1 accuracy from 0.93 to 0.95. Strengths from 10 to 100, other lengths and
# thresholds of n-grams changed neither by more than 0.01.
INVERSE_REGULARISATION = 10.0  # of the L2 penalty
NGRAM_LENGTHS = (3, 4)  # characters, within a word padded by one space on either side
MIN_NGRAM_TEXTS = 16
TOLERANCE = 1e-3  # of the optimiser: 1e-4 takes twice the time for a bank of 9,000 and changes little


@dataclass(frozen=True)
class TextClassifier:
    """A fitted classifier.

    Attributes:
        classes: `(c,)` labels.
        weights: `(d + g + 1, c)` float32: the vector's, the n-grams', the intercept.
        centre: `(d,)` mean vector; vectors are centred and scaled to unit length first, since an
            encoder's vectors crowd around a common direction.
        ngrams: `(g,)` the n-grams in use.
        idf: `(g,)` their inverse document frequencies.
    """

    classes: npt.NDArray[np.int64]
    weights: Floats
    centre: Floats
    ngrams: npt.NDArray[np.str_]
    idf: Floats

    @cached_property
    def _column_of(self) -> dict[str, int]:
        return {str(g): i for i, g in enumerate(self.ngrams)}

    def probabilities(self, text: str, vector: Floats) -> dict[int, float]:
        """Return the probability of each class.

        Args:
            text: its words.
            vector: `(d,)` its unit vector.
        """
        d = len(self.centre)
        columns, values = _weigh(text, self._column_of, self.idf)
        logits = _centred(vector[None, :], self.centre)[0] @ self.weights[:d] + self.weights[-1]
        logits = logits + values @ self.weights[d + columns]
        p = np.exp(logits - logits.max())
        p /= p.sum()
        return {int(c): float(v) for c, v in zip(self.classes, p, strict=True)}

    def save(self, path: Path) -> None:
        """Write the classifier as a numpy archive."""
        np.savez(path, **{f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def load(cls, path: Path) -> TextClassifier:
        """Read a classifier.

        Raises:
            KeyError, ValueError: if the file holds something else.
        """
        with np.load(path) as arrays:
            return cls(**{f.name: arrays[f.name] for f in fields(cls)})


def fit_classifier(
    texts: Sequence[str],
    vectors: Floats,
    rows: Sequence[int],
    labels: Sequence[int],
    shares: Sequence[float] | None = None,
    tolerance: float = TOLERANCE,
) -> TextClassifier:
    """Fit a classifier; a text may count for several classes.

    Args:
        texts: n texts.
        vectors: `(n, d)` their unit vectors.
        rows: for each example, the index of its text.
        labels: for each example, its class; at least two different ones.
        shares: for each example, its weight; 1.0 by default.
        tolerance: of the optimiser; with few classes a coarse one stops long before the optimum.
    """
    from scipy.sparse import csr_matrix  # only when something is built

    ngrams, idf = _fit_ngrams(texts)
    column_of = {g: i for i, g in enumerate(ngrams)}
    weighed = [_weigh(t, column_of, idf) for t in texts]
    at = np.cumsum([0, *(len(c) for c, _ in weighed)])
    sparse = csr_matrix(
        (np.concatenate([v for _, v in weighed]), np.concatenate([c for c, _ in weighed]), at),
        shape=(len(texts), len(ngrams)),
    )
    centre = vectors.mean(axis=0)
    classes, columns = np.unique(np.asarray(labels, np.int64), return_inverse=True)
    targets = np.zeros((len(texts), len(classes)), dtype=np.float32)
    np.add.at(targets, (np.asarray(rows), columns), 1.0 if shares is None else np.asarray(shares))
    return TextClassifier(
        classes=classes,
        weights=_fit_softmax(_centred(vectors, centre), sparse, targets, tolerance),
        centre=centre.astype(np.float32),
        ngrams=np.array(ngrams, dtype=np.str_),
        idf=idf,
    )


def _fit_softmax(dense: Floats, sparse: Any, targets: Floats, tolerance: float) -> Floats:
    """Minimise the penalised cross-entropy with L-BFGS (scipy), the dense and the sparse inputs apart.

    The model of scikit-learn's LogisticRegression, but with soft targets, so that a text may belong to
    several classes, and without copying the dense vectors into a sparse matrix.

    Args:
        dense: `(n, d)` centred vectors.
        sparse: `(n, g)` weighed n-grams.
        targets: `(n, c)` weight of each class for each text.
        tolerance: largest gradient at which to stop.

    Returns:
        `(d + g + 1, c)` weights, the intercept last; the penalty spares it.
    """
    from scipy.optimize import minimize

    d, shape = dense.shape[1], (dense.shape[1] + sparse.shape[1] + 1, targets.shape[1])
    total = float(targets.sum())
    per_text = targets.sum(axis=1, keepdims=True)
    penalty = 1.0 / (INVERSE_REGULARISATION * total)
    across = sparse.T.tocsr()

    def loss(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        w = flat.reshape(shape).astype(np.float32)
        logits = dense @ w[:d] + sparse @ w[d:-1] + w[-1]
        logits -= logits.max(axis=1, keepdims=True)
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        error = (np.exp(log_p) * per_text - targets) / np.float32(total)
        gradient = np.vstack([dense.T @ error, across @ error, error.sum(axis=0, keepdims=True)])
        gradient[:-1] += penalty * w[:-1]
        value = -float((targets * log_p).sum(dtype=np.float64)) / total
        value += 0.5 * penalty * float(np.square(w[:-1], dtype=np.float64).sum())
        return value, gradient.astype(np.float64).ravel()

    options = {"maxiter": 300, "gtol": tolerance, "ftol": 1e-9, "maxls": 50}
    found = minimize(loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x.reshape(shape), dtype=np.float32)


def _fit_ngrams(texts: Sequence[str]) -> tuple[list[str], Floats]:
    frequency = Counter(g for t in texts for g in _ngrams(t))
    ngrams = sorted(g for g, n in frequency.items() if n >= MIN_NGRAM_TEXTS)
    idf = [np.log((1 + len(texts)) / (1 + frequency[g])) + 1 for g in ngrams]
    return ngrams, np.array(idf, dtype=np.float32)


def _ngrams(text: str) -> Counter[str]:
    padded = (f" {w} " for w in words(text))
    return Counter(w[i : i + n] for w in padded for n in NGRAM_LENGTHS for i in range(len(w) - n + 1))


def _weigh(text: str, column_of: dict[str, int], idf: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return the columns of a text's known n-grams and their tf-idf: sublinear, unit length."""
    counts = [(column_of[g], n) for g, n in _ngrams(text).items() if g in column_of]
    columns = np.array([c for c, _ in counts], dtype=np.int64)
    values = (1 + np.log([n for _, n in counts])) * idf[columns] if counts else np.zeros(0)
    return columns, (values / max(float(np.linalg.norm(values)), 1e-9)).astype(np.float32)


def _centred(vectors: Floats, centre: Floats) -> Floats:
    moved = vectors - centre
    norms = np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
    return np.asarray(moved / norms, dtype=np.float32)
