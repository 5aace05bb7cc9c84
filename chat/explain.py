"""Shows why an answer was chosen, or none: every candidate with every feature and its weight."""

from __future__ import annotations

import numpy as np

from chat.answerer import ALONE_ABOVE, Answerer
from chat.clarify import OPEN_ABOVE, describe_openness
from chat.parts import questions_in, sides_of
from chat.select import LogisticModel, Selection
from index.asking import asking_part
from index.passage_index import Search


def explain(answerer: Answerer, question: str) -> str:
    """Return a report on one question and, where it asks several things, on each, as plain text."""
    spelt = answerer.speller.correct(question)
    search, whole = answerer.look_up(spelt)
    lines = [
        f"question     {question}",
        *([f"looked up as {spelt}"] if spelt != question else []),
        f"screened as  {answerer.screen.check(question)}",
        *_looked_up(answerer, spelt, search, whole),
    ]
    sides: tuple[str, ...] = ()
    if not answerer.answers(whole):
        lines.append(f"\nrefused as a whole: a part is quoted alone from {ALONE_ABOVE:.3f}")
        sides = sides_of(answerer.vocabulary, spelt)
    for part in (*questions_in(answerer.vocabulary, spelt), *sides):
        lines += ["", f"PART         {part}", *_looked_up(answerer, part, *answerer.look_up(part))]
    return "\n".join(lines)


def _looked_up(answerer: Answerer, question: str, search: Search, selection: Selection) -> list[str]:
    asking = asking_part(question)
    lines = [
        *([f"asks         {asking.text} (weight {asking.weight:.2f})"] if asking else []),
        f"confidence   {selection.confidence:.3f}, answers from {answerer.weights.answer_above:.3f}: "
        f"{'answered' if answerer.answers(selection) else 'not answered'}",
        "",
        "what moved the confidence (log odds, feature)",
        *_moved(answerer.weights.question, selection.description),
        "",
        "silences     "
        + ", ".join(f"{k} {v:.3f}" for k, v in sorted(search.bank.silences.items(), key=lambda x: -x[1])),
        "nearest banked questions",
        *(f"  {s:.3f}  {'silent' if q.silent else 'answered'}  {q.question}" for q, s in search.nearest),
    ]
    article = answerer.article
    if answerer.weights.open is not None:
        openness = describe_openness(article, answerer.vocabulary, question, search, selection.confidence)
        p = float(answerer.weights.open.predict(openness[None, :])[0])
        lines += [
            "",
            f"open         {p:.3f}, choices from {OPEN_ABOVE:.3f}",
            *_moved(answerer.weights.open, openness),
        ]
    for k in np.argsort(-selection.p, kind="stable"):
        hit = selection.candidates.hits[int(k)]
        sentence = article.sentences[hit.sentence]
        lines += [
            "",
            f"p {selection.p[k]:.3f}  {'CHOSEN' if hit.sentence in selection.chosen else ''}",
            f"  {sentence.span.of(article.text)}",
            *_moved(answerer.weights.sentence, selection.candidates.features[int(k)]),
        ]
    return lines


def _moved(model: LogisticModel, values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> list[str]:
    parts = (values - np.array(model.mean)) / np.array(model.scale) * np.array(model.coefficients)
    order = np.argsort(-np.abs(parts), kind="stable")
    return [f"  {parts[i]:+7.2f}  {model.features[i]} = {values[i]:.3f}" for i in order]
