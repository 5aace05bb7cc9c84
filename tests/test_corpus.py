"""The corpus: every word accounted for, every piece what it is."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from pathlib import Path

import pytest

from corpus.article import GapKind, PieceKind, Span
from corpus.discourse import in_context, leans_back, limits, previous_in_reach
from corpus.glossary import find_definitions, find_uses
from corpus.library import CorpusError, load_article, load_bank
from corpus.parse import parse, split_sentences
from corpus.passages import MAX_PASSAGE_TOKENS, count_cl100k_tokens, split_passages
from corpus.questions import Question, Silence, load_questions, save_questions

SHA256 = "50e815c17344f4a346507855067b24990fabf164d4bce9af4fe4fa5a80807c9f"


def test_the_article_is_the_received_file(article):
    """The text is byte for byte what was received."""
    assert hashlib.sha256(article.text.encode()).hexdigest() == SHA256 == article.sha256
    assert article.text.count("\u00a0") == 22


@pytest.mark.parametrize("name", ["article", "tea"])
def test_pieces_cover_the_whole_text_once(name, request):
    """The pieces reassemble to the text; none overlaps another, none holds nothing."""
    article = request.getfixturevalue(name)

    assert "".join(p.span.of(article.text) for p in article.pieces) == article.text
    assert all(a.span.end == b.span.start for a, b in pairwise(article.pieces))
    assert all(
        not p.span.of(article.text).strip(" \n\u2022.\u00a00123456789")
        for p in article.pieces
        if p.kind is PieceKind.LAYOUT
    )


def test_section_tree_of_the_article(article):
    """Headings stand in their tree; restored ones are flagged."""
    paths = {" > ".join(s.path): s for s in article.sections}

    assert {
        "Surgery > Mastectomy",
        "Surgery > Lymph Node Surgery",
        "Medication > Hormone Therapy",
        "Medication > Chemotherapy",
        "Frequently Asked Questions",
        "Sources",
    } <= set(paths)
    assert paths["Medication > Hormone Therapy"].restored == (True, False)
    assert sum(s.restored[-1] for s in article.sections) == 8
    assert len({s.anchor for s in article.sections}) == len(article.sections)


def test_faq_sources_author_and_gaps_of_the_article(article):
    """Five FAQ pairs, twelve sources (eight with a DOI), the author, one lost list, eight lost headings."""
    assert len(article.faq) == 5
    assert [s.number for s in article.sources] == list(range(1, 13))
    assert sum(s.url is not None for s in article.sources) == 8
    assert article.sources[0].url == "https://doi.org/10.2147/OTT.S106871"
    assert article.sources[1].url is None
    assert article.author is not None
    assert article.author.of(article.text) == "Colleen Doherty, MD"
    kinds = [g.kind for g in article.gaps]
    assert kinds.count(GapKind.LOST_HEADING) == 8
    assert kinds.count(GapKind.DANGLING_LEAD_IN) == 1
    assert all(g.restored for g in article.gaps if g.kind is GapKind.LOST_HEADING)


def test_captions_headings_and_sources_are_no_sentences(article):
    """Nothing but paragraphs and list items can be quoted."""
    never = {PieceKind.CAPTION, PieceKind.CREDIT, PieceKind.HEADING, PieceKind.SOURCE, PieceKind.FAQ_QUESTION}
    spans = [p.span for p in article.pieces if p.kind in never]

    assert not any(s.span.overlaps(x) for s in article.sentences for x in spans)
    assert not any("Getty" in s.span.of(article.text) for s in article.sentences)


def test_shape_of_the_miniature_article(tea):
    """The parser works on shape alone: another article, other words."""
    kind_of = {p.span.of(tea.text): p.kind for p in tea.pieces if p.kind is not PieceKind.LAYOUT}

    assert kind_of["A person pours tea into a cup"] is PieceKind.CAPTION
    assert kind_of["Jane Roe / Photo House"] is PieceKind.CREDIT
    assert kind_of["Kinds of black tea include:"] is PieceKind.LEAD_IN
    assert kind_of["The two best green teas are:"] is PieceKind.DANGLING
    assert kind_of["Is tea hot?"] is PieceKind.FAQ_QUESTION
    assert [" > ".join(s.path) for s in tea.sections] == [
        "All About Tea", "Black Tea", "Black Tea > Green Tea", "Frequently Asked Questions", "Sources",
    ]  # fmt: skip
    assert tea.sources[0].url == "https://doi.org/10.1000/Tea.12-3"
    assert tea.sources[0].anchors == ("black-tea",)
    assert tea.author is not None
    assert tea.author.of(tea.text) == "Ann O. Nym, PhD"


def test_a_lost_heading_without_a_note_is_reported(tea):
    """Without an editor's note the gap is still found, and flagged as not restored."""
    parsed = parse(tea.text)

    assert [g.restored for g in parsed.gaps if g.kind is GapKind.LOST_HEADING] == [False]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It was Dr. A. Leaf, e.g. in the U.S. today. Then B.", 2),
        ("There is a 1 in 833 chance. It is 2.5 mg.", 2),
        ("See doi:10.2147/OTT.S106871 for more. End.", 2),
        ("It is approx. 5 cm wide. So.", 2),
        ('"Is it safe?" she asked. Yes.', 2),
        ("Maintain a healthy weight,", 1),
        ("Types (e.g. A. and B.) vs. C. differ, i.e. they vary.", 1),
    ],
)
def test_sentences_survive_abbreviations_and_numbers(text, expected):
    """Boundaries fall only between sentences, and the spans keep their offsets."""
    spans = split_sentences(text, Span(0, len(text)))

    assert [s.of(text).strip() for s in spans] == [s.of(text) for s in spans]
    assert len(spans) == expected
    assert "".join(s.of(text) for s in spans).replace(" ", "") == text.replace(" ", "")


