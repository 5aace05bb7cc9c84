"""A text classifier over the encoder's vectors, character n-grams and words.

A network with one hidden layer: the vectors carry the meaning, the n-grams the rare names and
misspellings that an encoder blurs, and the hidden layer what only holds for both together (asked of
one drug, "how long" is answered; of another it is not). Fitted in seconds from examples.
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

from index.terms import stem, words

Floats = npt.NDArray[np.float32]

# Chosen on banked questions whose writers' other questions were hidden: the ROC AUC of answerable
# against silent is 0.950, and 0.925 for a multinomial logistic regression without words; 512 units,
# lower counts and longer fitting change it by less than 0.003.
HIDDEN_UNITS = 256
DROPOUT = 0.5
EPOCHS, MIN_STEPS = 10, 600  # the longer of the two
BATCH = 128
LEARNING_RATE, WEIGHT_DECAY = 2e-3, 1e-2  # of AdamW (Loshchilov and Hutter, ICLR 2019)
NGRAM_LENGTHS = (3, 4)  # characters, within a word padded by one space on either side
WORD_LENGTHS = (1, 2)  # stemmed words
MIN_NGRAM_TEXTS = 8
VECTOR_SCALE, NGRAM_SCALE = 20.0, 6.0  # so that a component of either is about 1
SETTINGS = (
    (HIDDEN_UNITS, DROPOUT, EPOCHS, MIN_STEPS, BATCH, LEARNING_RATE, WEIGHT_DECAY),
    (NGRAM_LENGTHS, WORD_LENGTHS, MIN_NGRAM_TEXTS, VECTOR_SCALE, NGRAM_SCALE),
)
_SEED = 0


@dataclass(frozen=True)
class TextClassifier:
    """A fitted classifier.

    Attributes:
        classes: `(c,)` labels.
        dense: `(d, h)` from the vector to the hidden units.
        sparse: `(g, h)` from the n-grams to the hidden units.
        hidden_bias: `(h,)`.
        output: `(h, c)` from the hidden units to the classes.
        output_bias: `(c,)`.
        centre: `(d,)` mean vector; vectors are centred and scaled to unit length first, since an
            encoder's vectors crowd around a common direction.
        ngrams: `(g,)` the n-grams in use.
        idf: `(g,)` their inverse document frequencies.
    """

    classes: npt.NDArray[np.int64]
    dense: Floats
    sparse: Floats
    hidden_bias: Floats
    output: Floats
    output_bias: Floats
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
        columns, values = _weigh(_ngrams(text), self._column_of, self.idf)
        vectors = _centred(vector[None, :], self.centre)[0]
        hidden = np.maximum(vectors @ self.dense + values @ self.sparse[columns] + self.hidden_bias, 0.0)
        logits = hidden @ self.output + self.output_bias
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
) -> TextClassifier:
    """Fit a classifier; a text may count for several classes. The same input gives the same classifier.

    Args:
        texts: n texts.
        vectors: `(n, d)` their unit vectors.
        rows: for each example, the index of its text.
        labels: for each example, its class; at least two different ones.
        shares: for each example, its weight; 1.0 by default.
    """
    counts = [_ngrams(t) for t in texts]
    ngrams, idf = _fit_ngrams(counts)
    column_of = {g: i for i, g in enumerate(ngrams)}
    centre = vectors.mean(axis=0)
    classes, columns = np.unique(np.asarray(labels, np.int64), return_inverse=True)
    targets = np.zeros((len(texts), len(classes)), dtype=np.float32)
    np.add.at(targets, (np.asarray(rows), columns), 1.0 if shares is None else np.asarray(shares))
    weighed = [_weigh(c, column_of, idf) for c in counts]
    dense, sparse, hidden_bias, output, output_bias = _fit_network(_centred(vectors, centre), weighed, ngrams, targets)
    return TextClassifier(
        classes=classes,
        dense=dense,
        sparse=sparse,
        hidden_bias=hidden_bias,
        output=output,
        output_bias=output_bias,
        centre=centre.astype(np.float32),
        ngrams=np.array(ngrams, dtype=np.str_),
        idf=idf,
    )


def _fit_network(
    vectors: Floats,
    weighed: Sequence[tuple[npt.NDArray[np.int64], Floats]],
    ngrams: Sequence[str],
    targets: Floats,
) -> tuple[Floats, ...]:
    """Minimise the cross-entropy with AdamW, half of the hidden units dropped at each step.

    Args:
        vectors: `(n, d)` scaled.
        weighed: each text's n-grams: columns and values.
        ngrams: g of them.
        targets: `(n, c)` weight of each class for each text.

    Returns:
        The arrays of `TextClassifier` from `dense` to `output_bias`.
    """
    import torch  # heavy, and only when something is built

    random = torch.Generator().manual_seed(_SEED)
    (n, d), g, c = vectors.shape, len(ngrams), targets.shape[1]

    def start(*shape: int, scale: float) -> Any:
        return torch.nn.Parameter(torch.randn(*shape, generator=random) * scale)

    dense, sparse = start(d, HIDDEN_UNITS, scale=(3 * d) ** -0.5), start(max(g, 1), HIDDEN_UNITS, scale=0.02)
    output = start(HIDDEN_UNITS, c, scale=(3 * HIDDEN_UNITS) ** -0.5)
    hidden_bias, output_bias = start(HIDDEN_UNITS, scale=0.0), start(c, scale=0.0)
    parameters = [dense, sparse, hidden_bias, output, output_bias]
    optimiser = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
    x, wanted = torch.from_numpy(vectors), torch.from_numpy(targets)
    for _ in range(max(EPOCHS, -(-MIN_STEPS * BATCH // n))):
        for batch in torch.split(torch.randperm(n, generator=random), BATCH):
            rows = [weighed[int(i)] for i in batch]
            starts = np.cumsum([0, *(len(columns) for columns, _ in rows[:-1])])
            bags = torch.nn.functional.embedding_bag(
                torch.from_numpy(np.concatenate([columns for columns, _ in rows])),
                sparse,
                torch.from_numpy(starts),
                per_sample_weights=torch.from_numpy(np.concatenate([values for _, values in rows])),
                mode="sum",
            )
            hidden = torch.relu(x[batch] @ dense + bags + hidden_bias)
            kept = torch.rand(hidden.shape, generator=random) >= DROPOUT
            log_p = torch.log_softmax(hidden * kept / (1 - DROPOUT) @ output + output_bias, dim=1)
            loss = -(wanted[batch] * log_p).sum() / wanted[batch].sum()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return tuple(p.detach().numpy() for p in parameters)


def _fit_ngrams(counts: Sequence[Counter[str]]) -> tuple[list[str], Floats]:
    frequency = Counter(g for own in counts for g in own)
    ngrams = sorted(g for g, n in frequency.items() if n >= MIN_NGRAM_TEXTS)
    idf = [np.log((1 + len(counts)) / (1 + frequency[g])) + 1 for g in ngrams]
    return ngrams, np.array(idf, dtype=np.float32)


def _ngrams(text: str) -> Counter[str]:
    found = words(text)
    stems = [stem(w) for w in found]
    padded = (f" {w} " for w in found)
    within = Counter(w[i : i + n] for w in padded for n in NGRAM_LENGTHS for i in range(len(w) - n + 1))
    # a hash sign keeps whole words apart from pieces of words
    within.update("#" + " ".join(stems[i : i + n]) for n in WORD_LENGTHS for i in range(len(stems) - n + 1))
    return within


def _weigh(counts: Counter[str], column_of: dict[str, int], idf: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return the columns of a text's known n-grams and their tf-idf: sublinear, of one length."""
    known = [(column_of[g], n) for g, n in counts.items() if g in column_of]
    columns = np.array([c for c, _ in known], dtype=np.int64)
    values = (1 + np.log([n for _, n in known])) * idf[columns] if known else np.zeros(0)
    return columns, (NGRAM_SCALE * values / max(float(np.linalg.norm(values)), 1e-9)).astype(np.float32)


def _centred(vectors: Floats, centre: Floats) -> Floats:
    moved = vectors - centre
    norms = np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
    return np.asarray(VECTOR_SCALE * moved / norms, dtype=np.float32)
