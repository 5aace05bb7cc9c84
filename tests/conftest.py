"""Fixtures: the real article, a miniature one, and the real bot (loaded once)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from chat.answerer import Answerer
from corpus.article import Article
from corpus.library import load_article

ARTICLE_ID = "her2-negative-treatment"

MINI_TEXT = """All About Tea

Tea is a drink.\u00a0It is made from leaves. Dr. A. Leaf found 1 in 833 people dislike it, e.g. in Spain.

A person pours tea into a cup

Jane Roe / Photo House


Black tea is oxidised. However, not everyone likes it strong.

Kinds of black tea include:

  \u2022 Assam: It grows in valleys. This tea is malty.
  \u2022 Darjeeling: It grows on hills,
  \u2022 Ceylon

Green Tea

Green tea is steamed. It should never replace water.

The two best green teas are:

Frequently Asked Questions

  \u2022 Is tea hot?

    Usually, yes. It can be cold.

2 Sources
We check our sources.
  1. Leaf A. On tea. Tea J. 2020;1(2):3-4. doi:10.1000/Tea.12-3

  2. Tea Board.

By Ann O. Nym, PhD
 Ann likes tea."""

MINI_TOML = """publisher = "Tea House"
examples = ["Is tea hot?"]

[[headings]]
title = "Black Tea"
level = 2
before = "Black tea is"

[[headings]]
title = "Green Tea"
level = 3

[[sources]]
number = 1
sections = ["black-tea"]
"""


@pytest.fixture(scope="session")
def article() -> Article:
    return load_article(ARTICLE_ID)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library with the miniature article."""
    folder = tmp_path / "articles" / "tea"
    folder.mkdir(parents=True)
    (folder / "article.txt").write_text(MINI_TEXT, encoding="utf-8")
    (folder / "article.toml").write_text(MINI_TOML, encoding="utf-8")
    return folder.parent


@pytest.fixture
def tea(library: Path) -> Article:
    return load_article("tea", library)


@pytest.fixture(scope="session")
def answerer() -> Answerer:
    """The bot as a reader gets it, with the real models and the real index."""
    from chat.assemble import open_answerer

    return open_answerer(ARTICLE_ID)