def test_passages_stay_in_sections_and_budget(article):
    """Each sentence is in exactly one passage; lists stay whole; the text is the span's."""
    passages = split_passages(article)

    assert sorted(i for p in passages for i in p.sentences) == list(range(len(article.sentences)))
    assert all(article.sections[p.section].span.contains(p.span) for p in passages)
    assert all(p.n_tokens <= MAX_PASSAGE_TOKENS for p in passages)
    for group in {s.group for s in article.sentences if s.group >= 0}:
        members = {i for i, s in enumerate(article.sentences) if s.group == group}
        assert sum(bool(members & set(p.sentences)) for p in passages) == 1


def test_a_small_budget_cuts_between_sentences(article):
    """A budget smaller than a paragraph cuts at sentence bounds and never loses one."""
    passages = split_passages(article, max_tokens=20)

    assert sorted(i for p in passages for i in p.sentences) == list(range(len(article.sentences)))


def test_token_counts_take_special_tokens_as_text():
    """Text that names a special token is counted, not refused."""
    assert count_cl100k_tokens("<|endoftext|>") > 1


def test_discourse_markers(tea):
    """What leans on its neighbour or limits it is recognised by its markers."""
    assert leans_back("These drugs are pills.")
    assert leans_back("They help.")
    assert leans_back("It's only recommended for adults.")
    assert leans_back("It is used to make tea.")
    assert not leans_back("It's important to ask.")
    assert not leans_back("It's recommended that you ask.")
    assert not leans_back("Tea is a drink.")
    assert limits("However, not everyone likes it.")
    assert limits("It should never replace water.")
    assert limits("It is mild but common, and it must not be drunk cold.")
    assert not limits("Tea helps but should never replace water.")
    assert not limits("Tea is a drink.")
    made = next(i for i, s in enumerate(tea.sentences) if s.span.of(tea.text).startswith("It is made"))
    assert in_context(tea, made) == "All About Tea: Tea is a drink. It is made from leaves."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / "article.txt").write_bytes(b"\xff\xfe"), "utf-8"),
        (lambda f: (f / "article.txt").write_text(" \n "), "no text"),
        (lambda f: (f / "article.toml").write_text("sha256 = '00'"), "was written for 00"),
        (lambda f: (f / "article.toml").write_text("[[headings]\n"), "article.toml"),
        (lambda f: (f / "article.toml").write_text("[[headings]]\ntitle='X'\nlevel=2\nbefore='zzz'"), "fit no place"),
        (lambda f: (f / "article.toml").write_text("[[sources]]\nnumber=9\nsections=['none']"), "no such sections"),
    ],
)
def test_a_broken_article_says_what_to_do(library, change, message):
    """A broken folder gives one clear error that names the file."""
    change(library / "tea")

    with pytest.raises(CorpusError, match=message):
        load_article("tea", library)


