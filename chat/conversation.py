"""Follow-up questions: what "and its side effects?" means after a question about something."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chat.features import Vocabulary
from index.terms import STOP_WORDS, fold, stem, words

MAX_FOLLOW_UP_WORDS = 12
# Openings and pronouns that point back. A question without them stands by itself.
_OPENING = re.compile(r"^(?:and|or|but|also|so|then|what about|how about|what if|same for|why|how|when|where|who)\b")
_POINTS_BACK = re.compile(
    r"\b(?:it|its|it's|they|them|their|those|these|that|this|one|ones|both|either|neither|first|second|third|other"
    r"|another|same|there|he|she|him|her)\b"
)


def resolve(vocabulary: Vocabulary, question: str, history: Sequence[str]) -> str:
    """Return the question with the topic it points back to, or as it is where it needs none.

    A follow-up is short, names nothing that the article speaks of, and either points back or is only
    a question word. Its topic is what the latest earlier question named.
    """
    if not history or not _needs_topic(vocabulary, question):
        return question
    for earlier in reversed(history):
        topic = _topic(vocabulary, earlier)
        if topic:
            return f"{question.rstrip(' ?!.')} ({' '.join(topic)})?"
    return question


def _needs_topic(vocabulary: Vocabulary, question: str) -> bool:
    folded = fold(question).strip()
    if len(folded.split()) > MAX_FOLLOW_UP_WORDS or _topic(vocabulary, question):
        return False
    return bool(_OPENING.match(folded) or _POINTS_BACK.search(folded))


def _topic(vocabulary: Vocabulary, question: str) -> list[str]:
    """The words of a question that name something: terms that a heading or few sentences hold."""
    return [w for w in words(question) if w not in STOP_WORDS and vocabulary.names(stem(w))]
