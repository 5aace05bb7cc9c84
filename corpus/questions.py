"""Questions about an article with the spans that answer them, as kept in JSONL files.

One line: `{"question": "...", "parts": [[[start, end], ...], ...], "silent": "", "theme": "", "style": "",
"blind": false, "doubt": false}`; empty fields may be left out.
The editor's question bank (`corpus/articles/<id>/questions.jsonl`) and the evaluation sets share it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from corpus.article import Article, Span


class Silence(StrEnum):
    """Why the article does not answer a question."""

    NONE = ""  # it does answer
    ASPECT = "aspect"  # speaks of the thing, not of what is asked about it
    THING = "thing"  # does not speak of the thing
    CONDITION = "condition"  # speaks of it for another condition only
    LOST = "lost"  # this copy lost the list that would answer
    OFF_TOPIC = "off"  # nothing to do with the article
    NOT_UNDERSTOOD = "gibberish"  # no question in the article's language


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its gold spans.

    Attributes:
        parts: what a complete answer needs; any one span of a part supplies that part, the best
            first. Empty where the article is silent.
        silent: why it is silent; `Silence.NONE` exactly when there are parts.
        blind: whether its writer had not read the article, as its readers have not.
        doubt: whether another careful editor might have labelled it otherwise.
    """

    question: str
    parts: tuple[tuple[Span, ...], ...]
    silent: Silence = Silence.NONE
    theme: str = ""
    style: str = ""
    blind: bool = False
    doubt: bool = False

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise ValueError("the question is empty")
        if bool(self.parts) == bool(self.silent):
            raise ValueError(f"{self.question!r} needs either parts or a reason for silence")
        if not all(self.parts):
            raise ValueError(f"{self.question!r} has an empty part")


def load_questions(path: Path, article: Article) -> tuple[Question, ...]:
    """Read a question file and check it against its article.

    Every span must begin and end where a sentence of the article does.

    Raises:
        ValueError: naming the file, the line and what is wrong with it.
    """
    starts = {s.span.start for s in article.sentences}
    ends = {s.span.end for s in article.sentences}
    questions = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            question = _from_row(json.loads(line))
            for span in (span for part in question.parts for span in part):
                if span.start not in starts or span.end not in ends:
                    raise ValueError(f"{span} does not begin and end at sentences of {article.id}")
        except (ValueError, KeyError, TypeError) as e:
            raise ValueError(f"{path}, line {number}: {e}") from e
        questions.append(question)
    return tuple(questions)


def save_questions(path: Path, questions: tuple[Question, ...]) -> None:
    """Write a question file, one question a line, empty fields left out."""
    rows = (json.dumps(_to_row(q), ensure_ascii=False) for q in questions)
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def _from_row(row: Any) -> Question:
    if not isinstance(row, dict) or not isinstance(row.get("parts", []), list):
        raise TypeError("a question is a JSON object, its parts a list")
    parts = row.get("parts", [])
    return Question(
        question=str(row["question"]),
        parts=tuple(tuple(Span(*pair) for pair in part) for part in parts),
        silent=Silence(str(row.get("silent", ""))),
        theme=str(row.get("theme", "")),
        style=str(row.get("style", "")),
        blind=bool(row.get("blind", False)),
        doubt=bool(row.get("doubt", False)),
    )


def _to_row(question: Question) -> dict[str, object]:
    row: dict[str, object] = {"question": question.question}
    if question.parts:
        row["parts"] = [[[s.start, s.end] for s in part] for part in question.parts]
    fields: dict[str, object] = {
        "silent": str(question.silent),
        "theme": question.theme,
        "style": question.style,
        "blind": question.blind,
        "doubt": question.doubt,
    }
    return row | {name: value for name, value in fields.items() if value}
