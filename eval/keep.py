"""Keep the vectors that a first start needs: `python -m eval.keep`, after a change of a bank or examples."""

from __future__ import annotations

from chat.safety import load_examples
from chat.smalltalk import load_examples as load_small_talk
from corpus.library import article_ids, load_article, load_bank
from index.kept import KEPT_PATH, save_kept
from index.models import BGE_SMALL, load_bundled_encoder


def texts_of_a_start() -> list[str]:
    """Return what a first start has to encode most of: the banks and the labelled examples."""
    banked = [q.question for name in article_ids() for q in load_bank(load_article(name))]
    return [*banked, *(e.text for e in load_examples()), *(text for text, _ in load_small_talk())]


def main() -> None:
    """Encode and write."""
    texts = texts_of_a_start()
    save_kept(load_bundled_encoder(BGE_SMALL), texts)
    print(f"kept the vectors of {len(set(texts))} texts in {KEPT_PATH.name}: {KEPT_PATH.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
