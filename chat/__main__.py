"""`python -m chat`: ask in the terminal, one question, a conversation, or JSON lines."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from chat.answer import Answer
    from chat.answerer import Answerer

logger = logging.getLogger("chat")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m chat", description="Ask an article a question; the answer only quotes it."
    )
    parser.add_argument("question", nargs="?", help="one question; without it, an interactive prompt")
    parser.add_argument("--article", help="id of the article (default: the library's first)")
    parser.add_argument("--json", action="store_true", help="print the Answer as JSON")
    parser.add_argument("--jsonl", action="store_true", help="read JSON lines on stdin, write Answers")
    parser.add_argument("--explain", action="store_true", help="show the candidates with every score")
    args = parser.parse_args(argv)
    if args.jsonl and args.question:
        parser.error("--jsonl reads its questions from standard input")
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    from chat.assemble import open_answerer
    from corpus.library import CorpusError
    from index.models import ModelError

    try:
        answerer = open_answerer(args.article, progress=sys.stderr.isatty())
    except (CorpusError, ModelError) as e:
        print(f"python -m chat: {e}", file=sys.stderr)
        return 1
    if args.jsonl:
        return _serve_lines(answerer, sys.stdin.buffer, sys.stdout)
    if args.question is None:
        return _converse(answerer)
    if args.explain:
        from chat.explain import explain

        print(explain(answerer, args.question))
    else:
        print(_shown(answerer.answer(args.question), args.json))
    return 0


def answer_lines(answerer: Answerer, lines: Iterator[bytes]) -> Iterator[Answer]:
    """Answer JSON lines one by one; a bad line gets an Answer of kind `invalid` and the rest goes on."""
    from chat import texts
    from chat.answer import Answer, Kind

    for line in lines:
        if not line.strip():
            continue
        row: dict[str, Any] = {}
        try:
            row = _read_row(line)
            yield answerer.answer(row["question"], row.get("history") or (), row.get("id"), row.get("as_typed") is True)
        except (ValueError, UnicodeDecodeError, RecursionError) as e:
            notice = texts.BAD_LINE.format(reason=e)
            yield Answer(id=_id_of(line), question="", article=None, kind=Kind.INVALID, notices=(notice,))
        except Exception:  # one fault must not cost the other lines their answers
            logger.exception("line with id %r", row.get("id"))
            yield Answer(
                id=row.get("id"), question=str(row.get("question", "")), article=None, kind=Kind.INVALID,
                notices=(texts.FAILED,),
            )  # fmt: skip


def _read_row(line: bytes) -> dict[str, Any]:
    row = json.loads(line.decode("utf-8"))
    if not isinstance(row, dict):
        raise ValueError("it is not a JSON object")
    if not isinstance(row.get("question"), str):
        raise ValueError('"question" must be a text')
    history = row.get("history")
    if history is not None and not (isinstance(history, list) and all(isinstance(h, str) for h in history)):
        raise ValueError('"history" must be a list of texts')
    if not isinstance(row.get("as_typed", False), bool):
        raise ValueError('"as_typed" must be true or false')
    if not isinstance(row.get("id"), str | int | None):
        raise ValueError('"id" must be a text or a whole number')
    return row


def _id_of(line: bytes) -> str | int | None:
    """The id of a line that is wrong in some other way."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    found = found.get("id") if isinstance(found, dict) else None
    return found if isinstance(found, str | int) else None


def _serve_lines(answerer: Answerer, lines: Iterator[bytes], out: TextIO) -> int:
    for answer in answer_lines(answerer, lines):
        print(json.dumps(answer.to_json(), ensure_ascii=False), file=out, flush=True)
    return 0


def _converse(answerer: Answerer) -> int:
    history: list[str] = []
    print(f"Ask about: {answerer.article.title}. Leave with Ctrl-D.", file=sys.stderr)
    while True:
        try:
            question = input("> ")
        except (EOFError, KeyboardInterrupt):
            print()
            return 0
        print(f"\n{_shown(answerer.answer(question, history), as_json=False)}\n")
        history.append(question)


def _shown(answer: Answer, as_json: bool) -> str:
    from chat.render import to_text

    return json.dumps(answer.to_json(), ensure_ascii=False, indent=2) if as_json else to_text(answer)


if __name__ == "__main__":
    raise SystemExit(main())
