"""The articles on disk.

`corpus/articles/<id>/` holds `article.txt`, `article.toml` (what the text cannot say) and, if an editor
wrote one, `questions.jsonl`, the question bank.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from corpus.article import Article, Source
from corpus.parse import HeadingNote, parse
from corpus.questions import Question, load_questions

ARTICLES_DIR = Path(__file__).parent / "articles"
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class CorpusError(ValueError):
    """An article's folder cannot be used as it is; the message names the file and the remedy."""


def article_ids(root: Path = ARTICLES_DIR) -> tuple[str, ...]:
    """Return the ids of the articles on disk, sorted."""
    return tuple(sorted(p.parent.name for p in root.glob("*/article.txt")))


def load_article(article_id: str, root: Path = ARTICLES_DIR) -> Article:
    """Load one article and parse it.

    Raises:
        CorpusError: if a file is missing, is not UTF-8, has another hash than `article.toml`
            says, or the notes do not fit the text.
    """
    folder = root / article_id
    path = folder / "article.txt"
    if not _ID.fullmatch(article_id) or not path.is_file():
        known = ", ".join(article_ids(root)) or "none"
        raise CorpusError(f"there is no article {article_id!r} in {root} (articles there: {known})")
    raw = path.read_bytes()
    sha256 = hashlib.sha256(raw).hexdigest()
    notes = _load_notes(folder / "article.toml", sha256)
    try:
        text = raw.decode("utf-8")
        parsed = parse(text, [HeadingNote(**n) for n in notes.get("headings", [])])
    except (UnicodeDecodeError, ValueError, TypeError) as e:
        raise CorpusError(f"{path}: {e}") from e
    article = Article(
        id=article_id,
        title=parsed.title,
        publisher=notes.get("publisher", ""),
        url=notes.get("url"),
        language=notes.get("language", "en"),
        updated=str(notes.get("updated", "")),
        examples=tuple(notes.get("examples", ())),
        suggestions=tuple(notes.get("suggestions", ())),
        text=text,
        sha256=sha256,
        author=parsed.author,
        pieces=parsed.pieces,
        sections=parsed.sections,
        sentences=parsed.sentences,
        faq=parsed.faq,
        sources=parsed.sources,
        gaps=parsed.gaps,
    )
    return replace(article, sources=_match_sources(article, notes.get("sources", []), folder))


def load_bank(article: Article, root: Path = ARTICLES_DIR) -> tuple[Question, ...]:
    """Return the article's question bank: its own FAQ pairs, then the editor's questions if any.

    Raises:
        CorpusError: if `questions.jsonl` does not fit the article.
    """
    own = faq_questions(article)
    path = root / article.id / "questions.jsonl"
    if not path.is_file():
        return own
    try:
        return own + load_questions(path, article)
    except ValueError as e:
        raise CorpusError(str(e)) from e


def faq_questions(article: Article) -> tuple[Question, ...]:
    """Return the questions that the article itself answers under its FAQ headings."""
    return tuple(
        Question(pair.question.of(article.text), tuple((article.sentences[i].span,) for i in pair.answer))
        for pair in article.faq
        if pair.answer
    )


def _load_notes(path: Path, sha256: str) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        notes = tomllib.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as e:
        raise CorpusError(f"{path}: {e}") from e
    expected = notes.get("sha256", sha256)
    if expected != sha256:
        raise CorpusError(
            f"{path.with_name('article.txt')} has sha256 {sha256}, but {path.name} was written for "
            f"{expected}: restore the text, or review the notes and put the new hash there"
        )
    return notes


def _match_sources(article: Article, notes: list[dict[str, Any]], folder: Path) -> tuple[Source, ...]:
    matched = {n["number"]: tuple(n["sections"]) for n in notes}
    anchors = {s.anchor for s in article.sections}
    unknown = sorted({a for own in matched.values() for a in own} - anchors)
    numbers = sorted(set(matched) - {s.number for s in article.sources})
    if unknown or numbers:
        raise CorpusError(f"{folder / 'article.toml'}: no such sections {unknown} or sources {numbers}")
    return tuple(replace(s, anchors=matched.get(s.number, ())) for s in article.sources)
