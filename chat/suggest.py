"""Questions to go on with: chosen by an editor, offered only where the bot itself answers them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus.article import Article
from index.store import index_folder, key_of
from index.terms import fold, words

MAX_SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question that the bot answers.

    Attributes:
        question: its words.
        section: index of the section of its first quote's best sentence.
        sentences: indices of the sentences chosen for it.
    """

    question: str
    section: int
    sentences: tuple[int, ...]


def candidates(article: Article) -> tuple[str, ...]:
    """Return the editor's suggestions and the article's own questions."""
    own = (pair.question.of(article.text) for pair in article.faq if pair.answer)
    return tuple(dict.fromkeys((*article.suggestions, *own)))


def keep_checked(
    article: Article, inputs: Sequence[bytes], chosen_for: Callable[[str], tuple[int, ...]]
) -> tuple[Suggestion, ...]:
    """Load the checked suggestions made from exactly these inputs, or check and save them beside the index.

    Args:
        article: the article.
        inputs: all that the check depends on.
        chosen_for: returns the sentences (indices) that answer a question, best first; none if none.
    """
    asked = candidates(article)
    path = index_folder("suggestions") / f"{key_of((*inputs, json.dumps(asked).encode()))}.json"
    answered = _load(path)
    if answered is None:
        answered = {question: chosen_for(question) for question in asked}
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{path.name}")
        scratch.write_text(json.dumps(answered), encoding="utf-8")
        scratch.replace(path)
    return tuple(
        Suggestion(question, article.sentences[chosen[0]].section, tuple(chosen))
        for question, chosen in answered.items()
        if chosen
    )


def _load(path: Path) -> dict[str, tuple[int, ...]] | None:
    try:
        return {q: tuple(chosen) for q, chosen in json.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return None  # missing or damaged: made anew


def follow_ups(
    suggestions: Sequence[Suggestion], sections: Sequence[int], quoted: Collection[int], asked: Sequence[str]
) -> tuple[str, ...]:
    """Return what to ask next: from the same sections first, then from the ones that follow.

    Args:
        suggestions: all that were checked.
        sections: of the answer (indices), the nearest first.
        quoted: sentences (indices) that the reader has just seen.
        asked: the conversation's questions.
    """
    done = {" ".join(words(fold(a))) for a in asked}
    at = max(sections, default=-1)

    def distance(s: Suggestion) -> tuple[int, int]:
        return (0, sections.index(s.section)) if s.section in sections else (1, (s.section - at) % 1000)

    new = [s for s in suggestions if " ".join(words(s.question)) not in done and not set(s.sentences) <= set(quoted)]
    return tuple(s.question for s in sorted(new, key=distance)[:MAX_SUGGESTIONS])
