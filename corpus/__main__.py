"""`python -m corpus`: the library, its articles and what each copy lost."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from corpus.article import Article
from corpus.library import CorpusError, article_ids, load_article, load_bank


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m corpus", description="List the library of articles.")
    parser.add_argument("--check", action="store_true", help="exit 1 where an article is broken")
    args = parser.parse_args(argv)
    broken = 0
    for article_id in article_ids():
        try:
            article = load_article(article_id)
            print(describe(article, len(load_bank(article))))
        except CorpusError as e:
            broken += 1
            print(f"{article_id}: BROKEN: {e}", file=sys.stderr)
    if not article_ids():
        print("the library has no article: put one into corpus/articles/<id>/article.txt", file=sys.stderr)
        broken += 1
    return 1 if args.check and broken else 0


def describe(article: Article, n_questions: int) -> str:
    """Return what is known about an article, as plain text."""
    from corpus.passages import split_passages

    passages = split_passages(article)
    lines = [
        f"{article.id}: {article.title}",
        f"  {len(article.text)} characters, {len(article.sentences)} sentences, {len(passages)} passages, "
        f"{len(article.faq)} FAQ pairs, {len(article.sources)} sources, {n_questions} banked questions",
        "  sections",
        *(f"    {'  ' * (s.level - 1)}{s.heading}{' (restored)' if s.restored[-1] else ''}" for s in article.sections),
        "  gaps",
    ]
    for gap in article.gaps:
        state = "restored" if gap.restored else "not restored"
        lines.append(f"    {gap.kind}, {state}: {gap.span.of(article.text)[:60]}")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
