"""Every way out of the program: terminal, JSON lines, HTTP, page. Each carries the disclaimer."""

from __future__ import annotations

import html
import io
import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import chat.__main__ as command_line
from chat import texts, web
from chat.answer import Kind
from chat.answerer import Answerer
from chat.page import article_page, parse_quotes
from chat.render import escape, failed, section_path, to_markdown, to_text
from chat.web import Guard, build_site
from corpus.article import PieceKind

ROOT = Path(__file__).parents[1]
QUESTIONS = [
    "what does her2 negative mean",
    "side effects of tamoxifen",
    "my chest hurts and i cant breathe",
    "",
    "x" * 5000,
]


@pytest.fixture
def client(answerer):
    return TestClient(Guard(build_site(lambda: answerer)))


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_rendering_carries_the_disclaimer(answerer, question):
    """Text, Markdown and JSON of every kind of Answer."""
    answer = answerer.answer(question)

    assert texts.DISCLAIMER in to_text(answer)
    assert texts.DISCLAIMER in html.unescape(to_markdown(answer))
    assert answer.to_json()["disclaimer"] == texts.DISCLAIMER


def test_a_fault_still_carries_the_disclaimer():
    """An Answer about our own fault is an Answer."""
    assert failed("q").kind is Kind.INVALID
    assert texts.DISCLAIMER in to_text(failed("q"))


def test_markdown_shows_text_as_it_is():
    """Escaped, no character of a text can become markup."""
    hostile = "<img src=x onerror=alert(1)> [a](javascript:b) **c** `d` # e $f$ &amp; \u00a0\u2019"

    assert html.unescape(escape(hostile)) == hostile
    assert not set(escape(hostile)) & set("<>[]()*`$!\"'")


def test_markdown_of_an_answer_links_to_the_marked_article(answerer):
    """Each quote is a block quote, word for word, with a link to its place."""
    answer = answerer.answer("What are the types of mastectomy?")
    shown = html.unescape(to_markdown(answer))

    for number, quote in enumerate(answer.quotes, start=1):
        assert f"{quote.span.start}-{quote.span.end}" in shown
        assert f"#quote-{number})" in shown
        assert all(line.strip(" ") in shown for line in quote.text.split("\n"))


def test_restored_headings_stand_in_brackets(article):
    """A heading that this copy lost is shown as restored."""
    chemo = next(s for s in article.sections if s.heading == "Chemotherapy")

    assert section_path(chemo) == "[Medication] > [Chemotherapy]"


def run_lines(answerer: Answerer, *lines: bytes) -> list[dict]:
    out = io.StringIO()
    assert command_line._serve_lines(answerer, iter(lines), out) == 0
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_json_lines_keep_order_and_ids_and_survive_bad_lines(answerer):
    """One Answer a line, in order; a bad line is answered as invalid and the rest goes on."""
    answers = run_lines(
        answerer,
        b'{"id": "a", "question": "what does her2 negative mean"}\n',
        b"not json\n",
        b'{"id": 2, "question": 5}\n',
        b'{"id": "c", "question": "x", "history": "no list"}\n',
        b'["a"]\n',
        b"\n",
        b"\xff\xfe\n",
        b'{"id": "d", "question": ""}\n',
        b'{"id": "e", "question": "is that a pill?", "history": ["what is tamoxifen"]}\n',
        b"[" * 100_000 + b"\n",
    )

    assert [a["id"] for a in answers] == ["a", None, 2, "c", None, None, "d", "e", None]
    assert [a["kind"] for a in answers] == ["answer", *["invalid"] * 6, "answer", "invalid"]
    assert all(a["disclaimer"] == texts.DISCLAIMER for a in answers)
    assert all(a["notices"] for a in answers if a["kind"] == "invalid")


def test_json_lines_survive_a_fault(answerer, monkeypatch):
    """A fault while answering costs one line its answer, not the others theirs."""

    def fail(*_):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(Answerer, "answer", fail)
    (answer,) = run_lines(answerer, b'{"id": "a", "question": "hi"}\n')

    assert answer["kind"] == "invalid"
    assert answer["notices"] == [texts.FAILED]
    assert "secret" not in json.dumps(answer)


def test_the_answer_has_exactly_the_agreed_fields(answerer):
    """Scripts depend on the JSON: no field more, none less."""
    answer = answerer.answer("how do aromatase inhibitors work", id="q1").to_json()

    assert list(answer) == [
        "id", "question", "kind", "safety", "quotes", "sources", "near", "understood", "choices", "suggestions",
        "notices", "confidence", "disclaimer",
    ]  # fmt: skip
    assert list(answer["quotes"][0]) == [
        "article", "start", "end", "text", "section", "section_restored", "anchor", "url", "score",
    ]  # fmt: skip
    assert list(answer["sources"][0]) == ["number", "text", "url"]
    assert answer["sources"][0]["url"] == "https://doi.org/10.21614/chirurgia.112.4.413"


