"""Puts an Answerer together from what is installed and on disk."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace

from chat.answer import Kind
from chat.answerer import Answerer
from chat.features import Vocabulary
from chat.safety import Screen
from chat.select import reranker_for, weights_for
from chat.smalltalk import SmallTalk
from chat.spelling import Speller
from chat.suggest import keep_checked
from corpus.library import CorpusError, article_ids, load_article, load_bank
from index.models import load_encoder
from index.store import describe, open_index

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
    answerer = Answerer(
        article=article,
        index=index,
        encoder=encoder,
        reranker=reranker_for(index),
        vocabulary=Vocabulary(article, asked),
        speller=Speller(article.text, asked, encoder.whole_words()),
        weights=weights_for(index),
        screen=Screen.open(encoder, plain=asked, vectors=index.question_vectors()),
        small_talk=SmallTalk.open(encoder, asked, index.question_vectors()),
    )

    def chosen_for(question: str) -> tuple[int, ...]:
        answered = answerer.answer(question).kind is Kind.ANSWER
        return answerer.look_up(question)[1].chosen if answered else ()

    made_from = json.dumps([describe(article, questions, encoder), asdict(answerer.weights)], default=str)
    return replace(answerer, suggestions=keep_checked(article, [made_from.encode()], chosen_for))
