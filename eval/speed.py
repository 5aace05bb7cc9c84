"""Measure what a person waits for: `python -m eval.speed`. Figures, not a test: machines differ."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
_PORT = 7899
_MEGABYTE = 1e6


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m eval.speed", description=__doc__)
    parser.add_argument("--answers", type=int, default=100, help="how many questions to time (default: 100)")
    args = parser.parse_args(argv)
    for name, value, budget in [*_building(), *_answering(args.answers), *_serving()]:
        print(f"{name:45} {value:>10}   budget {budget}")
    return 0


def _building() -> list[tuple[str, str, str]]:
    from chat.assemble import default_article
    from corpus.library import load_article, load_bank
    from index.models import load_encoder
    from index.passage_index import PassageIndex

    article = load_article(default_article())
    questions, encoder = load_bank(article), load_encoder()
    start = time.perf_counter()
    PassageIndex.build(article, questions, encoder)
    return [("index built in", f"{time.perf_counter() - start:.1f} s", "20 s")]


def _answering(n: int) -> list[tuple[str, str, str]]:
    import numpy as np

    from chat.assemble import open_answerer
    from corpus.questions import load_questions
    from eval.suites import DATA_DIR

    answerer = open_answerer()
    questions = load_questions(DATA_DIR / "questions.dev.jsonl", answerer.article)[: n + 1]
    seconds = []
    for question in questions:
        start = time.perf_counter()
        answerer.answer(question.question)
        seconds.append(time.perf_counter() - start)
    middle, slow = np.percentile(seconds[1:], [50, 95]) * 1000
    return [
        ("an answer after the first, median", f"{middle:.0f} ms", "100 ms"),
        ("... 95th percentile", f"{slow:.0f} ms", ""),
    ]


def _serving() -> list[tuple[str, str, str]]:
    imports = "import gradio, torch, sentence_transformers, faiss, bm25s, onnxruntime"
    importing = _timed([sys.executable, "-c", imports])
    with tempfile.TemporaryFile() as log:
        start = time.perf_counter()
        server = subprocess.Popen([sys.executable, "app.py", "--port", str(_PORT)], cwd=ROOT, stdout=log, stderr=log)
        try:
            _wait_for(f"http://127.0.0.1:{_PORT}/", server)
            usable = time.perf_counter() - start
            _ask(_PORT)
            resident = _resident_megabytes(server.pid)
        finally:
            server.terminate()
            server.wait()
    return [
        ("page served after", f"{usable:.1f} s", f"{importing + 2:.1f} s (importing takes {importing:.1f} s)"),
        ("memory of the server at rest", f"{resident:.0f} MB", "1000 MB"),
    ]


def _timed(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True)
    return time.perf_counter() - start


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            urllib.request.urlopen(url).read()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("app.py stopped while starting: run it by itself to see why")


def _ask(port: int) -> None:
    body = b'{"question": "what is this article about"}'
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/answer", data=body, headers={"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request).read()


def _resident_megabytes(pid: int) -> float:
    kilobytes = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True).stdout
    return int(kilobytes) * 1024 / _MEGABYTE


if __name__ == "__main__":
    raise SystemExit(main())
