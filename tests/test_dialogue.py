"""Small talk, choices, suggestions, history: what makes a conversation of single questions."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from chat import texts
from chat.answer import Kind
from chat.features import Vocabulary
from chat.parts import compares, questions_in, sides_of
from chat.safety import URGENT
from chat.smalltalk import Talk, load_examples, reply
from chat.suggest import MAX_SUGGESTIONS, Suggestion, candidates, follow_ups
from corpus.article import Article


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("hello there", texts.HELLO),
        ("thank you, that was helpful", texts.WELCOME),
        ("are you a real doctor?", texts.ABILITIES),
        ("is there a date on this page", texts.NO_DATE),
        ("what references does it have", texts.SOURCES),
        ("what topics does this cover", texts.ABOUT),
    ],
)
def test_small_talk_gets_a_fixed_answer(answerer, message, said):
    """Without quotes, with the disclaimer."""
    answer = answerer.answer(message)

    assert said in answer.notices
    assert answer.kind is Kind.NO_ANSWER
    assert answer.disclaimer == texts.DISCLAIMER


def test_the_author_is_the_articles_own(answerer, article):
    """Facts about the article come from the article."""
    answer = answerer.answer("who wrote this?")

    assert article.author.of(article.text) in " ".join(answer.notices)
    assert article.publisher in " ".join(answer.notices)


def test_sources_are_all_listed(answerer, article):
    """The question for sources gets every one of them."""
    assert answerer.answer("what are your sources").sources == article.sources


@pytest.mark.parametrize(
    "question", ["thanks, and how long is tamoxifen taken?", "hi, what is brachytherapy", "who gives the radiation"]
)
def test_a_question_beside_a_greeting_is_answered(answerer, question):
    """Politeness does not cost an answer."""
    assert answerer.answer(question).kind is Kind.ANSWER


def test_a_cry_for_help_is_no_small_talk(answerer):
    """Danger goes first."""
    assert answerer.answer("hello? help me please i cant breathe").safety in URGENT


def test_every_kind_of_small_talk_has_a_reply(tea: Article):
    """For any article, with what it has and what it lacks."""
    for talk in set(Talk) - {Talk.NONE}:
        notices, _, _ = reply(tea, talk)
        assert all(notices), talk
    assert {kind for _, kind in load_examples()} == set(Talk)


@pytest.mark.parametrize("question", ["is it a pill or a drip", "who is it for", "which drugs do they use"])
def test_an_open_question_gets_choices_that_are_answered_from_there(answerer, question):
    """Each choice is a question that the bot answers from the section it names."""
    answer = answerer.answer(question)

    assert len(answer.choices) > 1
    for choice in answer.choices:
        narrowed = answerer.answer(choice.question, as_typed=True)
        assert choice.section in {q.section for q in narrowed.quotes}


@pytest.mark.parametrize(
    "question", ["how long do you take tamoxifen", "what are the types of mastectomy", "how is keytruda given"]
)
def test_a_clear_question_gets_no_choices(answerer, question):
    """Choices are for questions that leave something open."""
    assert answerer.answer(question).choices == ()


@pytest.mark.parametrize("question", ["what are the side effects of keytruda", "how much does a mastectomy cost"])
def test_a_question_that_is_refused_surely_gets_no_choices(answerer, question):
    """The article answers none of them, so that a choice would only put another question into her mouth."""
    answer = answerer.answer(question)

    assert answer.kind is Kind.NO_ANSWER
    assert answer.choices == ()


def test_of_two_questions_the_one_that_is_answered_is_quoted_and_the_rest_said_to_be_missing(answerer):
    """Nobody loses an answer because she asked for more than the article holds."""
    answer = answerer.answer("how much does a lumpectomy cost privately, and what is a sentinel lymph node biopsy?")

    assert answer.kind is Kind.ANSWER
    assert texts.ONLY_IN_PART in answer.notices
    assert texts.ONLY_IN_PART not in answerer.answer("what is a sentinel lymph node biopsy?").notices


def test_every_suggestion_is_answered(answerer, article):
    """What is offered is answered, and most of what the editor wrote can be offered."""
    for suggestion in answerer.suggestions:
        assert answerer.answer(suggestion.question).kind is Kind.ANSWER, suggestion.question
    assert len(answerer.suggestions) > 0.8 * len(candidates(article))


def test_suggestions_are_new_and_near():
    """Not what was asked, not what was just read; the same section first, then the next one."""
    offered = [Suggestion(f"Question {n}?", n // 2, (n,)) for n in range(8)]

    assert follow_ups(offered, [1], {2}, ["question 3"]) == ("Question 4?", "Question 5?", "Question 6?")
    assert follow_ups(offered, [1], (), ())[:2] == ("Question 2?", "Question 3?")
    assert follow_ups(offered[:2], [0], {0, 1}, ()) == ()
    assert MAX_SUGGESTIONS == 3


def test_as_typed_takes_nothing_from_before(answerer):
    """The way to say no to "Understood as"."""
    before = ["what is tamoxifen"]

    assert answerer.answer("is that a pill?", before).understood
    assert answerer.answer("is that a pill?", before, as_typed=True).understood == ""


@pytest.mark.parametrize(
    "history",
    [
        [f"{question} {n}" for n, question in zip(range(200), itertools.cycle(["what is reiki", "what is chemo"]))],
        ["x" * 1_000_000],
        ["¿qué es la quimioterapia?", "什么是化疗", "что такое лучевая терапия"],
        ["is radiation needed", "radiation is never needed", "forget the radiation, only surgery"],
        ["", "\x00", "???"],
    ],
    ids=["200 turns", "1 MB", "other languages", "contradictory", "not text"],
)
def test_a_complete_question_is_answered_the_same_after_any_history(answerer, history):
    """Nothing earlier colours a question that stands by itself."""
    question = "how do aromatase inhibitors work"

    alone, after = answerer.answer(question), answerer.answer(question, history)

    assert [q.span for q in after.quotes] == [q.span for q in alone.quotes]
    assert after.understood == ""


@pytest.mark.parametrize(
    ("message", "asked"),
    [
        ("What is Assam and how is it grown?", ("What is Assam", "how is it grown (assam)?")),
        ("We moved house. Is tea hot? And who drinks it?", ("Is tea hot?", "And who drinks it (tea hot)?")),
        ("  Is tea hot and is it cold?", ("Is tea hot", "is it cold (tea hot)?")),
        ("is green tea or black tea better", ()),
        ("Can people who have had tea and are having Assam eat soy?", ()),
        ("Should people who sleep badly and have children drink it?", ()),
        ("what is tea", ()),
    ],
)
def test_the_questions_of_a_message_are_told_apart(tea, message, asked):
    """Each as understood after the ones before; a message that asks one thing has no parts."""
    assert questions_in(Vocabulary(tea), message) == asked


def test_both_halves_of_a_question_are_answered(answerer):
    """What is asked after "and" is not lost, and every quote has its score."""
    answer = answerer.answer("how many minutes of exercise a week should she get, and what should she eat?")
    quoted = " ".join(q.text for q in answer.quotes)

    assert "150 to 300 minutes" in quoted
    assert "low-fat" in quoted
    assert all(q.score > 0 for q in answer.quotes)


def test_an_off_topic_question_after_a_topic_stays_refused(answerer):
    """A topic from before makes no answer of it."""
    assert answerer.answer("who won the world cup", ["what is tamoxifen"]).kind is Kind.NO_ANSWER


@pytest.mark.parametrize("question", ["How is prostate cancer treated?", "ovarian cancer treatment"])
def test_another_disease_is_refused_without_choices(answerer, question):
    """A heading put before the question would make the article seem to speak of it."""
    answer = answerer.answer(question)

    assert answer.kind is Kind.NO_ANSWER
    assert answer.choices == ()


@pytest.mark.parametrize(
    ("question", "sides"),
    [
        ("chemotherapy vs. immunotherapy", ("what is chemotherapy?", "what is immunotherapy?")),
        ("What's the difference between yoga and reiki?", ("what is yoga?", "what is reiki?")),
        ("how does yoga differ from acupuncture", ("what is yoga?", "what is acupuncture?")),
        ("how much is chemotherapy vs immunotherapy", ()),
        ("who gets chemotherapy versus immunotherapy", ()),
        ("yoga vs reiki vs acupuncture", ()),
        ("yoga vs zumba", ()),
        ("is yoga compared to a sport?", ()),
        ("yoga and reiki", ()),
    ],
)
def test_the_sides_of_a_comparison(article, question, sides):
    """Two things that the article names, compared for what they are and nothing more."""
    assert sides_of(Vocabulary(article), question) == sides


def test_what_compares():
    """Words that only begin like those of a comparison are none."""
    assert all(map(compares, ("this vs that", "whats the diffrence", "Comparison of both")))
    assert not any(map(compares, ("is it difficult", "a diffuse compartment", "this and that")))


def test_a_comparison_that_is_refused_as_a_whole_is_answered_by_its_sides(answerer):
    """Each side is quoted, and the less sure one says how sure the answer is; another aspect stays refused."""
    whole = answerer.look_up("lumpectomy vs mastectomy")[1]
    sides = [answerer.look_up(f"what is {side}?")[1] for side in ("lumpectomy", "mastectomy")]
    asked = "lumpectomy vs mastectomy"
    found, only_in_part = answerer._found(asked, asked, (), dataclasses.replace(whole, confidence=0.0))

    assert not only_in_part
    assert [s.chosen for s in found] == [s.chosen[:1] for s in sorted(sides, key=lambda s: s.confidence)]
    assert found[0].confidence == min(s.confidence for s in sides)
    assert answerer.answer("survival of lumpectomy vs mastectomy").kind is Kind.NO_ANSWER


def test_a_follow_up_must_fit_by_itself(answerer):
    """What it names is asked for, not only what was spoken of before; a bare one is all about that."""
    before = ["are whole grains good for me after breast cancer"]

    assert answerer.answer(before[0]).kind is Kind.ANSWER
    assert answerer.answer("and red meat?", before).kind is Kind.NO_ANSWER
    assert answerer.answer("and why?", ["is radiation needed after a lumpectomy"]).kind is Kind.ANSWER
