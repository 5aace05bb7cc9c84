"""Stand-ins for the models: fast, deterministic, with the same interface."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from index.models import Floats
from index.terms import terms


class FakeEncoder:
    """Hashed bag of words, rows of unit length."""

    name = "fake"
    fingerprint = "fake-1"
    window = 512

    def encode(self, texts: Sequence[str], progress: bool = False) -> Floats:
        rows = np.full((len(texts), 64), 1e-3, dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for term in terms(text):
                row[int(hashlib.sha1(term.encode()).hexdigest(), 16) % 64] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def whole_words(self) -> frozenset[str]:
        return frozenset({"water", "ordinary"})

    def count_tokens(self, text: str) -> int:
        return len(text.split())


class FakeReranker:
    """Scores by shared terms."""

    fingerprint = "fake-1"

    def score(self, question: str, texts: Sequence[str]) -> Floats:
        asked = set(terms(question))
        return np.array([len(asked & set(terms(t))) for t in texts], dtype=np.float32)
