"""Parts a message that asks several things at once: "What is it for, and how long?", "This versus that?"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chat.conversation import readings
from chat.features import Vocabulary
from index.asking import QUESTION_WORD, SUBJECT, VERB
from index.terms import STOP_WORDS, fold, stem, terms, words

# What opens a question within a sentence: a verb only with its subject ("and are taking it" asks nothing).
_ASKS = rf"(?:{QUESTION_WORD}\b|{VERB}\s+{SUBJECT}\b)"
_BETWEEN = re.compile(
    rf"(?<=[?!])\s+|(?<=\.)\s+(?={_ASKS}|{VERB}\b)|,?\s+(?:and|also|or|plus|&)(?:\s+(?:also|then))?\s+(?={_ASKS})|[,;]\s+(?={_ASKS})",
    re.IGNORECASE,
)
_QUESTION = re.compile(rf"^{VERB}\b|(?:^|[.,;:]\s+){_ASKS}|\?\s*$", re.IGNORECASE)
MAX_PARTS = 4
MIN_WORDS = 3
_COMPARED = re.compile(r"\b(?:vs|versus|compar[ei]\w*|diff(?:s|r\w*|er\w*)?|distinguish\w*)\b")
_VERSUS = re.compile(r"\b(?:vs|versus|compare[ds]? (?:to|with)|differ\w* (?:from|to|than))\b\.?")
_AND = re.compile(r"\b(?:and|or)\b|,")
# Besides its two sides a comparison that asks what they are holds these; "how much is x vs y" asks more.
_FRAME = frozenset(
    "a an and are between do does explain how in is me of or please s tell the there these to two what whats".split()  # noqa: SIM905  a list of thirty strings reads worse
)


def questions_in(vocabulary: Vocabulary, message: str, history: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the questions of a message, each as it is understood after the ones before; none if it asks only one.

    Args:
        vocabulary: of the article.
        message: as typed.
        history: earlier questions, oldest first.
    """
    asked = [
        p.strip() for p in _BETWEEN.split(message.strip()) if p and len(p.split()) >= MIN_WORDS and _QUESTION.search(p)
    ]
    if len(asked) < 2:
        return ()
    understood = list(history)
    for part in asked[:MAX_PARTS]:
        understood.append(readings(vocabulary, part, understood).likeliest)
    return tuple(part for part in understood[len(history) :] if terms(part))


def compares(question: str) -> bool:
    """Whether a question asks how things differ."""
    return bool(_COMPARED.search(fold(question)))


def sides_of(vocabulary: Vocabulary, question: str) -> tuple[str, ...]:
    """Return what a comparison of two things asks about each; nothing if it asks for more than what they are.

    Args:
        vocabulary: of the article; it must have every word of both sides.
        question: as understood.
    """
    folded = fold(question)
    if not compares(folded):
        return ()
    sides = _VERSUS.split(folded)
    if len(sides) == 1:
        sides = _AND.split(folded)
    named = [[w for w in words(_COMPARED.sub(" ", side)) if w not in _FRAME] for side in sides]
    named = [side for side in named if side]
    known = all(w not in STOP_WORDS and vocabulary.has(stem(w)) for side in named for w in side)
    if len(named) != 2 or not known:
        return ()
    return tuple(f"what is {' '.join(side)}?" for side in named)
