"""Data flows one way, heavy libraries stay in their room, code holds no content."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("corpus", "index", "chat", "eval")
MAY_IMPORT = {
    "corpus": {"corpus"},
    "index": {"corpus", "index"},
    "chat": {"corpus", "index", "chat"},
    "eval": set(ROOMS),
}
ONLY_IN = {
    "gradio": {"app.py"},
    "faiss": {"index/passage_index.py", "index/store.py"},
    "sentence_transformers": {"index/models.py", "index/onnx.py"},
    "tiktoken": {"corpus/passages.py"},
}
FILES = [ROOT / "app.py", *(p for room in ROOMS for p in (ROOT / room).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    """Top-level names that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_only_what_lies_before_them(room):
    """corpus, then index, then chat, then eval: nothing points back."""
    for path in (ROOT / room).rglob("*.py"):
        assert imported(path) & set(ROOMS) <= MAY_IMPORT[room], path


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_heavy_libraries_stay_in_their_room(path):
    """Each is imported in one place, so that it can be replaced there."""
    where = str(path.relative_to(ROOT))

    for library in imported(path) & set(ONLY_IN):
        assert where in ONLY_IN[library], f"{where} imports {library}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_article_phrase_stands_in_code(path, article):
    """No string of the code holds four words in a row of the article: it must work for another one."""
    words = article.text.lower().split()
    phrases = {" ".join(words[i : i + 4]) for i in range(len(words) - 3)}

    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            own = node.value.lower().split()
            assert not phrases & {" ".join(own[i : i + 4]) for i in range(len(own) - 3)} - ALLOWED, node.value[:80]


# Plain English that any page may use.
ALLOWED = {"your own doctor or", "how much to take", "talk with your healthcare", "with your healthcare provider"}


def test_files_are_short():
    """A file over 400 lines has more than one reason to exist."""
    assert {str(p.relative_to(ROOT)): n for p in FILES if (n := len(p.read_text().splitlines())) > 400} == {}
