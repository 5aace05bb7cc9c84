"""Parts a message that asks several things at once: "What is it for, and how long is it taken?"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chat.conversation import readings
from chat.features import Vocabulary
from index.terms import terms

_VERB = r"(?:is|are|was|were|am|do|does|did|can|could|will|would|should|shall|may|has|have)"
# What opens a question within a sentence: a verb only with its subject ("and are taking it" asks nothing).
_ASKS = (
    r"(?:(?:what|how|why|when|where|who|whom|whose|which)\b"
    rf"|{_VERB}\s+"
    r"(?:i|you|we|they|it|he|she|there|the|an?|my|your|her|his|their|this|that|these|those|people|women|men)\b)"
)
_BETWEEN = re.compile(
    rf"(?<=[?!])\s+|(?<=\.)\s+(?={_ASKS}|{_VERB}\b)|,?\s+(?:and|also|or|plus|&)(?:\s+(?:also|then))?\s+(?={_ASKS})|[,;]\s+(?={_ASKS})",
    re.IGNORECASE,
)
_QUESTION = re.compile(rf"^{_VERB}\b|(?:^|[.,;:]\s+){_ASKS}|\?\s*$", re.IGNORECASE)
MAX_PARTS = 4
MIN_WORDS = 3


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
