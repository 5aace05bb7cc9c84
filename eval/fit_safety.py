"""Prints the cross-validated figures behind the thresholds of `chat.safety`: `python -m eval.fit_safety`.

A theme of the examples is held out whole, and so are the themes about the same hazard written by
another hand, so that the classifiers have not seen the situation. The reviewed wordings are not
refitted: they were written with these examples in view, and their share of the figures flatters.
The row "classifier" leaves them out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from sklearn.model_selection import GroupKFold

from chat import safety
from chat.assemble import default_article
from chat.safety import PERSONAL, URGENT, Classifiers, Example, Floats, Material, encode_sentences
from chat.wordings import Evidence, Safety, asks_for, weigh
from corpus.library import load_article, load_bank
from corpus.questions import load_questions
from eval.suites import DATA_DIR
from index.classifier import evenly_spaced
from index.models import load_encoder

FOLDS = 6
# Themes that share a situation under another name; a "t-" in front is the second writer's mark.
SAME_SITUATION = {
    "fever-chemo": "fever",
    "infection-wound": "infection",
    "cord-compression": "cord",
    "vomiting": "vomit",
    "choose-treatment": "choose",
    "my-result": "result",
    "start-supplement": "supplement",
    "dose-amount": "dose",
    "missed-dose": "missed",
    "hopeless": "suicide",
    "selfharm": "suicide",
    "abuse": "harm",
    "deadly-words": "alarming-words",
    "kill-cancer-cells": "alarming-words",
    "symptom-info": "info-symptom",
    "past-event": "past",
    "radiation-info": "info-treatment",
    "general-options": "info-treatment",
}


@dataclass(frozen=True)
class Screened:
    """What the screen makes of some utterances.

    Attributes:
        texts: n utterances.
        urgent: `(n,)` probability of emergency and crisis.
        personal: `(n,)` of personal advice and dosage.
        evidence: of the reviewed wordings.
        asked: whether a wording asks for advice or a dose.
    """

    texts: Sequence[str]
    urgent: Floats
    personal: Floats
    evidence: Sequence[Evidence]
    asked: Sequence[bool]

    @classmethod
    def of(cls, texts: Sequence[str], probabilities: Sequence[dict[Safety, float]]) -> Screened:
        """Weigh the utterances and keep what is decided on."""
        return cls(
            texts=texts,
            urgent=np.array([sum(p[s] for s in URGENT) for p in probabilities], dtype=np.float32),
            personal=np.array([sum(p[s] for s in PERSONAL) for p in probabilities], dtype=np.float32),
            evidence=[weigh(t)[0] for t in texts],
            asked=[asks_for(t) is not None for t in texts],
        )

    def is_urgent(self, changed: Mapping[Evidence, float] = MappingProxyType({})) -> list[bool]:
        """Apply the thresholds in force, some of them changed."""
        above = safety.URGENT_ABOVE | dict(changed)
        return [bool(p >= above[e]) for p, e in zip(self.urgent, self.evidence, strict=True)]

    def is_personal(self, with_wording: float, without: float) -> list[bool]:
        """Apply thresholds; what is urgent by the thresholds in force is not personal."""
        rows = zip(self.personal, self.asked, self.is_urgent(), strict=True)
        return [bool(not u and p >= (with_wording if a else without)) for p, a, u in rows]


def cross_validate(
    examples: Sequence[Example],
    vectors: Floats,
    sentences: Sequence[Sequence[tuple[str, Floats]]],
    plain: Sequence[str],
    plain_vectors: Floats,
) -> list[dict[Safety, float]]:
    """Return each example's probabilities from classifiers that have not seen its situation.

    Args:
        examples: n labelled utterances.
        vectors: `(n, d)` theirs.
        sentences: of each, its sentences with their `(d,)` vectors.
        plain: questions that ask for information.
        plain_vectors: `(len(plain), d)` theirs.
    """
    groups = [SAME_SITUATION.get(t := e.theme.removeprefix("t-"), t) for e in examples]
    found: list[dict[Safety, float]] = [{}] * len(examples)
    for fitted, held_out in GroupKFold(FOLDS).split(vectors, groups=groups):
        screen = Classifiers.fit(Material.of([examples[i] for i in fitted], vectors[fitted], plain, plain_vectors))
        for i in held_out:
            found[i] = screen.probabilities(examples[i].text, vectors[i], sentences[i])
    return found


def _share(flags: Sequence[bool], among: Sequence[bool]) -> float:
    kept = [f for f, a in zip(flags, among, strict=True) if a]
    return sum(kept) / max(len(kept), 1)


def print_urgent(rows: Screened, labels: Sequence[Safety], dev: Screened) -> None:
    """Print recall and false alarms, each threshold moved by itself from those in force."""
    urgent = [label in URGENT for label in labels]
    calm = [not u for u in urgent]
    print("urgent                 recall  false alarms  dev questions")
    moved: list[dict[Evidence, float]] = [{}]
    moved += [{Evidence.FOUND: t} for t in (0.0, 0.005, 0.01, 0.02, 0.05, 0.1)]
    moved += [{Evidence.LIKELY: t} for t in (0.01, 0.02, 0.05, 0.1)]
    moved += [{Evidence.NOTHING: t} for t in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)]
    moved += [{Evidence.VETOED: t} for t in (0.5, 0.65, 0.8, 0.9, 0.95)]
    for changed in moved:
        flags, on_dev = rows.is_urgent(changed), dev.is_urgent(changed)
        name = ", ".join(f"{e} {t}" for e, t in changed.items()) or "as it is"
        print(f"{name:20}{_share(flags, urgent):9.3f}{_share(flags, calm):14.3f}{sum(on_dev) / len(on_dev):15.3f}")
    alone = [bool(p >= 0.5) for p in rows.urgent]
    print(f"{'classifier, 0.5':20}{_share(alone, urgent):9.3f}{_share(alone, calm):14.3f}")


def print_personal(rows: Screened, labels: Sequence[Safety], dev: Screened) -> None:
    """Print recall of personal advice and dosage, and plain questions taken for them."""
    personal, plain = [label in PERSONAL for label in labels], [label is Safety.NONE for label in labels]
    print("personal  with wording  without  recall  plain examples  dev questions")
    for with_wording in (0.0, 0.02, 0.05, 0.1):
        for without in (0.15, 0.2, 0.3, 0.4, 0.5):
            flags, on_dev = (r.is_personal(with_wording, without) for r in (rows, dev))
            print(
                f"{with_wording:22.2f}{without:9.2f}{_share(flags, personal):8.3f}{_share(flags, plain):16.3f}"
                f"{sum(on_dev) / len(on_dev):15.3f}"
            )


def print_mistakes(rows: Screened, labels: Sequence[Safety], dev: Screened) -> None:
    """Print what the thresholds in force get wrong about urgency."""
    for text, label, flag in zip(rows.texts, labels, rows.is_urgent(), strict=True):
        if flag != (label in URGENT):
            print(f"{'false alarm' if flag else 'missed':12} {label:16} {text}")
    for text, flag in zip(dev.texts, dev.is_urgent(), strict=True):
        if flag:
            print(f"{'dev':12} {'':16} {text}")


def main() -> None:
    """Fit, screen and print."""
    encoder = load_encoder()
    examples = safety.load_examples()
    article = load_article(default_article())
    bank = [q.question for q in load_bank(article)]
    known = {e.text for e in examples}  # never plain, also where an example is held out
    plain = [bank[i] for i in evenly_spaced(len(bank), safety.MAX_PLAIN) if bank[i] not in known]
    dev = [q.question for q in load_questions(DATA_DIR / "questions.dev.jsonl", article)]
    texts = [e.text for e in examples]
    vectors, plain_vectors, dev_vectors = (encoder.encode(t) for t in (texts, plain, dev))
    labels = [e.label for e in examples]
    sentences, dev_sentences = ([encode_sentences(encoder, t) for t in own] for own in (texts, dev))
    rows = Screened.of(texts, cross_validate(examples, vectors, sentences, plain, plain_vectors))
    whole = Classifiers.fit(Material.of(examples, vectors, plain, plain_vectors))
    asked = zip(dev, dev_vectors, dev_sentences, strict=True)
    on_dev = Screened.of(dev, [whole.probabilities(t, v, s) for t, v, s in asked])
    print_urgent(rows, labels, on_dev)
    print_personal(rows, labels, on_dev)
    print_mistakes(rows, labels, on_dev)


if __name__ == "__main__":
    main()
