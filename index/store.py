"""Built indexes on disk: saved with a manifest, loaded only if they still fit, rebuilt otherwise."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import faiss

from corpus.article import Article
from corpus.passages import MAX_PASSAGE_TOKENS, split_passages
from corpus.questions import Question
from index.bank import ALTERNATIVE_WEIGHT, DOUBTED_WEIGHT, QuestionBank
from index.classifier import SETTINGS, TextClassifier
from index.models import Encoder
from index.passage_index import VECTORS, PassageIndex, texts_of

INDEX_DIR = Path(__file__).parent / "built"
INDEX_DIR_VARIABLE = "QA_INDEX_DIR"  # where to keep built indexes, if not beside this file
FORMAT = 5  # raised whenever the files of a saved index change their meaning
_LIBRARIES = ("faiss-cpu", "numpy", "scikit-learn", "sentence-transformers", "sentencex", "tiktoken")
_CLASSIFIER = "bank.npz"


class StaleIndexError(RuntimeError):
    """A saved index is missing, damaged, or was built from something else; the message says what."""


def open_index(
    article: Article, questions: Sequence[Question], encoder: Encoder, progress: bool = False
) -> tuple[PassageIndex, str]:
    """Load the saved index of an article, or build and save it where it is missing or stale.

    Returns:
        The index, and why it was built; empty if the saved one was used.
    """
    folder = index_folder(article.id)
    manifest = describe(article, questions, encoder)
    try:
        return load_index(folder, article, questions, manifest), ""
    except StaleIndexError as e:
        built = PassageIndex.build(article, questions, encoder, progress=progress)
        save_index(built, folder, manifest)
        return built, str(e)


def index_folder(article_id: str) -> Path:
    """Return where the index of an article is kept."""
    return Path(os.environ.get(INDEX_DIR_VARIABLE) or INDEX_DIR) / article_id


def describe(article: Article, questions: Sequence[Question], encoder: Encoder) -> dict[str, Any]:
    """Return the manifest of the index that these would make: all that it depends on."""
    return {
        "format": FORMAT,
        "article": article.id,
        "article_sha256": article.sha256,
        "texts": _digest(texts_of(article, split_passages(article))),
        "questions": _digest([(q.question, q.parts, q.silent, q.doubt) for q in questions]),
        "encoder": encoder.name,
        "encoder_sha256": encoder.fingerprint,
        "max_passage_tokens": MAX_PASSAGE_TOKENS,
        "classifier": _digest((SETTINGS, DOUBTED_WEIGHT, ALTERNATIVE_WEIGHT)),
        "libraries": {name: version(name) for name in _LIBRARIES},
    }


def save_index(index: PassageIndex, folder: Path, manifest: dict[str, Any]) -> None:
    """Write an index to a folder: all of it, or nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".building-") as scratch:
        new = Path(scratch) / "new"
        new.mkdir()
        for name in VECTORS:
            faiss.write_index(index.vectors[name], str(new / f"{name}.faiss"))
        if index.bank.classifier is not None:
            index.bank.classifier.save(new / _CLASSIFIER)
        files = {p.name: _sha256(p) for p in sorted(new.iterdir())}
        (new / "manifest.json").write_text(json.dumps(manifest | {"files": files}, indent=1))
        if folder.exists():
            folder.rename(Path(scratch) / "old")
        new.rename(folder)


def load_index(folder: Path, article: Article, questions: Sequence[Question], manifest: dict[str, Any]) -> PassageIndex:
    """Load a saved index.

    Raises:
        StaleIndexError: unless it is whole and was built from exactly what `manifest` says.
    """
    path = folder / "manifest.json"
    try:
        saved = json.loads(path.read_text())
        files: dict[str, str] = saved.pop("files")
        changed = sorted(k for k in manifest.keys() | saved.keys() if manifest.get(k) != saved.get(k))
        if changed:
            raise StaleIndexError(f"the index in {folder} was built with another {', '.join(changed)}")
        damaged = [name for name, sha256 in files.items() if _sha256(folder / name) != sha256]
        if damaged:
            raise StaleIndexError(f"the index in {folder} is damaged: {', '.join(damaged)}")
        vectors = {name: faiss.read_index(str(folder / f"{name}.faiss")) for name in VECTORS}
        classifier = TextClassifier.load(folder / _CLASSIFIER) if _CLASSIFIER in files else None
    except FileNotFoundError as e:
        raise StaleIndexError(f"{e.filename} is missing") from e
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as e:
        if isinstance(e, StaleIndexError):
            raise
        raise StaleIndexError(f"{path} cannot be read: {e}") from e
    bank = QuestionBank(article, tuple(questions), classifier)
    return PassageIndex(article, split_passages(article), bank, vectors)


def key_of(inputs: Sequence[bytes]) -> str:
    """Return a name for what is made from exactly these inputs."""
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in inputs)).hexdigest()


def keep_classifier(kind: str, inputs: Sequence[bytes], fit: Callable[[], TextClassifier]) -> TextClassifier:
    """Load the classifier that was fitted on exactly these inputs, or fit and save it.

    Args:
        kind: names its folder beside the indexes.
        inputs: all that the fit depends on.
        fit: makes it where there is none yet, or where the saved one is damaged.
    """
    path = index_folder(kind) / f"{key_of(inputs)}.npz"
    if path.is_file():
        try:
            return TextClassifier.load(path)
        except (ValueError, KeyError, OSError, BadZipFile):
            pass  # damaged: fitted anew below
    classifier = fit()
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}")
    classifier.save(scratch)
    scratch.replace(path)
    return classifier


def _sha256(path: Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()
