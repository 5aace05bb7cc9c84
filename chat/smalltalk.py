"""Recognises messages that are about the chat or the article itself: "hi", "who wrote this?", "thanks".

A classifier fitted on labelled examples (`smalltalk_examples.jsonl`), with the question bank as examples
of everything else. What is said to each kind is fixed text and facts of the article (`reply`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import numpy as np

from chat import texts
from corpus.article import Article, Source
from index.classifier import SETTINGS, Floats, TextClassifier, evenly_spaced, fit_classifier
from index.models import Encoder
from index.store import keep_classifier

EXAMPLES_PATH = Path(__file__).parent / "smalltalk_examples.jsonl"
ABOVE = 0.6  # probability of small talk; from 0.5 to 0.8 the held-out examples fare alike
MAX_PLAIN = 2000  # plain questions in fitting, evenly spaced
PLAIN_WEIGHT = 0.5  # of one of them, beside 1 for an example
_VERSION = b"1"  # of what is fitted here, in the saved classifier's name


class Talk(StrEnum):
    """What a message is about, if not about the article's subject."""

    NONE = "none"
    GREETING = "greeting"
    THANKS = "thanks"
    ABILITIES = "abilities"  # of this program
    AUTHOR = "author"
    DATE = "date"
    SOURCES = "sources"
    ABOUT = "about"  # the article as a whole


_KINDS = tuple(Talk)


class SmallTalk:
    """The fitted classifier."""

    def __init__(self, classifier: TextClassifier) -> None:
        self._classifier = classifier

    @classmethod
    def open(cls, encoder: Encoder, plain: Sequence[str], vectors: Floats, path: Path = EXAMPLES_PATH) -> SmallTalk:
        """Load the classifier made from all this, or fit and save it beside the indexes.

        Args:
            encoder: makes the vectors.
            plain: questions about the article's subject, such as its bank.
            vectors: `(len(plain), d)` theirs.
            path: the labelled examples.
        """
        chosen = list(evenly_spaced(len(plain), MAX_PLAIN))
        asked = [plain[i] for i in chosen]
        inputs = (_VERSION, path.read_bytes(), json.dumps([SETTINGS, asked]).encode(), encoder.fingerprint.encode())

        def fit() -> TextClassifier:
            examples = load_examples(path)
            messages = [text for text, _ in examples] + asked
            labels = [_KINDS.index(kind) for _, kind in examples] + [_KINDS.index(Talk.NONE)] * len(asked)
            weights = [1.0] * len(examples) + [PLAIN_WEIGHT] * len(asked)
            every = np.vstack([encoder.encode([text for text, _ in examples]), vectors[chosen]])
            return fit_classifier(messages, every, range(len(messages)), labels, weights)

        return cls(keep_classifier("smalltalk", inputs, fit))

    def recognise(self, message: str, vector: Floats) -> Talk:
        """Return what a message is about, `Talk.NONE` if it may be a question on the subject.

        Args:
            message: its words.
            vector: `(d,)` its unit vector.
        """
        p = {_KINDS[k]: v for k, v in self._classifier.probabilities(message, vector).items()}
        likely = max((k for k in p if k is not Talk.NONE), key=lambda k: p[k])
        return likely if 1.0 - p.get(Talk.NONE, 0.0) >= ABOVE else Talk.NONE


def load_examples(path: Path = EXAMPLES_PATH) -> tuple[tuple[str, Talk], ...]:
    """Read labelled messages, one JSON object a line."""
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return tuple((r["text"], Talk(r["label"])) for r in rows)


def reply(article: Article, talk: Talk) -> tuple[tuple[str, ...], tuple[Source, ...], tuple[int, ...]]:
    """Return the notices, the sources and the sections (indices) to show for small talk."""
    by = texts.BY_AUTHOR.format(author=article.author.of(article.text)) if article.author else ""
    title = texts.TITLE.format(title=article.title, by=by, publisher=article.publisher or texts.NO_PUBLISHER)
    notices = {
        Talk.GREETING: (texts.HELLO,),
        Talk.THANKS: (texts.WELCOME,),
        Talk.ABILITIES: (texts.ABILITIES, texts.privacy()),
        Talk.AUTHOR: (title,),
        Talk.DATE: (title, texts.UPDATED.format(date=article.updated) if article.updated else texts.NO_DATE),
        Talk.SOURCES: (title, texts.SOURCES if article.sources else texts.NO_SOURCES),
        Talk.ABOUT: (title, texts.ABOUT),
    }[talk]
    sources = article.sources if talk is Talk.SOURCES else ()
    parts = tuple(n for n, s in enumerate(article.sections) if s.level == 2 and s.span.of(article.text).strip())
    return notices, sources, parts if talk in (Talk.ABILITIES, Talk.ABOUT, Talk.GREETING) else ()
