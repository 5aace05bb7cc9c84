"""Screens a question before anything is looked up: is someone in danger, or asking us to decide?

Two ways together. Reviewed wordings (`safety_patterns.toml`) catch what people in danger say; a
classifier fitted on labelled examples (`safety_examples.jsonl`) catches what nobody wrote a wording
for. How sure the classifier must be depends on what the wordings found (`Evidence`). The thresholds
lean towards calling for help: a false alarm costs a moment, a miss may cost a life.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index.classifier import (
    INVERSE_REGULARISATION,
    MIN_NGRAM_TEXTS,
    NGRAM_LENGTHS,
    TextClassifier,
    fit_classifier,
)
from index.models import Encoder
from index.store import index_folder
from index.terms import fold

EXAMPLES_PATH = Path(__file__).parent / "safety_examples.jsonl"
PATTERNS_PATH = Path(__file__).parent / "safety_patterns.toml"

Floats = npt.NDArray[np.float32]


class Safety(StrEnum):
    """What a question needs before, or instead of, an answer."""

    NONE = "none"
    EMERGENCY = "emergency"
    CRISIS = "crisis"
    PERSONAL_ADVICE = "personal_advice"
    DOSAGE = "dosage"


URGENT = (Safety.EMERGENCY, Safety.CRISIS)
_LABELS = tuple(Safety)


class Evidence(StrEnum):
    """What the reviewed wordings say about an utterance, the most alarming first."""

    FOUND = "found"  # a wording that only someone in the situation uses, and nothing against it
    LIKELY = "likely"  # a person with a symptom, or with several complaints at once
    NOTHING = "nothing"
    VETOED = "vetoed"  # denied, over long ago, asked in general, or asking for advice or a dose


# From which probability of emergency and crisis together the classifier calls for help, and from which
# of personal advice and dosage together it says so. Chosen by cross-validation over the examples'
# themes (`python -m eval.fit_safety`): urgent for recall first.
URGENT_ABOVE = {Evidence.FOUND: 0.0, Evidence.LIKELY: 0.05, Evidence.NOTHING: 0.2, Evidence.VETOED: 0.8}
PERSONAL_ABOVE = {True: 0.0, False: 0.4}  # with a wording that asks so, and without
TOLERANCE = 1e-4  # of the optimiser; at 1e-3 it stops early and ordinary greetings look urgent
MAX_PLAIN = 9000  # plain questions in fitting, evenly spaced
PLAIN_WEIGHT = 0.5  # of one of them, beside 1 for an example
_VERSION = b"5"  # of what is fitted here, in the saved classifiers' name

_CONTINUES = re.compile(r"^(?:and|also|but|now|still|it|its|it's|he|she|they|getting|worse|since|please|help)\b")


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled utterance."""

    text: str
    label: Safety
    theme: str


def load_examples(path: Path = EXAMPLES_PATH) -> tuple[Example, ...]:
    """Read labelled utterances, one JSON object a line."""
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(Example(r["text"], Safety(r["label"]), r["theme"]) for r in rows)


# ----------------------------------------------------------------------------- wordings


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


# ----------------------------------------------------------------------------- the screen


@dataclass(frozen=True)
class Classifiers:
    """Two classifiers, each with `Safety.NONE` for everything else."""

    urgent: TextClassifier
    personal: TextClassifier

    def probabilities(self, text: str, vector: Floats) -> dict[Safety, float]:
        """Return the probability of each label; what is not urgent is shared out by the second."""
        urgent = self.urgent.probabilities(text, vector)
        personal = self.personal.probabilities(text, vector)
        calm = 1.0 - sum(urgent.get(_LABELS.index(label), 0.0) for label in URGENT)
        return {
            label: urgent.get(i, 0.0) if label in URGENT else calm * personal.get(i, 0.0)
            for i, label in enumerate(_LABELS)
        }


