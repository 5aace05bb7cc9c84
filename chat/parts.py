"""Parts a message that asks several things at once: "What is it for, and how long is it taken?"."""

from __future__ import annotations

import re

from chat.conversation import readings
from chat.features import Vocabulary
from index.terms import terms

_ASKS = (
    r"(?:what|how|why|when|where|who|whom|whose|which|is|are|was|were|am|do|does|did|can|could|will|would|should|shall"
    r"|may|has|have|any)"
)
_BETWEEN = re.compile(
    rf"(?<=[?!])\s+|(?<=\.)\s+(?={_ASKS}\b)|,?\s+(?:and|also|or|plus|&)(?:\s+(?:also|then))?\s+(?={_ASKS}\b)|[,;]\s+(?={_ASKS}\b)",
    re.IGNORECASE,
)
_QUESTION = re.compile(rf"(?:^|[.,;:]\s+){_ASKS}\b|\?\s*$", re.IGNORECASE)
MAX_PARTS = 4
MIN_WORDS = 3


def questions_in(vocabulary: Vocabulary, message: str) -> tuple[str, ...]:
    """Return the questions of a message, each as it is understood after the ones before; none if it asks only one.

    Args:
        vocabulary: of the article.
        message: as typed.
    """
    asked = [p.strip() for p in _BETWEEN.split(message) if p and len(p.split()) >= MIN_WORDS and _QUESTION.search(p)]
    if len(asked) < 2:
        return ()
    understood: list[str] = []
    for part in asked[:MAX_PARTS]:
        understood.append(readings(vocabulary, part, understood)[0])
    return tuple(part for part in understood if terms(part))
