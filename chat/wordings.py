"""The reviewed wordings: what people in danger say, and what takes it back.

`safety_patterns.toml` holds them, with what each block is for; `weigh` says how strongly an utterance
speaks for danger, `asks_for` whether it asks for advice or a dose. `chat.safety` decides with them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from index.terms import fold

PATTERNS_PATH = Path(__file__).parent / "safety_patterns.toml"


class Safety(StrEnum):
    """What a question needs before, or instead of, an answer."""

    NONE = "none"
    EMERGENCY = "emergency"
    CRISIS = "crisis"
    PERSONAL_ADVICE = "personal_advice"
    DOSAGE = "dosage"


class Evidence(StrEnum):
    """What the reviewed wordings say about an utterance, the most alarming first."""

    FOUND = "found"  # a wording that only someone in the situation uses, and nothing against it
    LIKELY = "likely"  # a person with a symptom, or with several complaints at once
    NOTHING = "nothing"
    VETOED = "vetoed"  # denied, over long ago, asked in general, or asking for advice or a dose


@dataclass(frozen=True, slots=True)
class Patterns:
    """The compiled wordings of `safety_patterns.toml`, where each block is described."""

    spelling: dict[str, str]
    near: dict[str, str]
    idioms: re.Pattern[str]
    negated: re.Pattern[str]
    past: re.Pattern[str]
    asked: re.Pattern[str]
    calm: re.Pattern[str]
    imagined: re.Pattern[str]
    now: re.Pattern[str]
    person: re.Pattern[str]
    signs: dict[Safety, re.Pattern[str]]
    symptoms: re.Pattern[str]
    complaints: tuple[re.Pattern[str], ...]
    asking: dict[Safety, re.Pattern[str]]
    unasked: re.Pattern[str]


@cache
def load_patterns(path: Path = PATTERNS_PATH) -> Patterns:
    """Read and compile the wordings."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    lists = {name: "|".join(sorted(words, key=len, reverse=True)) for name, words in data["words"].items()}

    def compiled(wordings: Sequence[str], end: str = "") -> re.Pattern[str]:
        filled = "|".join(_MACRO.sub(lambda m: f"(?:{lists[m[1]]})", w) for w in wordings)
        return re.compile(rf"\b(?:{filled})\b{end}" if wordings else r"(?!)")

    spelling, veto = data["spelling"], data["veto"]
    kept = {*spelling["keep"], *spelling["near"]}

    def block(label: Safety, kind: str = "signs") -> re.Pattern[str]:
        return compiled([wording for concept in data[label] for wording in concept[kind]])

    return Patterns(
        spelling=spelling["exact"],
        near={v: w for w in spelling["near"] for v in _one_letter_off(w) if v not in kept},
        idioms=compiled(spelling["idioms"]),
        negated=compiled(veto["negated"], end=r"(?: \w+){0,2} ?$"),
        past=compiled(veto["past"]),
        asked=compiled(veto["asked"]),
        calm=compiled(veto["calm"]),
        imagined=compiled(veto["imagined"]),
        now=compiled(veto["now"]),
        person=compiled([lists["who"], lists["kin"]]),
        signs={label: block(label) for label in (Safety.CRISIS, Safety.EMERGENCY)},
        symptoms=block(Safety.EMERGENCY, "symptoms"),
        complaints=tuple(compiled(w) for w in data["complaints"].values()),
        asking={label: block(label) for label in (Safety.DOSAGE, Safety.PERSONAL_ADVICE)},
        unasked=compiled(data["unasked"]["wordings"]),
    )


_MACRO = re.compile(r"\{([a-z]+)\}")
_SENTENCE_END = re.compile(r"[.!?;\n]+(?=\s|$)|[!?;\n]+| but ")
_CLAUSE_END = re.compile(r",(?!\d)| - |: ")
_NOT_WORD = re.compile(r"[^a-z0-9. ]+|\.(?!\d)|(?<!\d)\.")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _one_letter_off(word: str) -> Iterator[str]:
    """Yield the spellings one letter away: one left out, changed or added, or two swapped."""
    for i in range(1, len(word)):  # people get the first letter right
        yield word[:i] + word[i + 1 :]
        for c in _LETTERS:
            yield word[:i] + c + word[i + 1 :]
            yield word[:i] + c + word[i:]
    yield from (word + c for c in _LETTERS if c not in "sd")
    yield from (word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1))


