"""Vectors that were made before and came with the program, so that a first start need not make them again.

A vector belongs to a text, whose hash it is found by, and to a model, whose weights' hash the file names. What
is not kept is encoded as ever. `python -m eval.keep` writes the file.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from index.models import Encoder, Floats

KEPT_PATH = Path(__file__).parent / "kept_vectors.npz"
_LOG = logging.getLogger(__name__)
_LEVELS = 127  # int8: a kept vector's cosine with its original is above 0.9999


class KeptVectors:
    """An encoder that looks a text up first. See `Encoder`."""

    def __init__(self, encoder: Encoder, path: Path = KEPT_PATH) -> None:
        self._encoder = encoder
        self.name, self.fingerprint, self.window = encoder.name, encoder.fingerprint, encoder.window
        self._row_of: dict[int, int] = {}
        self._codes: npt.NDArray[np.int8] = np.zeros((0, 0), dtype=np.int8)
        try:
            with path.open("rb") as file, np.load(file) as kept:  # numpy leaves a damaged one open
                if str(kept["fingerprint"]) == encoder.fingerprint:
                    self._row_of = {int(key): row for row, key in enumerate(kept["keys"])}
                    self._codes = kept["codes"]
        except FileNotFoundError:
            pass  # nothing kept
        except (OSError, ValueError, KeyError, BadZipFile) as e:
            _LOG.warning("%s is damaged (%s), so its texts are encoded anew: run python -m eval.keep", path, e)

    def encode(self, texts: Sequence[str], progress: bool = False) -> Floats:
        """Return `(len(texts), d)` float32, rows of unit length."""
        rows = [self._row_of.get(key_of_text(t), -1) for t in texts]
        new = [n for n, row in enumerate(rows) if row < 0]
        if len(new) == len(rows):
            return self._encoder.encode(texts, progress)
        vectors = self._codes[rows].astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        if new:
            vectors[new] = self._encoder.encode([texts[n] for n in new], progress)
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
    keys = np.array([key_of_text(t) for t in unique], dtype=np.uint64)
    scratch = path.with_name(f".{path.name}")
    np.savez_compressed(scratch, fingerprint=np.str_(encoder.fingerprint), keys=keys, codes=codes)
    scratch.replace(path)


def key_of_text(text: str) -> int:
    """Return what a text's vector is found by: 64 bits of its hash."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
