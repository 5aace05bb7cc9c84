"""Vectors that were made before and came with the program, so that a first start need not make them again.

A vector belongs to a text and a model: both are checked for each one, so that a kept vector is never a
stale one. What is not kept is encoded as ever. `python -m eval.keep` writes the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index.models import Encoder, Floats

KEPT_PATH = Path(__file__).parent / "kept_vectors.npz"
_LEVELS = 127  # int8: a kept vector's cosine with its original is above 0.9999


class KeptVectors:
    """An encoder that looks a text up first. See `Encoder`."""

    def __init__(self, encoder: Encoder, path: Path = KEPT_PATH) -> None:
        self._encoder = encoder
        self.name, self.fingerprint, self.window = encoder.name, encoder.fingerprint, encoder.window
        self._row_of: dict[int, int] = {}
        if path.is_file():
            with np.load(path) as kept:
                if str(kept["fingerprint"]) == encoder.fingerprint:
                    self._row_of = {int(key): row for row, key in enumerate(kept["keys"])}
                    self._codes: npt.NDArray[np.int8] = kept["codes"]

    def encode(self, texts: Sequence[str], progress: bool = False) -> Floats:
        """Return `(len(texts), d)` float32, rows of unit length."""
        rows = [self._row_of.get(_key(t), -1) for t in texts]
        new = [t for t, row in zip(texts, rows, strict=True) if row < 0]
        fresh = self._encoder.encode(new, progress) if new else None
        if fresh is not None and len(new) == len(texts):
            return fresh
        vectors = self._codes[rows].astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        if fresh is not None:
            vectors[[n for n, row in enumerate(rows) if row < 0]] = fresh
        return vectors

    def count_tokens(self, text: str) -> int:
        """Return a text's length in the model's own tokens, special ones included."""
        return self._encoder.count_tokens(text)

    def whole_words(self) -> frozenset[str]:
        """Return the words that its vocabulary holds whole: ordinary words of its language."""
        return self._encoder.whole_words()


def save_kept(encoder: Encoder, texts: Sequence[str], path: Path = KEPT_PATH) -> None:
    """Encode texts and keep their vectors, one byte a component."""
    unique = list(dict.fromkeys(texts))
    vectors = encoder.encode(unique, progress=True)
    codes = np.rint(_LEVELS * vectors / np.abs(vectors).max(axis=1, keepdims=True)).astype(np.int8)
    keys = np.array([_key(t) for t in unique], dtype=np.uint64)
    np.savez_compressed(path, fingerprint=np.str_(encoder.fingerprint), keys=keys, codes=codes)


def _key(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
