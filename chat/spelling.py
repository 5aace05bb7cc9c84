"""Puts misspelt words right before anything is looked up: "tamoxifin" is meant for a word we know."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

from index.terms import fold, stem, words

MIN_TIMES = 3  # a word that the bank's askers wrote this often is no slip
MIN_COMMON = 15  # a word that they wrote this often tells of nobody in particular
MIN_LETTERS = 5  # shorter words have too many neighbours
LETTERS_FOR_TWO = 8  # from this length on two slips are put right
_WORD = re.compile(r"[^\W\d_]{5,}")


class Speller:
    """Knows the words of an article, of its readers and of ordinary English.

    Args:
        text: the article; its words are what a misspelling is most likely meant for.
        questions: what readers ask.
        ordinary: words of the language, never changed and never proposed.
    """

    def __init__(self, text: str, questions: Sequence[str], ordinary: Iterable[str]) -> None:
        asked = Counter(w for q in questions for w in words(q))
        self._targets = sorted(
            w for w in {*words(text), *(w for w, n in asked.items() if n >= MIN_TIMES)} if len(w) >= MIN_LETTERS
        )
        self._common = frozenset({*words(text), *(w for w, n in asked.items() if n >= MIN_COMMON)})
        # inflected forms of known words are no slips either
        self._known = frozenset(stem(w) for w in (*self._targets, *ordinary))

    def is_common(self, word: str) -> bool:
        """Whether the article or several of its readers use a word; a number is none."""
        return fold(word) in self._common and not word.isdigit()

    def correct(self, question: str) -> str:
        """Return a question with each unknown word replaced by the one known word it is a slip of."""
        return _WORD.sub(lambda m: self._correct_word(m.group()), question)

    def _correct_word(self, word: str) -> str:
        folded = fold(word)
        if stem(folded) in self._known:
            return word
        most = 2 if len(folded) >= LETTERS_FOR_TWO else 1
        # optimal string alignment: a swap of neighbours counts as one slip
        near = process.extract(folded, self._targets, scorer=OSA.distance, score_cutoff=most, limit=2)
        clear = bool(near) and (len(near) == 1 or near[0][1] < near[1][1])
        return str(near[0][0]) if clear and near[0][0][0] == folded[0] else word
