"""A text classifier over the encoder's vectors, character n-grams and words.

Several small networks with one hidden layer that look at the same text and are averaged: the vectors
carry the meaning, the n-grams the rare names and misspellings that an encoder blurs, and the hidden
layer what only holds for both together (asked of one drug, "how long" is answered; of another it is
not). What the networks disagree about is what the examples do not settle, so that their average is
less sure exactly there. Fitted in seconds from examples.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from index.terms import stem, words

Floats = npt.NDArray[np.float32]

# Chosen on 3,400 questions of writers whose other questions were hidden. Right with 95 in 100 of the silent
# refused: 0.82; 0.78 for one network that reads n-grams directly. Without n-grams 0.81, with two networks 0.80;
# wider ones, more components, longer fitting and a fine-tuned encoder beside it (0.83) bring little more. On 12,900
# harder ones (0.84) larger batches and 384 components cost nothing, two epochs fewer or 192 hidden units up to 0.01.
N_NETWORKS = 4
HIDDEN_UNITS = 256
INPUT_DROPOUT, HIDDEN_DROPOUT = 0.3, 0.5
EPOCHS, MIN_STEPS = 9, 600  # the longer of the two
BATCH = 256
LEARNING_RATE, WEIGHT_DECAY = 6e-3, 1e-2  # of AdamW (Loshchilov and Hutter, ICLR 2019), falling to zero
NGRAM_LENGTHS = (3, 4)  # characters, within a word padded by one space on either side
WORD_LENGTHS = (1, 2)  # stemmed words
MIN_NGRAM_TEXTS = 8
MAX_COMPONENTS = 384  # of the n-grams, by latent semantic analysis (Deerwester et al., JASIS 1990) ...
MAX_ANALYSED = 16_000  # ... of at most so many texts: more of them change nothing but the time
VECTOR_SCALE, NGRAM_SCALE = 20.0, 6.0  # so that a component of either is about 1
SETTINGS = (
    (N_NETWORKS, HIDDEN_UNITS, INPUT_DROPOUT, HIDDEN_DROPOUT, EPOCHS, MIN_STEPS, BATCH, LEARNING_RATE, WEIGHT_DECAY),
    (NGRAM_LENGTHS, WORD_LENGTHS, MIN_NGRAM_TEXTS, MAX_COMPONENTS, MAX_ANALYSED, VECTOR_SCALE, NGRAM_SCALE),
)
_SEED = 0


@dataclass(frozen=True)
class TextClassifier:
    """A fitted classifier of m networks.

    Attributes:
        classes: `(c,)` labels.
        centre: `(d,)` mean vector; vectors are centred and scaled to unit length first, since an
            encoder's vectors crowd around a common direction.
        ngrams: `(g,)` the n-grams in use.
        idf: `(g,)` their inverse document frequencies.
        components: `(g, k)` float16, from the n-grams to their components; kept in half, as they are most of it.
        hidden: `(m, d + k, h)` from vector and components to the hidden units.
        hidden_bias: `(m, 1, h)`.
        output: `(m, h, c)` from the hidden units to the classes.
        output_bias: `(m, 1, c)`.
    """

    classes: npt.NDArray[np.int64]
    centre: Floats
    ngrams: npt.NDArray[np.str_]
    idf: Floats
    components: npt.NDArray[np.float16]
    hidden: Floats
    hidden_bias: Floats
    output: Floats
    output_bias: Floats

    @cached_property
    def _column_of(self) -> dict[str, int]:
        return {str(g): i for i, g in enumerate(self.ngrams)}

    def probabilities(self, text: str, vector: Floats) -> dict[int, float]:
        """Return the probability of each class: the networks' geometric mean.

        Args:
            text: its words.
            vector: `(d,)` its unit vector.
        """
        columns, values = _weigh(_ngrams(text), self._column_of, self.idf)
        x = np.concatenate(
            [_centred(vector[None, :], self.centre)[0], values @ self.components[columns].astype(np.float32)]
        )
        hidden = np.maximum(x @ self.hidden + self.hidden_bias[:, 0], 0.0)
        logits = (hidden[:, None, :] @ self.output + self.output_bias)[:, 0]
        log_p = (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).mean(axis=0)
        p = np.exp(log_p - log_p.max())
        p /= p.sum()
        return {int(c): float(v) for c, v in zip(self.classes, p, strict=True)}

    def save(self, path: Path) -> None:
        """Write the classifier as a numpy archive."""
        np.savez(path, **{f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def load(cls, path: Path) -> TextClassifier:
        """Read a classifier.

        Raises:
            KeyError, ValueError, OSError, BadZipFile: if the file is damaged or holds something else.
        """
        with path.open("rb") as file, np.load(file) as arrays:  # numpy leaves a damaged one open
            return cls(**{f.name: arrays[f.name] for f in fields(cls)})


def log_odds(p: float, least: float = 1e-4) -> float:
    """Return the log odds of a probability that is kept `least` away from 0 and 1."""
    q = min(max(p, least), 1 - least)
    return math.log(q / (1 - q))


def evenly_spaced(n: int, most: int) -> range:
    """Return at most so many of n rows, evenly spaced: all of them where they are few enough."""
    return range(0, n, max(1, -(-n // most)))


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
    weighed = _table([_weigh(c, column_of, idf) for c in counts], len(ngrams))
    analysed = evenly_spaced(len(texts), MAX_ANALYSED)
    components = _fit_components(weighed[:: analysed.step])
    x = np.hstack([_centred(vectors, centre), weighed @ components.astype(np.float32)]).astype(np.float32)
    return TextClassifier(
        classes, centre.astype(np.float32), np.array(ngrams, np.str_), idf, components, *_fit(x, targets)
    )


def _fit(x: Floats, targets: Floats) -> tuple[Floats, ...]:
    """Fit the networks side by side: cross-entropy, AdamW, inputs and hidden units dropped at random.

    Args:
        x: `(n, f)` inputs.
        targets: `(n, c)` weight of each class for each text.

    Returns:
        The arrays of `TextClassifier` from `hidden` to `output_bias`.
    """
    import torch  # heavy, and only when something is built

    random = torch.Generator().manual_seed(_SEED)
    (n, f), c = x.shape, targets.shape[1]

    def start(*shape: int, scale: float) -> Any:
        return torch.nn.Parameter(torch.randn(N_NETWORKS, *shape, generator=random) * scale)

    def drop(values: Any, share: float) -> Any:
        # a random byte each: real numbers would cost a third of the fit
        drawn = torch.empty(-(-values.numel() // 8), dtype=torch.int64).random_(-(2**63), None, generator=random)
        kept = drawn.view(torch.uint8)[: values.numel()].view(values.shape) >= round(256 * share)
        return values * kept / (1 - share)

    hidden, hidden_bias = start(f, HIDDEN_UNITS, scale=(3 * f) ** -0.5), start(1, HIDDEN_UNITS, scale=0.0)
    output, output_bias = start(HIDDEN_UNITS, c, scale=(3 * HIDDEN_UNITS) ** -0.5), start(1, c, scale=0.0)
    parameters = [hidden, hidden_bias, output, output_bias]
    optimiser = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True)
    n_batches = -(-n // BATCH)
    epochs = max(EPOCHS, -(-MIN_STEPS // n_batches))
    falling = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, total_iters=epochs * n_batches)
    inputs, wanted = torch.from_numpy(x), torch.from_numpy(targets)
    for _ in range(epochs):
        for batch in torch.split(torch.randperm(n, generator=random), BATCH):
            seen = drop(inputs[batch], INPUT_DROPOUT)
            active = drop(torch.relu(seen @ hidden + hidden_bias), HIDDEN_DROPOUT)
            log_p = torch.log_softmax(active @ output + output_bias, dim=-1)
            loss = -(wanted[batch] * log_p).sum() / wanted[batch].sum()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            falling.step()
    return tuple(p.detach().numpy() for p in parameters)


def _fit_components(weighed: csr_array) -> npt.NDArray[np.float16]:
    """Return `(g, k)`: the directions along which the texts' n-grams vary most."""
    from sklearn.utils.extmath import randomized_svd  # heavy, and only when something is built

    k = min(MAX_COMPONENTS, min(weighed.shape) - 1)
    if k < 1:
        return np.zeros((weighed.shape[1], 0), dtype=np.float16)
    _, _, directions = randomized_svd(weighed, k, n_iter=2, random_state=_SEED)
    return np.ascontiguousarray(directions.T, dtype=np.float16)


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


def _table(weighed: Sequence[tuple[npt.NDArray[np.int64], Floats]], n_ngrams: int) -> csr_array:
    """Return `(n, g)`: each text's n-grams in a row."""
    ends = np.cumsum([0, *(len(columns) for columns, _ in weighed)])
    columns, values = (np.concatenate(parts) for parts in zip(*weighed, strict=True))
    return csr_array((values, columns, ends), shape=(len(weighed), n_ngrams))


def _centred(vectors: Floats, centre: Floats) -> Floats:
    moved = vectors - centre
    norms = np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
    return np.asarray(VECTOR_SCALE * moved / norms, dtype=np.float32)
