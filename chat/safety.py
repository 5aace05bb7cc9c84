"""Screens a question before anything is looked up: is someone in danger, or asking us to decide?

Two ways together. Reviewed wordings (`safety_patterns.toml`) catch what people in danger say; a
classifier fitted on labelled examples (`safety_examples.jsonl`) catches what nobody wrote a wording
for. How sure the classifier must be depends on what the wordings found (`Evidence`). The thresholds
lean towards calling for help: a false alarm costs a moment, a miss may cost a life.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chat.wordings import PATTERNS_PATH, Evidence, Safety, asks_for, match_patterns, weigh
from index.asking import sentences_of
from index.classifier import SETTINGS, TextClassifier, evenly_spaced, fit_classifier, log_odds
from index.models import Encoder
from index.store import keep_classifier
from index.terms import fold

EXAMPLES_PATH = Path(__file__).parent / "safety_examples.jsonl"

Floats = npt.NDArray[np.float32]


URGENT = (Safety.EMERGENCY, Safety.CRISIS)
PERSONAL = (Safety.PERSONAL_ADVICE, Safety.DOSAGE)
_LABELS = tuple(Safety)


# From which probability of emergency and crisis together the classifier calls for help, and from which
# of personal advice and dosage together it says so. Chosen by cross-validation over the examples'
# themes (`python -m eval.fit_safety`): urgent for recall first.
URGENT_ABOVE = {Evidence.FOUND: 0.05, Evidence.LIKELY: 0.1, Evidence.NOTHING: 0.4, Evidence.VETOED: 0.65}
URGENT_JOINED_ABOVE = 0.5  # for two messages read as one, which nobody wrote so
PERSONAL_ABOVE = {True: 0.05, False: 0.2}  # with a wording that asks so, and without
# Of single sentences beside the whole message, half of it the most alarming one's: danger is often told in passing. By
# cross-validation the classifier alone raises a tenth to a sixth fewer false alarms at the same recall; 0.3 and 0.5 do
# nearly as well.
SENTENCES_WEIGHT = 0.4
MAX_PLAIN = 9000  # plain questions in fitting, evenly spaced
PLAIN_WEIGHT = 0.5  # of one of them, beside 1 for an example
_VERSION = b"6"  # of what is fitted here, in the saved classifiers' name

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


@dataclass(frozen=True)
class Classifiers:
    """Two classifiers, each with `Safety.NONE` for everything else."""

    urgent: TextClassifier
    personal: TextClassifier

    @classmethod
    def fit(cls, material: Material) -> Classifiers:
        """Fit both on the same material."""
        return cls(material.fit(URGENT), material.fit(PERSONAL))

    def probabilities(
        self, text: str, vector: Floats, sentences: Sequence[tuple[str, Floats]] = ()
    ) -> dict[Safety, float]:
        """Return the probability of each label.

        Args:
            text: a message.
            vector: `(d,)` its unit vector.
            sentences: its sentences with theirs; fewer than two say nothing new.
        """
        whole = self._read(text, vector)
        return _mixed(whole, [self._read(*s) for s in sentences]) if len(sentences) > 1 else whole

    def _read(self, text: str, vector: Floats) -> dict[Safety, float]:
        """What is not urgent is shared out by the second classifier."""
        urgent = self.urgent.probabilities(text, vector)
        personal = self.personal.probabilities(text, vector)
        calm = 1.0 - sum(urgent.get(_LABELS.index(label), 0.0) for label in URGENT)
        return {
            label: urgent.get(i, 0.0) if label in URGENT else calm * personal.get(i, 0.0)
            for i, label in enumerate(_LABELS)
        }


def _mixed(whole: dict[Safety, float], single: Sequence[dict[Safety, float]]) -> dict[Safety, float]:
    """Weigh what the single sentences say beside the whole message, in log odds of urgent and of personal."""
    mixed: dict[Safety, float] = {}
    for labels in (URGENT, PERSONAL):
        odds = [log_odds(sum(one[s] for s in labels)) for one in single]
        of_single = (max(odds) + sum(odds) / len(odds)) / 2
        of_whole = log_odds(sum(whole[s] for s in labels))
        both = (1 - SENTENCES_WEIGHT) * of_whole + SENTENCES_WEIGHT * of_single
        total = min(1 - sum(mixed.values()), 1 / (1 + math.exp(-both)))
        shares = {s: whole[s] + sum(one[s] for one in single) for s in labels}
        mixed |= {s: total * share / max(sum(shares.values()), 1e-9) for s, share in shares.items()}
    return mixed | {Safety.NONE: 1 - sum(mixed.values())}


def encode_sentences(encoder: Encoder, text: str) -> list[tuple[str, Floats]]:
    """Return the sentences of a message, where it has several, with their `(d,)` vectors."""
    parts = sentences_of(text)
    return list(zip(parts, encoder.encode(parts), strict=True)) if len(parts) > 1 else []


@dataclass(frozen=True)
class Material:
    """Labelled texts to fit on, with their vectors."""

    texts: tuple[str, ...]
    labels: tuple[Safety, ...]
    weights: tuple[float, ...]
    vectors: Floats

    @classmethod
    def of(cls, examples: Sequence[Example], vectors: Floats, plain: Sequence[str], plain_vectors: Floats) -> Material:
        """Join examples and plain questions.

        Args:
            examples: labelled utterances.
            vectors: `(n, d)` theirs.
            plain: questions that ask for information; those worded as urgent or personal are left out, and
                those that are among the examples.
            plain_vectors: `(m, d)` theirs.
        """
        labelled = {e.text for e in examples}
        kept = [i for i, t in enumerate(plain) if t not in labelled and not match_patterns(t) and not asks_for(t)]
        return cls(
            texts=(*(e.text for e in examples), *(plain[i] for i in kept)),
            labels=(*(e.label for e in examples), *(Safety.NONE for _ in kept)),
            weights=(*(1.0 for _ in examples), *(PLAIN_WEIGHT for _ in kept)),
            vectors=np.vstack([vectors, plain_vectors[kept]]) if kept else vectors,
        )

    def fit(self, wanted: Sequence[Safety]) -> TextClassifier:
        """Fit a classifier of the wanted labels, with `Safety.NONE` for all others."""
        targets = [_LABELS.index(label if label in wanted else Safety.NONE) for label in self.labels]
        return fit_classifier(self.texts, self.vectors, range(len(targets)), targets, self.weights)


class Screen:
    """The fitted screen."""

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
        """Load the classifiers made from all this, or fit and save them beside the indexes.

        Args:
            encoder: makes the vectors.
            path: the labelled examples.
            plain: questions that ask for information, such as a question bank: fitted as `NONE`.
            vectors: `(len(plain), d)` theirs where they are known; encoded otherwise.
        """
        chosen = list(evenly_spaced(len(plain), MAX_PLAIN))
        settings = [SETTINGS, PLAIN_WEIGHT]
        inputs = (
            _VERSION,
            path.read_bytes(),
            PATTERNS_PATH.read_bytes(),
            json.dumps([settings, [plain[i] for i in chosen]]).encode(),
            encoder.fingerprint.encode(),
        )

        @cache
        def material() -> Material:
            examples, asked = load_examples(path), [plain[i] for i in chosen]
            known = encoder.encode(asked) if vectors is None else vectors[chosen]
            return Material.of(examples, encoder.encode([e.text for e in examples]), asked, known)

        def keep(wanted: tuple[Safety, ...]) -> TextClassifier:
            name = "+".join(wanted).encode()
            return keep_classifier("safety", (*inputs, name), lambda: material().fit(wanted))

        return cls(encoder, Classifiers(keep(URGENT), keep(PERSONAL)))

    def check(self, question: str, history: Sequence[str] = (), vector: Floats | None = None) -> Safety:
        """Screen a question, together with the one before it where it only continues that one.

        Args:
            question: as typed.
            history: earlier questions, oldest first.
            vector: `(d,)` the question's, where it is known.
        """
        found = decide(question, self.probabilities(question, vector))
        if found not in URGENT and history and _CONTINUES.match(fold(question)):
            joined = f"{history[-1]} {question}"
            p = self.probabilities(joined)
            sure = match_patterns(joined) or sum(p[s] for s in URGENT) >= URGENT_JOINED_ABOVE
            before = decide(joined, p) if sure else Safety.NONE
            return before if before in URGENT else found
        return found

    def probabilities(self, text: str, vector: Floats | None = None) -> dict[Safety, float]:
        """Return the classifiers' probability of each label."""
        known = self._encoder.encode([text])[0] if vector is None else vector
        return self._classifiers.probabilities(text, known, encode_sentences(self._encoder, text))


def decide(text: str, p: dict[Safety, float]) -> Safety:
    """Turn the wordings and the probabilities into a label, urgent first."""
    evidence, label = weigh(text)
    if p[Safety.EMERGENCY] + p[Safety.CRISIS] >= URGENT_ABOVE[evidence]:
        return label if evidence is Evidence.FOUND else max(URGENT, key=lambda s: p[s])
    asked = asks_for(text)
    if p[Safety.PERSONAL_ADVICE] + p[Safety.DOSAGE] >= PERSONAL_ABOVE[asked is not None]:
        return asked or max(PERSONAL, key=lambda s: p[s])
    return Safety.NONE