@pytest.mark.parametrize("article_id", ["nothing", "../tea", "", "tea/../tea"])
def test_an_unknown_article_names_the_known_ones(library, article_id):
    """An id can neither leave the library nor fail without naming what is there."""
    with pytest.raises(CorpusError, match="articles there: tea"):
        load_article(article_id, library)


def test_the_bank_holds_the_faq_and_fits_the_article(article):
    """The FAQ pairs enter by themselves; every editor's span is checked against the text."""
    bank = load_bank(article)

    assert [q.question for q in bank[:5]] == [p.question.of(article.text) for p in article.faq]
    assert sum(bool(q.silent) for q in bank) >= 500
    asked = {q.parts[0][0] for q in bank if q.parts}
    quotable = [s for s in article.sentences if not (s.is_lead_in or s.is_dangling)]
    assert sum(s.span in asked for s in quotable) / len(quotable) > 0.95


def test_questions_round_trip(article, tmp_path):
    """Saved questions load as they were."""
    span = article.sentences[0].span
    questions = (
        Question("a?", ((span,),), theme="t", style="s"),
        Question("b\u00e9?", (), Silence.LOST),
    )

    save_questions(tmp_path / "q.jsonl", questions)

    assert load_questions(tmp_path / "q.jsonl", article) == questions


@pytest.mark.parametrize(
    "row",
    [
        {"question": "x"},
        {"question": " ", "silent": "off"},
        {"question": "x", "parts": [[[1, 2]]]},
        {"question": "x", "parts": [[[1, 2]]], "silent": "off"},
        {"question": "x", "silent": "nonsense"},
        {"parts": []},
        [],
    ],
)
def test_a_bad_question_names_its_line(article, tmp_path, row):
    """A row that does not fit is an error with file and line, never skipped."""
    path: Path = tmp_path / "q.jsonl"
    path.write_text(json.dumps(row) + "\n")

    with pytest.raises(ValueError, match=r"q\.jsonl, line 1"):
        load_questions(path, article)


def test_definitions_are_found_by_their_shape(tea):
    """Terms with the sentences that define them, and where they are used."""
    definitions = find_definitions(tea)
    words = {d.terms: tea.sentences[d.sentence].span.of(tea.text) for d in definitions}

    assert words[("tea",)].startswith("Tea is a drink.")
    assert words[("assam",)].startswith("Assam: ")
    for span, n in find_uses(tea, definitions):
        assert span.of(tea.text).lower().rstrip("s") in {t.rstrip("s") for t in definitions[n].terms}


@pytest.mark.parametrize(
    ("term", "begins"),
    [
        ("brachytherapy", "Brachytherapy (also known as internal radiation)"),
        ("internal radiation", "Brachytherapy (also known as internal radiation)"),
        ("lumpectomy", "Also called a lumpectomy"),
        ("aromatase inhibitors", "Aromatase inhibitors (AIs) are pills"),
        ("metastatic breast cancer", "This mastectomy is uncommonly performed"),
    ],
)
def test_the_articles_definitions(article, term, begins):
    """The shapes of definition that this article has."""
    (found,) = (d for d in find_definitions(article) if term in d.terms)

    assert article.sentences[found.sentence].span.of(article.text).startswith(begins)


def test_an_faq_answer_leans_on_no_other(article):
    """The first sentence of each answer has nothing in reach, the others have the one before."""
    for pair in article.faq:
        assert previous_in_reach(article, pair.answer[0]) is None
        assert all(previous_in_reach(article, i) == i - 1 for i in pair.answer[1:])
