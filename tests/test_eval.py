"""The metrics on cases worked by hand, and the judging of answers."""

from __future__ import annotations

import math
import random

import pytest

from chat.answer import Answer, Kind, Quote
from corpus.article import Span
from corpus.questions import Question, Silence
from eval.metrics import (
    all_parts_quoted,
    calibration_error,
    estimate,
    exact_match,
    paired_difference,
    risk_coverage,
    token_f1,
)
from eval.report import Line, Report, to_text, write_report
from eval.run import is_verbatim, missed_bars
from eval.suites import PERTURBATIONS, judge


def test_token_f1_by_hand():
    """Articles, case and punctuation do not count; two empty texts agree."""
    assert token_f1("The pill.", "a pill a day") == pytest.approx(2 / 3)
    assert token_f1("", "") == 1.0
    assert token_f1("x", "") == 0.0
    assert exact_match("The pill!", "pill")
    assert not exact_match("pill", "pills")


def test_all_parts_quoted_by_hand():
    """Every part needs one of its spans whole inside a quote."""
    parts = ((Span(0, 5), Span(20, 25)), (Span(10, 12),))

    assert all_parts_quoted([Span(0, 12)], parts)
    assert all_parts_quoted([Span(20, 25), Span(10, 12)], parts)
    assert not all_parts_quoted([Span(0, 12)], ((Span(0, 13),),))
    assert not all_parts_quoted([Span(0, 12)], ())


def test_estimates():
    """The interval holds the mean, is the same each time, and is empty without cases."""
    values = [True] * 80 + [False] * 20
    e = estimate(values)

    assert e == estimate(values)
    assert e.low < e.mean == 0.8 < e.high
    assert e.n == 100
    assert math.isnan(estimate([]).mean)
    assert paired_difference([1, 0], [1, 1]).mean == 0.5


def test_calibration_and_risk_coverage_by_hand():
    """Perfectly calibrated extremes have no error; risk is counted from the most confident on."""
    assert calibration_error([0.0, 1.0], [False, True]) == 0.0
    assert calibration_error([1.0, 1.0], [False, True]) == 0.5
    assert risk_coverage([0.1, 0.9], [False, True]) == ([0.5, 1.0], [0.0, 0.5])


def test_judging(article):
    """A refusal is right exactly where the article is silent; a quote where it holds every part."""
    span = article.sentences[0].span
    told = Answer(question="q", article=article, kind=Kind.ANSWER, quotes=(Quote(article, span, 0, 1.0),))
    refused = Answer(question="q", article=article, kind=Kind.NO_ANSWER)
    gold, silent = Question("q", ((span,),)), Question("q", (), Silence.THING)

    assert judge("q", gold, told).right
    assert not judge("q", gold, refused).right
    assert judge("q", silent, refused).right
    assert not judge("q", silent, told).right
    assert judge("q", gold, told).words == len(span.of(article.text).split())
    assert is_verbatim(told)
    assert is_verbatim(refused)


def test_perturbations_disturb_and_repeat():
    """The same seed disturbs alike; typos keep the length, capitals and punctuation do what they say."""
    question = "What's accelerated radiation?"
    typos = PERTURBATIONS["two typos"]

    assert typos(question, random.Random(1)) == typos(question, random.Random(1)) != question
    assert sorted(typos(question, random.Random(1))) == sorted(question)
    assert PERTURBATIONS["capitals"](question, random.Random(1)).isupper()
    assert PERTURBATIONS["no punctuation"](question, random.Random(1)) == "whats accelerated radiation"


def test_report_is_deterministic_and_names_missed_bars(tmp_path):
    """The same numbers give the same files; a missed bar shows in table and list."""
    report = Report(
        lines=[
            Line("s", "good", estimate([True]), 0.9),
            Line("s", "bad", estimate([False]), 0.9),
            Line("s", "long", estimate([70]), 60, at_most=True),
        ],
        kinds_of_no={("a", "b"): 2},
        curves={"reliability": ([0.0, 1.0], [0.0, 1.0])},
        by_section={"x": estimate([True])},
        failures=[{"question": "<b>", "gold": ["g"], "silent": "", "said": ["s"], "confidence": 0.1}],
    )
    write_report(report, tmp_path / "a")
    write_report(report, tmp_path / "b")

    assert (tmp_path / "a/report.html").read_bytes() == (tmp_path / "b/report.html").read_bytes()
    assert "<b>" not in (tmp_path / "a/report.html").read_text()
    assert [m.split(":")[0] for m in missed_bars(report)] == ["s, bad", "s, long"]
    assert to_text(report).count("MISSED") == 2


def test_the_faq_is_answered_from_the_article(answerer):
    """Each of the article's own questions gets its own answer, quoted whole or in part."""
    from eval.suites import faq

    rows = faq(answerer)

    assert len(rows) == 5
    assert all(r.found and r.section_right for r in rows)
