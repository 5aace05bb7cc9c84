"""Runs the suites and holds them against the bars of `bars.toml`."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chat import texts
from chat.answer import Answer, Kind
from chat.answerer import Answerer
from chat.safety import URGENT
from chat.smalltalk import Talk
from chat.wordings import Safety
from corpus.library import faq_questions, load_article
from corpus.questions import Question, load_questions
from eval import suites
from eval.metrics import (
    Estimate,
    calibration_error,
    estimate,
    paired_difference,
    risk_coverage,
)
from eval.report import Line, Report, describe_failure
from eval.suites import DATA_DIR, FaqRow, Row

BARS_PATH = Path(__file__).parent / "bars.toml"
N_PERTURBED = 150  # questions a disturbance is tried on
N_RELIABILITY_BINS = 10
PAIRS = ("clinical", "lay")  # the same questions line by line, in the words of either


def evaluate(answerer: Answerer, split: str = "test", ablations: bool = True) -> Report:
    """Run every suite.

    Args:
        answerer: the bot.
        split: which half of the questions, "test" or "dev"; the threshold for answering was chosen on "dev".
        ablations: also run without the bank, the baselines and the disturbed questions (minutes).
    """
    bars = tomllib.loads(BARS_PATH.read_text(encoding="utf-8"))
    report = Report()
    _faq(report, "FAQ as is", suites.faq(answerer), bars["faq"])
    _faq(report, "FAQ from the body", suites.faq(suites.without_faq(answerer)), {})
    rows: list[Row] = []
    for name in ("questions", "readers"):
        own = suites.ask_all(answerer, load_questions(DATA_DIR / f"{name}.{split}.jsonl", answerer.article))
        _questions(report, f"{name} ({split})", own, bars[name])
        rows += own
    _by_section(report, answerer, [r for r in rows if r.gold.parts])
    report.failures += [describe_failure(answerer.article, r) for r in rows if not r.right]
    _small_talk(report, suites.small_talk(answerer), bars["small_talk"])
    _clarifications(report, suites.clarifications(answerer, split), rows, bars["clarifications"])
    _safety(report, suites.safety(answerer), bars["safety"])
    _conversations(report, f"conversations ({split})", suites.conversations(answerer, split), bars["conversations"])
    if ablations:
        questions = [r.gold for r in rows]
        _baselines(report, answerer, [q for q in questions if q.parts])
        bare = suites.with_bank(answerer, faq_questions(answerer.article))
        _compare(report, "the bot as it is", questions, [r.right for r in rows])
        _compare(report, "without the question bank", questions, [r.right for r in suites.ask_all(bare, questions)])
        for name, right in suites.bank_alone(answerer, questions).items():
            _compare(report, f"alone: {name}", questions, right)
        _disturbed(report, answerer, rows)
    return report


def is_verbatim(answer: Answer) -> bool:
    """Whether every quote is the article's own words, read anew from disk, at sentence bounds."""
    if not answer.quotes or answer.article is None:
        return True
    article = load_article(answer.article.id)
    starts = {s.span.start for s in article.sentences}
    ends = {s.span.end for s in article.sentences}
    return all(
        q["text"] == article.text[q["start"] : q["end"]] and q["start"] in starts and q["end"] in ends
        for q in answer.to_json()["quotes"]
    )


def _faq(report: Report, suite: str, rows: Sequence[FaqRow], bars: dict[str, float]) -> None:
    report.lines += [
        Line(suite, "answered", estimate([r.answer.kind is Kind.ANSWER for r in rows])),
        Line(suite, "answer found", estimate([r.found for r in rows]), bars.get("found")),
        Line(suite, "section right", estimate([r.section_right for r in rows])),
        Line(suite, "token F1", estimate([r.f1 for r in rows])),
        Line(suite, "exact match", estimate([r.exact for r in rows])),
        *_always(suite, [r.answer for r in rows], bars),
    ]


def _always(suite: str, answers: Sequence[Answer], bars: dict[str, float]) -> list[Line]:
    """What must hold for every answer."""
    disclaimed = [a.to_json()["disclaimer"] == texts.DISCLAIMER for a in answers]
    return [
        Line(suite, "verbatim", estimate([is_verbatim(a) for a in answers]), bars.get("verbatim")),
        Line(suite, "disclaimer", estimate(disclaimed), bars.get("disclaimer")),
    ]


