"""Follow-up questions: what "and its side effects?" means after a question about something.

Resolved from the earlier questions alone, so that no state is kept. A question that stands by itself is
never changed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chat.features import Vocabulary
from index.terms import STOP_WORDS, fold, stem, words

MAX_FOLLOW_UP_WORDS = 12
MAX_TURNS = 6  # how far back a chain of follow-ups is followed
MAX_TOPICS = 2  # of the latest turns, that a follow-up is tried with
_CONTINUES = re.compile(r"^(?:and|or|but|so|also|then|plus|ok(?:ay)? and|what about|how about|same for|what if)\b")
# A pronoun without its noun. "that", "this" and the like only where a verb shows that no noun follows.
_POINTS_BACK = re.compile(
    r"\b(?:it|its|they|them|their|theirs)\b"
    r"|\b(?:is|are|was|were|do|does|did|can|could|has|have|will|why|about|of|for|with|than|like) "
    r"(?:that|this|those|these)\b(?= |\W*$)(?! (?:\w+ )?(?:of|in)\b)"
    r"|\b(?:the|which|that|this|first|second|third|last|other) (?:one|ones)\b"
    r"|\bthe (?:first|second|third|last|other)\W*$"
)
MAX_BARE_TOPICS = 2  # content words of a question that does not say that it follows another: "for how long in total"
MAX_BARE_WORDS = 4  # "any age limit", "which foods then": short, and in words that the article lacks
# Content words that ask about a topic without naming one.
_ASKS_ONLY = frozenset(
    stem(w)
    for w in """
    called call name names named mean kind kinds type types example examples long longer often many much work works
    happen happens happened done difference different better best common usual usually rare reason purpose first
    second third last other others another else option options way ways take taken given
    """.split()  # noqa: SIM905  a list of fifty strings reads worse
)


@dataclass(frozen=True, slots=True)
class Readings:
    """What a question may mean after others.

    Attributes:
        likeliest: the question as understood; as it is where it stands by itself.
        others: with the topics of the latest turns, the latest first.
        before: the question before it as understood; empty without one.
        follows: whether its wording shows that it needs what was asked before.
    """

    likeliest: str
    others: tuple[str, ...] = ()
    before: str = ""
    follows: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether the question before goes on in the likeliest reading."""
        return self.follows and self.likeliest.startswith(_without_end(self.before))


def readings(vocabulary: Vocabulary, question: str, history: Sequence[str]) -> Readings:
    """Return what a question may mean.

    Args:
        vocabulary: of the article.
        question: as asked.
        history: earlier questions, oldest first.
    """
    before = ""
    topics: list[list[str]] = []
    for asked in history[-MAX_TURNS:]:
        before = _join(vocabulary, asked, before)
        topics.insert(0, _topic(vocabulary, before))
    likeliest = _join(vocabulary, question, before)
    follows = likeliest != question
    if not follows and (len(_own_words(question)) > MAX_BARE_TOPICS or _names(vocabulary, question)):
        return Readings(question, before=before)
    others = dict.fromkeys(_with_topic(question, t) for t in topics[:MAX_TOPICS])
    return Readings(likeliest, tuple(o for o in others if o not in (likeliest, question)), before, follows)


def points_back(question: str) -> bool:
    """Whether a question has a pronoun in place of what it asks about."""
    return bool(_POINTS_BACK.search(fold(question)))


def _join(vocabulary: Vocabulary, question: str, before: str) -> str:
    """Return a question as understood after another one."""
    folded = fold(question).strip()
    n_words = len(folded.split())
    topic = _topic(vocabulary, before)
    own_names, own_words = _names(vocabulary, question), _own_words(question)
    continues, points = bool(_CONTINUES.match(folded)), points_back(question)
    bare = n_words <= MAX_BARE_WORDS and not any(vocabulary.has(stem(w)) for w in own_words)
    if not topic or n_words > MAX_FOLLOW_UP_WORDS or not (continues or points or bare):
        return question
    if not own_words or (continues and not points and set(own_words) <= set(own_names)):
        # "how long?", "why is that?", "and after a mastectomy?": the old question goes on
        return f"{_without_end(before)}, {question}"
    return _with_topic(question, topic)


def _with_topic(question: str, topic: Sequence[str]) -> str:
    own_words = _own_words(question)
    new = [w for w in dict.fromkeys(topic) if w not in own_words]
    return f"{_without_end(question)} ({' '.join(new)})?" if new else question


def _topic(vocabulary: Vocabulary, question: str) -> list[str]:
    """The things that a question names, or else what it asks about."""
    return _names(vocabulary, question) or _own_words(question)


def _own_words(question: str) -> list[str]:
    return [w for w in _content(question) if stem(w) not in _ASKS_ONLY]


def _names(vocabulary: Vocabulary, question: str) -> list[str]:
    return [w for w in _content(question) if vocabulary.names(stem(w))]


def _content(question: str) -> list[str]:
    return [w for w in words(question) if w.replace("'", "") not in STOP_WORDS]


def _without_end(question: str) -> str:
    return question.rstrip(" ?!.,")
