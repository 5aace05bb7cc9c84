"""From a question to an Answer: the whole way, on one screen (`Answerer.answer`)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from chat import texts
from chat.answer import Answer, Choice, Kind, Quote, invalid
from chat.clarify import MAX_CHOICES, OPEN_ABOVE, describe_openness, narrowed
from chat.conversation import readings
from chat.features import Vocabulary
from chat.parts import compares, questions_in, sides_of
from chat.safety import URGENT, Screen
from chat.select import Selection, Weights, complete, join, select
from chat.silence import kind_of_silence
from chat.smalltalk import SmallTalk, Talk, reply
from chat.spelling import Speller
from chat.suggest import Suggestion, follow_ups
from chat.wordings import Safety
from corpus.article import Article, Source, Span
from corpus.questions import Silence
from index.models import Encoder, PairScorer
from index.passage_index import PassageIndex, Search, search_message

MAX_HISTORY = 20  # earlier questions that are looked at
MAX_NEAR = 3
# Confidence from which one of several questions is answered where the whole is refused. Of 1,400 messages of hidden
# writers 7 more are right so and 4 are answered in vain; at 0.6 it is 9 and 15.
ALONE_ABOVE = 0.9
UNTOLD_ABOVE = 0.7  # confidence from which a question that does not say so is taken for a follow-up


@dataclass(frozen=True, slots=True)
class Answerer:
    """Answers questions about one article. See `chat.assemble.open_answerer`."""

    article: Article
    index: PassageIndex
    encoder: Encoder
    reranker: PairScorer | None
    vocabulary: Vocabulary
    speller: Speller
    weights: Weights
    screen: Screen
    small_talk: SmallTalk
    suggestions: tuple[Suggestion, ...] = ()

    def answer(
        self,
        question: str,
        history: Sequence[str] = (),
        id: str | int | None = None,  # noqa: A002  the interface's name
        as_typed: bool = False,
    ) -> Answer:
        """Answer one question.

        Args:
            question: as typed.
            history: earlier questions of the conversation, oldest first.
            id: carried into the Answer.
            as_typed: look up exactly these words: no spelling put right, nothing taken from before.
        """
        say = partial(Answer, id=id, question=question, article=self.article, kind=Kind.NO_ANSWER)
        problem = invalid(question)
        if problem:
            return say(kind=Kind.INVALID, notices=(problem,))
        history = [h for h in history[-MAX_HISTORY:] if not invalid(h)]
        vector = self.encoder.encode([question])[0]
        safety = self.screen.check(question, history, vector)
        if safety in URGENT:
            return say(safety=safety, notices=texts.URGENT_NOTICES[safety]())
        talk = self.small_talk.recognise(question, vector)
        if safety is Safety.NONE and talk is not Talk.NONE:
            notices, sources, parts = reply(self.article, talk)
            chips = follow_ups(self.suggestions, parts, (), history)
            return say(notices=notices, sources=sources, near=parts, suggestions=chips)
        spelt = [question] if as_typed else [self.speller.correct(asked) for asked in (*history, question)]
        understood, search, whole = self._understand(spelt[-1], spelt[:-1])
        found, only_in_part = self._found(understood, spelt[-1], spelt[:-1], whole)
        confidence = found[0].confidence if found else whole.confidence
        silence = Silence.NONE if found else kind_of_silence(self.vocabulary, understood, search)
        off_topic = silence is Silence.OFF_TOPIC  # a section's name in front would not change that
        choices = () if off_topic else self._choices(understood, search, whole.confidence)
        say = partial(say, safety=safety, choices=choices, confidence=confidence)
        notices = _SAFETY_NOTICES.get(safety, ())
        if understood != question:
            say = partial(say, understood=understood)
            notices = (*notices, texts.UNDERSTOOD_AS.format(question=understood))
        if only_in_part:
            notices = (*notices, texts.ONLY_IN_PART)
        asked = [*history, question]
        if not found:
            near = nearest_sections(self.article, search)
            ask = (texts.ASK_CARE_TEAM,) if safety is Safety.NONE else ()  # else the notices say what to ask
            return say(
                near=near,
                notices=(*notices, texts.WHICH_ONE) if choices else (*notices, texts.NO_OF[silence], *ask),
                suggestions=follow_ups(self.suggestions, near, (), asked),
            )
        quotes = self._quotes(understood, found)
        quoted = frozenset(i for s in found for i in s.quoted)
        return say(
            kind=Kind.ANSWER,
            quotes=quotes,
            sources=_sources(self.article, quotes),
            notices=(*notices, texts.FROM_THE_ARTICLE) if safety is not Safety.NONE else notices,
            suggestions=follow_ups(self.suggestions, [q.section for q in quotes], quoted, asked),
        )

    def look_up(self, question: str) -> tuple[Search, Selection]:
        """Search the index and choose what would be quoted."""
        search = search_message(self.index, self.encoder, question)
        selection = select(self.article, self.vocabulary, self.reranker, self.weights, question, search)
        return search, selection

    def answers(self, selection: Selection) -> bool:
        """Whether it is sure enough that what was selected answers."""
        return selection.confidence >= self.weights.answer_above

    def _understand(self, question: str, history: Sequence[str]) -> tuple[str, Search, Selection]:
        """Look up what the question means: its likeliest reading, or another where that brings nothing new."""
        found = readings(self.vocabulary, question, history)
        # what it asks for itself must fit the article too: "and red meat?" after "whole grains"
        itself = self.look_up(question)[1].confidence if found.follows and not found.goes_on else None

        def read(reading: str) -> tuple[str, Search, Selection]:
            search, selection = self.look_up(reading)
            if itself is not None:
                selection = replace(selection, confidence=_mean_in_log_odds(selection.confidence, itself))
            return reading, search, selection

        first = read(found.likeliest)
        refused = not self.answers(first[2])
        if not found.others or not (refused or found.goes_on):
            return first
        told = None if refused else self.look_up(found.before)[1].chosen[0]
        if not refused and first[2].chosen[0] != told:
            return first
        tried = found.others if refused else found.others[:1]
        surest = max(map(read, tried), key=lambda one: one[2].confidence)
        above = self.weights.answer_above if found.follows else UNTOLD_ABOVE
        return surest if surest[2].confidence >= above and surest[2].chosen[0] != told else first

    def _found(
        self, understood: str, question: str, history: Sequence[str], whole: Selection
    ) -> tuple[list[Selection], bool]:
        """What answers a question, and whether only a part of it.

        The whole, then its parts; else the sides it compares; else, unless it follows another, the parts that are
        answered surely. The first is how sure the answer is: of sides and parts the one that is least sure.
        """
        if self.answers(whole):
            parts = self._parts(question, history)
            new = [part for part in parts if self.answers(part) and part.chosen[0] not in whole.quoted]
            return [whole, *map(self._best_of, new)], False
        sides = [self.look_up(side)[1] for side in sides_of(self.vocabulary, understood)]
        best = {side.chosen[0] for side in sides}
        if len(best) > 1 and all(map(self.answers, sides)):
            return sorted(map(self._best_of, sides), key=lambda side: side.confidence), False
        if understood != question:
            return [], False
        parts = self._parts(question, history)
        sure = [part for part in parts if part.confidence >= ALONE_ABOVE]
        return sorted(sure, key=lambda part: part.confidence), 0 < len(sure) < len(parts)

    def _parts(self, question: str, history: Sequence[str]) -> list[Selection]:
        """What would be quoted for each part of a question that asks several things."""
        return [self.look_up(part)[1] for part in questions_in(self.vocabulary, question, history)]

    def _best_of(self, part: Selection) -> Selection:
        """Only the best sentence of what was selected, with what it must not be quoted without."""
        best = part.chosen[:1]
        return replace(part, chosen=best, runs=complete(self.article, best))

    def _choices(self, question: str, search: Search, confidence: float) -> tuple[Choice, ...]:
        """What an open question may mean: only what the bot then answers from the section named."""
        if self.weights.open is None:
            return ()
        described = describe_openness(self.article, self.vocabulary, question, search, confidence)
        if self.weights.open.predict(described[None, :])[0] < OPEN_ABOVE:
            return ()
        holding = filter(self._is_answered_there, narrowed(self.article, question, search))
        kept = tuple(itertools.islice(holding, MAX_CHOICES))
        return kept if len(kept) > 1 else ()

    def _is_answered_there(self, choice: Choice) -> bool:
        _, selection = self.look_up(choice.question)
        return self.answers(selection) and self.article.sentences[selection.chosen[0]].section == choice.section

    def _quotes(self, question: str, selections: Sequence[Selection]) -> tuple[Quote, ...]:
        p: dict[int, float] = {}
        for selection in selections:
            for hit, value in zip(selection.candidates.hits, selection.p, strict=True):
                p[hit.sentence] = max(p.get(hit.sentence, 0.0), float(value))
        sentences = self.article.sentences
        first, *further = selections
        quoted = {i for s in selections for i in s.quoted}
        runs = join(self.article, quoted, apart=compares(question)) if further else first.runs
        return tuple(
            Quote(
                self.article,
                Span(sentences[run[0]].span.start, sentences[run[-1]].span.end),
                sentences[run[0]].section,
                max(p.get(i, 0.0) for i in run),
            )
            for run in runs
        )


def _mean_in_log_odds(p: float, q: float) -> float:
    """Return the probability whose log odds are the mean of two others'."""
    odds = math.sqrt(p * q / max((1 - p) * (1 - q), 1e-12))
    return odds / (1 + odds)


_SAFETY_NOTICES = {Safety.PERSONAL_ADVICE: (texts.PERSONAL_ADVICE,), Safety.DOSAGE: (texts.DOSAGE,)}


def nearest_sections(article: Article, search: Search) -> tuple[int, ...]:
    """Return the sections of the best hits, without repeats, best first."""
    return tuple(dict.fromkeys(article.sentences[h.sentence].section for h in search.hits))[:MAX_NEAR]


def _sources(article: Article, quotes: Sequence[Quote]) -> tuple[Source, ...]:
    found = {s.number: s for q in quotes for s in article.sources_of(q.section)}
    return tuple(found[n] for n in sorted(found))
