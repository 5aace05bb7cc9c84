"""`python -m eval`: measure the bot, print the table, exit 1 where a bar is missed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m eval", description="Measure the answers against the FAQ and the evaluation questions."
    )
    parser.add_argument("--split", choices=("test", "dev"), default="test", help="which half (default: test)")
    parser.add_argument("--quick", action="store_true", help="leave out baselines, ablations, disturbed questions")
    parser.add_argument("--out", type=Path, help="folder for report.html and report.json")
    args = parser.parse_args(argv)
    from chat.assemble import open_answerer
    from eval.report import to_text, write_report
    from eval.run import evaluate, facts, missed_bars

    answerer = open_answerer(progress=sys.stderr.isatty())
    report = evaluate(answerer, args.split, ablations=not args.quick)
    print(to_text(report))
    print("\nmeasured on: " + ", ".join(f"{k} {v}" for k, v in facts(answerer).items()))
    if args.out:
        write_report(report, args.out)
        print(f"report: {args.out / 'report.html'}")
    missed = missed_bars(report)
    for line in missed:
        print(f"MISSED {line}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
