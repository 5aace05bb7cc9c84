"""Screens a question before anything is looked up: is someone in danger, or asking us to decide?

Two ways together. Reviewed patterns catch urgent wordings that must never be missed; a classifier
fitted on labelled examples (`safety_examples.jsonl`) catches what nobody wrote a pattern for. The
thresholds lean towards calling for help: a false alarm costs a moment, a miss may cost a life.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from index.classifier import TextClassifier, fit_classifier
from index.models import Encoder
from index.store import index_folder
from index.terms import fold

EXAMPLES_PATH = Path(__file__).parent / "safety_examples.jsonl"


class Safety(StrEnum):
    """What a question needs before, or instead of, an answer."""

    NONE = "none"
    EMERGENCY = "emergency"
    CRISIS = "crisis"
    PERSONAL_ADVICE = "personal_advice"
    DOSAGE = "dosage"


URGENT = (Safety.EMERGENCY, Safety.CRISIS)
_LABELS = tuple(Safety)

# Probability from which a label is given. Chosen by cross-validation over the examples' themes
# (`python -m eval.fit_safety`): urgent for recall first.
URGENT_ABOVE = 0.5
PERSONAL_ABOVE = 0.5
DOSAGE_ABOVE = 0.5

_CONTINUES = re.compile(r"^(?:and|also|but|now|still|it|its|it's|he|she|they|getting|worse|since|please|help)\b")
_SELF = r"(?:i|im|i'm|i am|ive|i've|my|me|we|our|she|she's|shes|he|he's|hes|mum|mom|dad|wife|husband|sister)"
# Each is a wording that nobody types into a health page for information. Folded text, one line each.
_EMERGENCY_PATTERNS = tuple(
    re.compile(p)
    for p in (
        rf"\b{_SELF}\b.{{0,30}}\b(?:can'?t|cannot|can not|cant|struggling to|hard to|unable to) (?:catch|breathe|breath|get (?:my|her|his) breath)",
        rf"\b{_SELF}\b.{{0,25}}\b(?:chest (?:hurts|is (?:tight|hurting|crushing))|having chest pains?)\b",
        rf"\b{_SELF}\b.{{0,25}}\b(?:lips?|tongue|throat|face) (?:is|are|have|has|started|keeps?)?\s*(?:swelling|swollen|closing)",
        r"\b(?:won'?t|wont|will not|doesn'?t|does not|can'?t|cant) (?:stop bleeding|wake up|respond)\b",
        r"\bbleeding (?:that )?(?:won'?t|wont|doesn'?t|will not|isn'?t|not) stop(?:ping)?\b",
        rf"\b(?:{_SELF}|just|accidentally|by mistake) (?:just |accidentally )?(?:took|swallowed|overdosed)\b.{{0,40}}\b(?:too many|at once|whole (?:bottle|pack|strip)|all (?:my|her|his|the)|overdose)",
        rf"\b{_SELF}\b.{{0,25}}\b(?:having|is having|had) a (?:seizure|stroke|heart attack|fit)\b(?! (?:years?|months?|ago|in))(?!.{{0,25}}\b(?:ago|years?|last year|in (?:19|20)\d\d))",
        rf"\b{_SELF}\b.{{0,40}}\b(?:fever|temp(?:erature)?)\b.{{0,20}}\b(?:10[0-6](?:\.\d)?|3[89](?:\.\d)?|4[01](?:\.\d)?)\b",
        r"\bno puedo respirar\b|\bme duele el pecho\b|\bme ahogo\b|\bno (?:me )?respira\b|\bsangr\w+ (?:mucho|y no para)\b",
    )
)
_CRISIS_PATTERNS = tuple(
    re.compile(p)
    for p in (
        r"\b(?:kill|killing|hurt|hurting|harm|harming|cut|cutting) (?:myself|my self)\b",
        r"\b(?:i|im|i'm|i am|just) (?:want|wanna|going|gonna|wish|ready|planning|thinking) (?:to |of |about |i (?:could|was|were) )?(?:die|dead|dying|end it|end it all|ending it)\b",
        r"\b(?:end|ending|take|taking) my (?:own )?life\b",
        r"\b(?:i|im|i'm) (?:feel(?:ing)? )?suicidal\b|\bcommit suicide\b",
        r"\b(?:don'?t|dont|do not) (?:want|wanna) (?:to )?(?:live|be alive|be here|wake up|exist)\b",
        r"\b(?:quiero|voy a|pienso en) (?:morir(?:me)?|matarme|suicidarme|quitarme la vida)\b|\bno quiero (?:seguir viviendo|vivir)\b",
    )
)


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


def fit_screen(examples: Sequence[Example], encoder: Encoder) -> TextClassifier:
    """Fit the classifier on labelled utterances."""
    texts = [e.text for e in examples]
    labels = [_LABELS.index(e.label) for e in examples]
    return fit_classifier(texts, encoder.encode(texts), range(len(texts)), labels)


class Screen:
    """The fitted screen. `open` reuses the classifier saved beside the indexes."""

    def __init__(self, encoder: Encoder, classifier: TextClassifier) -> None:
        self._encoder = encoder
        self._classifier = classifier

    @classmethod
    def open(cls, encoder: Encoder, path: Path = EXAMPLES_PATH) -> Screen:
        """Load the classifier made from these examples and this encoder, or fit and save it."""
        key = hashlib.sha256(path.read_bytes() + encoder.fingerprint.encode()).hexdigest()
        saved = index_folder("safety") / f"{key}.npz"
        if saved.is_file():
            try:
                return cls(encoder, TextClassifier.load(saved))
            except (ValueError, KeyError, OSError):
                saved.unlink()  # damaged: fitted anew below
        classifier = fit_screen(load_examples(path), encoder)
        saved.parent.mkdir(parents=True, exist_ok=True)
        scratch = saved.with_name(f".{saved.name}")
        classifier.save(scratch)
        scratch.replace(saved)
        return cls(encoder, classifier)

    def check(self, question: str, history: Sequence[str] = ()) -> Safety:
        """Screen a question, together with the one before it where it only continues that one."""
        found = self._check(question)
        if found not in URGENT and history and _CONTINUES.match(fold(question)):
            before = self._check(f"{history[-1]} {question}")
            return before if before in URGENT else found
        return found

    def probabilities(self, text: str) -> dict[Safety, float]:
        """Return the classifier's probability of each label."""
        p = self._classifier.probabilities(text, self._encoder.encode([text])[0])
        return {label: p.get(i, 0.0) for i, label in enumerate(_LABELS)}

    def _check(self, text: str) -> Safety:
        matched = match_patterns(text)
        return matched if matched is not None else decide(self.probabilities(text))


def match_patterns(text: str) -> Safety | None:
    """Return the urgent label whose patterns match, None if none does."""
    folded = re.sub(r"\s+", " ", fold(text))
    if any(p.search(folded) for p in _CRISIS_PATTERNS):
        return Safety.CRISIS
    if any(p.search(folded) for p in _EMERGENCY_PATTERNS):
        return Safety.EMERGENCY
    return None


def decide(p: dict[Safety, float]) -> Safety:
    """Turn probabilities into a label, urgent first."""
    if p[Safety.EMERGENCY] + p[Safety.CRISIS] >= URGENT_ABOVE:
        return max(URGENT, key=lambda s: p[s])
    if p[Safety.PERSONAL_ADVICE] + p[Safety.DOSAGE] >= PERSONAL_ABOVE:
        return max((Safety.PERSONAL_ADVICE, Safety.DOSAGE), key=lambda s: p[s])
    return Safety.NONE
