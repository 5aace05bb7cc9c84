"""Writes an evaluation as one self-contained HTML file with plots, and as JSON beside it."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from chat.render import section_path
from corpus.article import Article
from eval.metrics import Estimate
from eval.suites import Row

_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2b2f}
table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #ccd;padding:.25rem .6rem;text-align:left;
vertical-align:top}th{background:#eef3f4}.missed{color:#9c1c1c;font-weight:600}img{max-width:100%}"""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table.

    Attributes:
        suite: which questions.
        metric: what is measured.
        value: the estimate; or a plain number as `Estimate` with low and high equal to it.
        bar: what it must reach, None where nothing is asked.
        at_most: whether the bar is an upper one.
    """

    suite: str
    metric: str
    value: Estimate
    bar: float | None = None
    at_most: bool = False

    @property
    def missed(self) -> bool:
        """Whether the bar is missed."""
        if self.bar is None:
            return False
        return self.value.mean > self.bar if self.at_most else not self.value.mean >= self.bar


@dataclass(slots=True)
class Report:
    """A whole evaluation, filled suite by suite.

    Attributes:
        lines: the table.
        kinds_of_no: counts by (gold kind, said kind).
        curves: named x and y values to plot: risk-coverage, reliability.
        by_section: share right of the answerable questions, by the section of their gold.
        failures: what went wrong, for reading.
    """

    lines: list[Line] = field(default_factory=list)
    kinds_of_no: dict[tuple[str, str], int] = field(default_factory=dict)
    curves: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)
    by_section: dict[str, Estimate] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)


def describe_failure(article: Article, row: Row) -> dict[str, Any]:
    """Return a wrong answer as the reader of the report needs it."""
    return {
        "question": row.question,
        "gold": [part[0].of(article.text) for part in row.gold.parts],
        "silent": str(row.gold.silent),
        "confidence": round(row.answer.confidence, 3),
        "said": [f"{section_path(q.heading)}: {q.text}" for q in row.answer.quotes] or list(row.answer.notices),
    }


def to_text(report: Report) -> str:
    """Return the table as plain text."""
    rows = [("suite", "metric", "n", "value", "95 % interval", "bar", "")]
    for line in report.lines:
        v = line.value
        bar = "" if line.bar is None else f"{'<=' if line.at_most else '>='} {line.bar:g}"
        interval = "" if v.low == v.high else f"{v.low:.3f} to {v.high:.3f}"
        rows.append(
            (line.suite, line.metric, str(v.n), f"{v.mean:.3f}", interval, bar, "MISSED" if line.missed else "")
        )
    widths = [max(len(r[k]) for r in rows) for k in range(len(rows[0]))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows)


def write_report(report: Report, folder: Path) -> None:
    """Write `report.html` and `report.json` into a folder.

    Raises:
        ModuleNotFoundError: without matplotlib, which comes with the `dev` group.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data = asdict(report) | {"kinds_of_no": [[*k, n] for k, n in sorted(report.kinds_of_no.items())]}
    (folder / "report.json").write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "report.html").write_text(_html(report), encoding="utf-8")


def _html(report: Report) -> str:
    table = _table(
        ("suite", "metric", "n", "value", "95 % interval", "bar"),
        [
            (
                line.suite,
                line.metric,
                line.value.n,
                f"{line.value.mean:.3f}{' MISSED' if line.missed else ''}",
                f"{line.value.low:.3f} to {line.value.high:.3f}",
                "" if line.bar is None else f"{'at most' if line.at_most else 'at least'} {line.bar:g}",
            )
            for line in report.lines
        ],
    )
    failures = _table(
        ("question", "gold", "said instead", "confidence"),
        [
            (f["question"], " / ".join(f["gold"]) or f"(silent: {f['silent']})", " / ".join(f["said"]), f["confidence"])
            for f in report.failures
        ],
    )
    kinds = _table(("gold", "said", "n"), [(*k, n) for k, n in sorted(report.kinds_of_no.items())])
    plots = "".join(_plot(name, x, y) for name, (x, y) in report.curves.items()) + _bars(report.by_section)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Evaluation</title><style>{_STYLE}</style>'
        f"<h1>Evaluation</h1>{table}<h2>Curves</h2>{plots}<h2>Kinds of no</h2>{kinds}"
        f"<h2>Failures ({len(report.failures)})</h2>{failures}</html>"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    def cells(tag: str, row: Sequence[object]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(str(c))}</{tag}>" for c in row) + "</tr>"

    return f"<table>{cells('th', head)}{''.join(cells('td', r) for r in rows)}</table>"


def _plot(name: str, x: list[float], y: list[float]) -> str:
    figure, axes = _axes(name)
    axes.plot(x, y, marker="o" if len(x) <= 10 else "", color="#0b6b74")
    if name.startswith("reliability"):
        axes.plot([0, 1], [0, 1], color="#aaa", linewidth=1)
    return _embedded(figure, name)


def _bars(by_section: dict[str, Estimate]) -> str:
    name = "right, by section of the gold"
    figure, axes = _axes(name)
    names = sorted(by_section, key=lambda s: by_section[s].mean)
    axes.barh([f"{s} ({by_section[s].n})" for s in names], [by_section[s].mean for s in names], color="#0b6b74")
    return _embedded(figure, name)


def _axes(name: str) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.set_title(name)
    return figure, axes


def _embedded(figure: Any, name: str) -> str:
    buffer = io.BytesIO()
    # a fixed hash salt and no date: the same numbers give the same file
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": "eval"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{html.escape(name)}" src="data:image/svg+xml;base64,{encoded}">'