@pytest.mark.parametrize("module", ["corpus", "index", "chat", "eval", "eval.fit"])
def test_help_is_instant_and_loads_nothing_heavy(module):
    """--help must not wait for models."""
    code = (
        f"import sys, runpy; sys.argv = ['x', '--help']\n"
        f"try: runpy.run_module('{module}', run_name='__main__', alter_sys=False)\n"
        f"except SystemExit as e: assert not e.code\n"
        f"heavy = {{'torch', 'gradio', 'sentence_transformers', 'faiss'}} & set(sys.modules)\n"
        f"assert not heavy or '{module}' == 'eval.fit', heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout


def test_corpus_command_checks_the_library():
    """The library as shipped is whole."""
    done = subprocess.run(
        [sys.executable, "-m", "corpus", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "dangling_lead_in, not restored" in done.stdout


def test_api_answers_and_refuses_bad_bodies(client):
    """The API gives the same object; a body that is none is a clear 422."""
    good = client.post("/api/answer", json={"question": "what does her2 negative mean", "id": "1"})

    assert good.json()["kind"] == "answer"
    assert good.json()["id"] == "1"
    bad = client.post("/api/answer", json={"q": 1})
    assert bad.status_code == 422
    assert "question" in bad.json()["notices"][0]
    assert bad.json()["disclaimer"] == texts.DISCLAIMER
    assert client.get("/healthz").json() == {"status": "ok"}


def test_api_fault_gives_an_answer_with_the_disclaimer(answerer):
    """A fault shows no detail and keeps the disclaimer."""

    def broken():
        raise RuntimeError("secret detail")

    client = TestClient(Guard(build_site(broken)))
    answer = client.post("/api/answer", json={"question": "hi"})

    assert answer.json()["notices"] == [texts.FAILED]
    assert answer.json()["disclaimer"] == texts.DISCLAIMER
    assert "secret" not in answer.text


def test_a_time_out_gives_an_answer_with_the_disclaimer(answerer, monkeypatch):
    """Somebody who waits too long is told so."""
    monkeypatch.setattr(web, "MAX_SECONDS", 0.01)
    released = threading.Event()

    def slow():
        released.wait()
        return answerer

    answer = web.answer_safely(slow, "what is reiki", [], "7")
    released.set()

    assert answer.notices == (texts.TOO_SLOW,)
    assert answer.id == "7"
    assert answer.disclaimer == texts.DISCLAIMER


def test_the_sheet_is_made_from_questions_alone(client):
    """Anything else gets a clear error, with the disclaimer."""
    good = client.post("/sheet", data={"turns": '[["how is keytruda given", false]]'})
    bad = client.post("/sheet", data={"turns": '[["how", 1]]'})
    long = client.post("/sheet", data={"turns": "x" * (web.MAX_SHEET_BYTES + 1)})

    assert "Keytruda" in good.text
    assert [r.status_code for r in (good, bad, long)] == [200, 400, 400]
    assert all(texts.DISCLAIMER in html.unescape(r.text) for r in (good, bad, long))


def test_every_page_is_guarded(client):
    """Security headers on every response; no scripts but the page's own; no uploads."""
    page = client.get("/article/her2-negative-treatment")

    assert "'unsafe-inline'" not in page.headers["content-security-policy"].split("style-src")[0]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert client.post("/gradio_api/upload").status_code == 404
    missing = client.get("/article/%3Cscript%3E")
    assert missing.status_code == 404
    assert "<script>" not in missing.text
    assert texts.DISCLAIMER in missing.text


def test_article_page_holds_every_word_and_marks_the_span(article):
    """Nothing of the article is left out; the mark covers exactly the quoted words."""
    sentence = next(s for s in article.sentences if "Keytruda is used" in s.span.of(article.text))
    page = article_page(article, [f"{sentence.span.start}-{sentence.span.end}"])

    marked = re.sub("<[^>]+>", "", page.split('<mark id="quote-1">')[1].split("</mark>")[0])
    assert html.unescape(marked) == sentence.span.of(article.text)
    shown = html.unescape(re.sub("</?(?:mark|a)[^>]*>", "", page))
    for piece in article.pieces:
        if piece.kind not in (PieceKind.LAYOUT, PieceKind.HEADING):
            assert piece.span.of(article.text) in shown


def test_article_page_marks_a_list_item_by_item(article):
    """A span over a list is marked in each item, numbered once."""
    items = [s for s in article.sentences if s.group == 0 and s.is_item]
    page = article_page(article, [f"{items[0].span.start}-{items[-1].span.end}"])

    assert page.count("<mark") == 3
    assert page.count('id="quote-1"') == 1


@pytest.mark.parametrize("value", ["", "5", "9-5", "0-999999", "a-b", "-1-5", "1-2-3", "5-5", "99999999999-2", "<b>"])
def test_a_bad_quote_address_shows_the_article_unmarked(article, value):
    """The article is shown, nothing is marked, and a line says so."""
    page = article_page(article, [value])

    assert "nothing is marked" in page
    assert "<mark" not in page
    assert "<b>" not in page


def test_good_quotes_are_read_in_order(article):
    """Several spans keep their numbers."""
    spans, good = parse_quotes(["10-20,0-5", "30-31"], article)

    assert good
    assert [(s.start, s.end) for s in spans] == [(10, 20), (0, 5), (30, 31)]