def fit_screen(
    examples: Sequence[Example], vectors: Floats, plain: Sequence[str] = (), plain_vectors: Floats | None = None
) -> Classifiers:
    """Fit the classifiers.

    Args:
        examples: labelled utterances.
        vectors: `(n, d)` theirs.
        plain: questions that ask for information; those with an urgent wording are left out.
        plain_vectors: `(m, d)` theirs.
    """
    kept = [i for i, text in enumerate(plain) if match_patterns(text) is None]
    texts = [e.text for e in examples] + [plain[i] for i in kept]
    every = np.vstack([vectors, plain_vectors[kept]]) if plain_vectors is not None and kept else vectors
    weights = [1.0] * len(examples) + [PLAIN_WEIGHT] * len(kept)

    def fit(labels: Sequence[Safety]) -> TextClassifier:
        wanted = [e.label if e.label in labels else Safety.NONE for e in examples] + [Safety.NONE] * len(kept)
        targets = [_LABELS.index(w) for w in wanted]
        return fit_classifier(texts, every, range(len(texts)), targets, weights, TOLERANCE)

    return Classifiers(fit(URGENT), fit((Safety.PERSONAL_ADVICE, Safety.DOSAGE)))


class Screen:
    """The fitted screen. `open` reuses the classifiers saved beside the indexes."""

    def __init__(self, encoder: Encoder, classifiers: Classifiers) -> None:
        self._encoder = encoder
        self._classifiers = classifiers

    @classmethod
    def open(
        cls,
        encoder: Encoder,
        path: Path = EXAMPLES_PATH,
        plain: Sequence[str] = (),
        vectors: Floats | None = None,
    ) -> Screen:
        """Load the classifiers made from all this, or fit and save them.

        Args:
            encoder: makes the vectors.
            path: the labelled examples.
            plain: questions that ask for information, such as a question bank: fitted as `NONE`.
            vectors: `(len(plain), d)` theirs where they are known; encoded otherwise.
        """
        chosen = range(0, len(plain), max(1, -(-len(plain) // MAX_PLAIN)))
        plain = [plain[i] for i in chosen]
        saved = _saved_at(encoder, path, plain)
        if all(p.is_file() for p in saved):
            try:
                return cls(encoder, Classifiers(*map(TextClassifier.load, saved)))
            except (ValueError, KeyError, OSError):
                pass  # damaged: fitted anew below
        examples = load_examples(path)
        known = None if not plain else encoder.encode(plain) if vectors is None else vectors[list(chosen)]
        classifiers = fit_screen(examples, encoder.encode([e.text for e in examples]), plain, known)
        for target, classifier in zip(saved, (classifiers.urgent, classifiers.personal), strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            scratch = target.with_name(f".{target.name}")
            classifier.save(scratch)
            scratch.replace(target)
        return cls(encoder, classifiers)

    def check(self, question: str, history: Sequence[str] = ()) -> Safety:
        """Screen a question, together with the one before it where it only continues that one."""
        found = self._check(question)
        if found not in URGENT and history and _CONTINUES.match(fold(question)):
            before = self._check(f"{history[-1]} {question}")
            return before if before in URGENT else found
        return found

    def probabilities(self, text: str) -> dict[Safety, float]:
        """Return the classifiers' probability of each label."""
        return self._classifiers.probabilities(text, self._encoder.encode([text])[0])

    def _check(self, text: str) -> Safety:
        return match_patterns(text) or decide(text, self.probabilities(text))


def _saved_at(encoder: Encoder, path: Path, plain: Sequence[str]) -> tuple[Path, Path]:
    """Return where classifiers fitted on all this are kept: their name covers every input."""
    settings = json.dumps([INVERSE_REGULARISATION, NGRAM_LENGTHS, MIN_NGRAM_TEXTS, PLAIN_WEIGHT, list(plain)])
    inputs = (_VERSION, path.read_bytes(), PATTERNS_PATH.read_bytes(), settings.encode(), encoder.fingerprint.encode())
    key = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in inputs)).hexdigest()
    return index_folder("safety") / f"{key}.urgent.npz", index_folder("safety") / f"{key}.personal.npz"


def decide(text: str, p: dict[Safety, float]) -> Safety:
    """Turn the wordings and the probabilities into a label, urgent first."""
    evidence, label = weigh(text)
    if evidence is Evidence.FOUND:
        return label
    if p[Safety.EMERGENCY] + p[Safety.CRISIS] >= URGENT_ABOVE[evidence]:
        return max(URGENT, key=lambda s: p[s])
    asked = asks_for(text)
    if p[Safety.PERSONAL_ADVICE] + p[Safety.DOSAGE] >= PERSONAL_ABOVE[asked is not None]:
        return asked or max((Safety.PERSONAL_ADVICE, Safety.DOSAGE), key=lambda s: p[s])
    return Safety.NONE