def _questions(report: Report, suite: str, rows: Sequence[Row], bars: dict[str, float]) -> None:
    answerable = [r for r in rows if r.gold.parts]
    silent = [r for r in rows if not r.gold.parts]
    answered = [r for r in rows if r.answer.kind is Kind.ANSWER]
    words = [r.words for r in answerable if r.answer.kind is Kind.ANSWER]
    report.lines += [
        Line(suite, "right, of the answerable", estimate([r.right for r in answerable]), bars["right_answerable"]),
        Line(suite, "right, of several parts", estimate([r.right for r in answerable if len(r.gold.parts) > 1])),
        Line(suite, "refused, of the silent", estimate([r.right for r in silent]), bars["refused_unanswerable"]),
    ]
    for kind in sorted({r.gold.silent for r in silent}):
        own = [r.right for r in silent if r.gold.silent is kind]
        report.lines.append(Line(suite, f"refused, {kind}", estimate(own)))
    confidence = [r.answer.confidence for r in rows]
    is_answerable = [bool(r.gold.parts) for r in rows]
    report.lines += [
        Line(suite, "wrong, of the answered", estimate([not r.right for r in answered])),
        Line(
            suite,
            "words quoted, median",
            _plain(float(np.median(words)), len(words)),
            bars["median_words_at_most"],
            at_most=True,
        ),
        Line(suite, "calibration error", _plain(calibration_error(confidence, is_answerable), len(rows))),
        *_always(suite, [r.answer for r in rows], bars),
    ]
    for kinds, n in suites.kinds_of_no(silent).items():
        report.kinds_of_no[kinds] = report.kinds_of_no.get(kinds, 0) + n
    report.curves[f"{suite}, risk-coverage: share wrong against share answered"] = risk_coverage(
        confidence, [r.right if r.gold.parts else False for r in rows]
    )
    report.curves[f"{suite}, reliability: share answerable against confidence"] = _reliability(
        confidence, is_answerable
    )


def _by_section(report: Report, answerer: Answerer, rows: Sequence[Row]) -> None:
    found: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        section = next(s for s in reversed(answerer.article.sections) if s.span.contains(row.gold.parts[0][0]))
        found[section.heading].append(row.right)
    report.by_section.update({name: estimate(values) for name, values in found.items()})


def _reliability(confidence: Sequence[float], right: Sequence[bool]) -> tuple[list[float], list[float]]:
    bins = np.minimum((np.asarray(confidence) * N_RELIABILITY_BINS).astype(int), N_RELIABILITY_BINS - 1)
    used = sorted(set(bins.tolist()))
    x = [float(np.asarray(confidence)[bins == b].mean()) for b in used]
    return x, [float(np.asarray(right)[bins == b].mean()) for b in used]


def _safety(report: Report, rows: Sequence[suites.SafetyRow], bars: dict[str, float]) -> None:
    personal = (Safety.PERSONAL_ADVICE, Safety.DOSAGE)
    urgent = estimate([r.said in URGENT for r in rows if r.gold in URGENT])
    false_alarms = estimate([r.said in URGENT for r in rows if r.gold not in URGENT])
    found = estimate([r.said in personal for r in rows if r.gold in personal])
    plain = estimate([r.said in personal for r in rows if r.gold is Safety.NONE])
    report.lines += [
        Line("safety", "urgent recall", urgent, bars["urgent_recall"]),
        Line("safety", "urgent false alarms", false_alarms, bars["false_alarms_at_most"], at_most=True),
        Line("safety", "personal and dosage recall", found, bars["personal_and_dosage_recall"]),
        Line("safety", "plain taken for personal or dosage", plain),
    ]
    report.failures += [
        {"question": r.text, "gold": [str(r.gold)], "silent": "", "confidence": "", "said": [str(r.said)]}
        for r in rows
        if (r.said in URGENT) != (r.gold in URGENT)
    ]


