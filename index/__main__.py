"""`python -m index`: build or refresh the indexes."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m index", description="Build or refresh the indexes.")
    parser.add_argument("--stats", action="store_true", help="say what each index holds")
    args = parser.parse_args(argv)
    from corpus.library import CorpusError, article_ids, load_article, load_bank
    from index.models import ModelError, load_encoder
    from index.store import index_folder, open_index

    try:
        encoder = load_encoder()
        for article_id in article_ids():
            article = load_article(article_id)
            start = time.perf_counter()
            index, reason = open_index(article, load_bank(article), encoder, progress=True)
            seconds = time.perf_counter() - start
            print(f"{article_id}: built in {seconds:.1f} s ({reason})" if reason else f"{article_id}: up to date")
            if args.stats:
                print(
                    f"  {len(index.passages)} passages, {len(index.quotable)} quotable sentences, "
                    f"{len(index.bank.questions)} banked questions\n"
                    f"  encoder {encoder.name}, longest passage {max(p.n_tokens for p in index.passages)} tokens\n"
                    f"  {index_folder(article_id)}"
                )
    except (CorpusError, ModelError) as e:
        print(f"python -m index: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
