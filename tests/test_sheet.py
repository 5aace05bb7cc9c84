"""What a reader takes along: the sheet, the links into the original; and what the operator may keep."""

from __future__ import annotations

import html
import json

import pytest

from chat import texts
from chat.answer import text_fragment_url
from chat.sheet import MAX_TURNS, Turn, answer_turns, read_turns, sheet_page, write_turns
from chat.unanswered import HIDDEN, log_unanswered, redact


def test_turns_survive_the_way_through_the_page():
    """What is written is read again; only the last ones are kept."""
    turns = [Turn('a "quote" <b>\n\u00e4', True), Turn("b")]

    assert read_turns(write_turns(turns)) == tuple(turns)
    assert len(read_turns(write_turns([Turn(str(n)) for n in range(99)]))) == MAX_TURNS
    assert read_turns("") == ()


@pytest.mark.parametrize("text", ["{", "{}", "[1]", '[["a"]]', '[["a", 1]]', "[[1, true]]"])
def test_broken_turns_are_refused(text):
    """With an error, not with a sheet of something else."""
    with pytest.raises(ValueError):  # noqa: PT011  json's own message or ours
        read_turns(text)


def test_the_sheet_holds_quotes_sources_and_open_questions(answerer, article):
    """Word for word, with the article's name, author, hash, the date and the disclaimer."""
    turns = [Turn("how is keytruda given"), Turn("what does keytruda cost"), Turn("<script>alert(1)</script>")]
    answers = answer_turns(turns, lambda q, history, as_typed: answerer.answer(q, history, as_typed=as_typed))
    page = sheet_page(article, answers, "2026-01-31")
    shown = html.unescape(page)

    assert all(q.text.strip() in shown for q in answers[0].quotes)
    for part in (article.title, article.sha256, "Colleen Doherty, MD", "2026-01-31", texts.DISCLAIMER):
        assert part in shown
    assert "<li>what does keytruda cost</li>" in page
    assert "<script>alert" not in page


def test_a_refused_personal_question_is_one_to_take_along(answerer, article):
    """What most belongs to the care team is on the sheet's list."""
    turns = [Turn("how many mg of tamoxifen should i take"), Turn("hello")]
    answers = answer_turns(turns, lambda q, history, as_typed: answerer.answer(q, history, as_typed=as_typed))
    listed = html.unescape(sheet_page(article, answers, "2026-01-31")).split('id="team"')[1]

    assert not any(a.quotes for a in answers)
    assert turns[0].question in listed
    assert turns[1].question not in listed


def test_text_fragments_are_encoded():
    """Hyphen, comma and ampersand have a meaning there; a long quote is named by its ends."""
    long = text_fragment_url("https://a.org/x", "one two three four five six seven eight nine ten, eleven twelve-b")

    assert text_fragment_url("https://a.org/x", "HER2-negative & more") == (
        "https://a.org/x#:~:text=HER2%2Dnegative%20%26%20more"
    )
    assert long == "https://a.org/x#:~:text=one%20two%20three%20four%20five,eight%20nine%20ten%2C%20eleven%20twelve%2Db"


def test_redaction_leaves_common_words_only():
    """No name, number or address is kept."""
    common = {"my", "takes", "tamoxifen"}.__contains__

    assert redact("Anna Smith (52) takes tamoxifen, a.s@x.org", common) == (
        f"{HIDDEN} {HIDDEN} ({HIDDEN}) takes tamoxifen, {HIDDEN}.{HIDDEN}@{HIDDEN}.{HIDDEN}"
    )


def test_nothing_is_logged_unless_asked_for(answerer, tmp_path, monkeypatch):
    """Off by default; on, only what was not answered and was nobody's danger."""
    log = tmp_path / "unanswered.jsonl"
    asked = ["what does tamoxifen cost in Leeds 77", "how is keytruda given", "i want to end my life", "hi"]
    for question in asked:
        log_unanswered(answerer.answer(question), answerer.speller.is_common)
    assert not log.exists()

    monkeypatch.setenv(texts.LOG_VARIABLE, str(log))
    for question in asked:
        log_unanswered(answerer.answer(question), answerer.speller.is_common)

    (row,) = (json.loads(line) for line in log.read_text().splitlines())
    assert row["question"] == f"what does tamoxifen cost in {HIDDEN} {HIDDEN}"
    assert texts.privacy() == texts.LOGGED