def _conversations(report: Report, suite: str, rows: Sequence[suites.TurnRow], bars: dict[str, float]) -> None:
    follow_ups = [r for r in rows if r.kind == "followup"]
    new = [r for r in rows if r.kind == "new"]
    change = paired_difference([r.right_alone for r in new], [r.right for r in new])
    answered = estimate([r.right for r in follow_ups if r.answerable])
    refused = estimate([r.right for r in follow_ups if not r.answerable])
    report.lines += [
        Line(suite, "follow-ups answered", answered, bars["followups_answered"]),
        Line(suite, "... without history", estimate([r.right_alone for r in follow_ups if r.answerable])),
        Line(suite, "follow-ups rightly refused", refused, bars["followups_refused"]),
        Line(suite, "complete questions, right", estimate([r.right for r in new])),
        Line(suite, "... change by the history", change),
    ]


def _baselines(report: Report, answerer: Answerer, questions: Sequence[Question]) -> None:
    for name, found in suites.baselines(answerer, questions).items():
        report.lines.append(Line("baseline, one sentence", f"{name}: right", estimate(found)))


def _compare(report: Report, suite: str, questions: Sequence[Question], right: Sequence[bool]) -> None:
    both = list(zip(questions, right, strict=True))
    report.lines += [
        Line(suite, "right, of the answerable", estimate([r for q, r in both if q.parts])),
        Line(suite, "refused, of the silent", estimate([r for q, r in both if not q.parts])),
    ]


def _small_talk(report: Report, rows: Sequence[tuple[Talk, Talk]], bars: dict[str, float]) -> None:
    recognised = estimate([said is gold for gold, said in rows if gold is not Talk.NONE])
    taken = estimate([said is not Talk.NONE for gold, said in rows if gold is Talk.NONE])
    report.lines += [
        Line("small talk", "recognised", recognised, bars["recognised"]),
        Line("small talk", "questions taken for it", taken, bars["questions_taken_at_most"], at_most=True),
    ]


def _clarifications(
    report: Report, labelled: Sequence[tuple[bool, bool]], rows: Sequence[Row], bars: dict[str, float]
) -> None:
    offered = estimate([said for gold, said in labelled if gold])
    elsewhere = estimate([said for gold, said in labelled if not gold])
    ordinary = estimate([bool(r.answer.choices) for r in rows])
    report.lines += [
        Line("choices", "offered, of the open questions", offered, bars["offered"]),
        Line("choices", "offered, of the clear ones", elsewhere, bars["elsewhere_at_most"], at_most=True),
        Line("choices", "offered, questions and readers", ordinary, bars["ordinary_at_most"], at_most=True),
    ]


def _disturbed(report: Report, answerer: Answerer, rows: Sequence[Row]) -> None:
    chosen = [r for r in rows if r.gold.parts][:N_PERTURBED]
    for name in suites.PERTURBATIONS:
        after = suites.perturbed(answerer, [r.gold for r in chosen], name)
        change = paired_difference([r.right for r in chosen], [r.right for r in after])
        report.lines.append(Line("robustness, change in right", name, change))
    pairs = [
        suites.ask_all(answerer, load_questions(DATA_DIR / f"{name}.test.jsonl", answerer.article)) for name in PAIRS
    ]
    for wanted, label in ((True, "answerable"), (False, "silent")):
        clinical, lay = ([r.right for r in own if bool(r.gold.parts) is wanted] for own in pairs)
        change = paired_difference(clinical, lay)
        report.lines.append(Line("robustness, change in right", f"lay for clinical words, {label}", change))


def _plain(value: float, n: int) -> Estimate:
    return Estimate(n, value, value, value)


def missed_bars(report: Report) -> list[str]:
    """Return the lines that miss their bar, in words."""
    return [f"{line.suite}, {line.metric}: {line.value.mean:.3f}" for line in report.lines if line.missed]


def facts(answerer: Answerer) -> dict[str, Any]:
    """Return what the numbers were measured on."""
    return {
        "article_sha256": answerer.article.sha256,
        "encoder": answerer.encoder.name,
        "banked_questions": len(answerer.index.bank.questions),
        "weights": answerer.weights.fitted,
    }
