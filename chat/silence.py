"""Tells the kinds of no apart, once it is clear that the article does not answer."""

from __future__ import annotations

from chat.features import Vocabulary
from corpus.questions import Silence
from index.passage_index import Search
from index.terms import terms

# For an article whose bank is too small for a classifier: cosine with the nearest passage below which
# a question is about something else (bge-small; off-topic development questions lie below, others above).
ON_SUBJECT_ABOVE = 0.55


def kind_of_silence(vocabulary: Vocabulary, question: str, search: Search) -> Silence:
    """Return why the article does not answer.

    The bank's classifier decides between its kinds of silence; without one, the share of known words
    and the nearness of any passage do.
    """
    query = terms(question)
    known = sum(t in vocabulary.known for t in query)
    if not query or not known:
        return Silence.NOT_UNDERSTOOD if search.on_subject < ON_SUBJECT_ABOVE else Silence.ASPECT
    silences = search.bank.silences
    if silences:
        return max(silences, key=lambda s: silences[s])
    return Silence.OFF_TOPIC if search.on_subject < ON_SUBJECT_ABOVE else Silence.ASPECT
