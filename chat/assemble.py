"""Puts an Answerer together from what is installed and on disk."""

from __future__ import annotations

import os

from chat.answer import Answerer
from chat.features import Vocabulary
from chat.safety import Screen
from chat.select import weights_for
from chat.spelling import Speller
from corpus.library import CorpusError, article_ids, load_article, load_bank
from index.models import load_encoder, load_reranker
from index.store import open_index

ARTICLE_VARIABLE = "QA_ARTICLE"


def default_article() -> str:
    """Return the article to ask about: `$QA_ARTICLE`, or the first of the library.

    Raises:
        CorpusError: if the library is empty.
    """
    ids = article_ids()
    chosen = os.environ.get(ARTICLE_VARIABLE) or next(iter(ids), "")
    if not chosen:
        raise CorpusError("the library has no article: put one into corpus/articles/<id>/article.txt")
    return chosen


def open_answerer(article_id: str | None = None, progress: bool = False) -> Answerer:
    """Load the article, its index (built where it is missing or stale), the models and the weights.

    Raises:
        CorpusError: if the article cannot be used.
        ModelError: if a model cannot be loaded.
    """
    article = load_article(article_id or default_article())
    questions = load_bank(article)
    encoder = load_encoder()
    index, _ = open_index(article, questions, encoder, progress)
    asked = [q.question for q in questions]
    return Answerer(
        article=article,
        index=index,
        encoder=encoder,
        reranker=load_reranker(),
        vocabulary=Vocabulary(article, asked),
        speller=Speller(article.text, asked, encoder.whole_words()),
        weights=weights_for(index),
        screen=Screen.open(encoder, plain=asked, vectors=index.question_vectors()),
    )