@dataclass(frozen=True, slots=True)
class Sentence:
    """A normalised sentence; its clauses are parted by single spaces."""

    clauses: tuple[str, ...]

    @property
    def text(self) -> str:
        """The whole of it."""
        return " ".join(self.clauses)

    def around(self, start: int, end: int, following: int = 0) -> str:
        """Return the clauses that a part of the text touches, and so many following ones."""
        kept, at, left = [], 0, following
        for clause in self.clauses:
            if at + len(clause) > start and (at < end or left > 0):
                left -= at >= end
                kept.append(clause)
            at += len(clause) + 1
        return " ".join(kept)


def sentences(text: str) -> list[Sentence]:
    """Return the normalised sentences of an utterance, figures of speech taken out.

    >>> [s.text for s in sentences("I CAN'T breeeathe!! Temp is 38.5, help")]
    ['i cant breathe', 'temp is 38.5 help']
    """
    plain = fold(text).replace("'", "")
    parted = (tuple(map(_normalise, _CLAUSE_END.split(s))) for s in _SENTENCE_END.split(plain))
    found = (Sentence(tuple(filter(None, clauses))) for clauses in parted)
    return [s for s in found if s.clauses]


def _normalise(clause: str) -> str:
    patterns = load_patterns()
    squeezed = re.sub(r"([a-z])\1{2,}", r"\1", _NOT_WORD.sub(" ", clause))
    words = (patterns.spelling.get(w) or patterns.near.get(w, w) for w in squeezed.split())
    return " ".join(patterns.idioms.sub(" ", " ".join(words)).split())


def weigh(text: str) -> tuple[Evidence, Safety]:
    """Return what the wordings say, and of which kind the danger is (where they say so)."""
    found = [_weigh(sentence) for sentence in sentences(text)]
    evidence, label = min(found, key=lambda f: _ORDER.index(f[0]), default=(Evidence.NOTHING, Safety.NONE))
    if evidence is Evidence.NOTHING and asks_for(text):
        return Evidence.VETOED, Safety.NONE
    return evidence, label


_ORDER = (Evidence.FOUND, Evidence.LIKELY, Evidence.VETOED, Evidence.NOTHING)


def _weigh(sentence: Sentence) -> tuple[Evidence, Safety]:
    patterns = load_patterns()
    vetoed = False
    for label, signs in patterns.signs.items():
        for match in signs.finditer(sentence.text):
            if not _is_vetoed(sentence, match, label):
                return Evidence.FOUND, label
            vetoed = True
    symptom = patterns.symptoms.search(sentence.text)
    if symptom and _is_vetoed(sentence, symptom, Safety.EMERGENCY):
        vetoed = True
    complaints = [m for c in patterns.complaints if (m := c.search(sentence.text))]
    if not vetoed and patterns.person.search(sentence.text) and (symptom or len(complaints) > 1):
        if symptom or not any(_is_vetoed(sentence, m, Safety.EMERGENCY) for m in complaints):
            return Evidence.LIKELY, Safety.EMERGENCY
        vetoed = True
    return (Evidence.VETOED if vetoed or _is_calm(sentence.text) else Evidence.NOTHING), Safety.NONE


def _is_vetoed(sentence: Sentence, match: re.Match[str], label: Safety) -> bool:
    """Say whether a sentence takes back the wording found in it: denied, over, or not of anybody."""
    patterns = load_patterns()
    clause = sentence.around(*match.span())
    if patterns.negated.search(clause[: clause.find(match[0])]):
        return True
    if patterns.now.search(sentence.text):
        return False
    vetoes = [patterns.asked] if label is Safety.CRISIS else [patterns.asked, patterns.imagined]
    over = patterns.past.search(sentence.around(*match.span(), following=1))
    return over is not None or any(v.search(clause) for v in vetoes)


def _is_calm(text: str) -> bool:
    """Say whether a sentence tells of a mood or of the past, or asks in general, whatever else it says."""
    patterns = load_patterns()
    calm = any(v.search(text) for v in (patterns.past, patterns.asked, patterns.imagined, patterns.calm))
    return calm and not patterns.now.search(text)


def match_patterns(text: str) -> Safety | None:
    """Return the urgent label whose wordings match with nothing against them, None if none does."""
    evidence, label = weigh(text)
    return label if evidence is Evidence.FOUND else None


def asks_for(text: str) -> Safety | None:
    """Return dosage or personal advice where the wordings ask for it, None otherwise."""
    patterns = load_patterns()
    parts = [patterns.unasked.sub(" ", s.text) for s in sentences(text)]
    asking = patterns.asking.items()
    return next((label for label, wording in asking if any(map(wording.search, parts))), None)
