"""What a sentence owes to its neighbours, read from English discourse markers, for any article.

A quote taken out of its paragraph can lose its subject ("These drugs ...") or the limit that the
author set ("However, not everyone ..."). The markers are those of connective lexicons such as PDTB
(contrast, concession, condition), reduced to the ones that open or govern a sentence.
"""

from __future__ import annotations

import re

from corpus.article import Article

_ANAPHOR = re.compile(
    r"(?:This|That|These|Those|It|They|Their|Its|Such|He|She|His|Her|If (?:you|they|it|so) (?:do|does|is|not)"
    r"|If so|If not|As a result|Therefore)\b(?!-)"
)
# "It's important to ..." points forward; "It's used to ..." and "It's given for ..." point back.
_PLEONASTIC = re.compile(
    r"It(?:'s|’s| is| can be| may be)\s+(?:\w+ly\s+)?"  # noqa: RUF001
    r"(?:\w+\s+that|(?!(?:\w+e[dn]|meant|made|done)\b)\w+\s+(?:to|for))\b"
)
_CONTRAST = re.compile(
    r"(?:However|But|Yet|Still|Nevertheless|Nonetheless|That said|Even so|On the other hand|Instead|Conversely"
    r"|Remember|Keep in mind|Note that|Be aware|Caution|Importantly|Unless|Except)\b"
)
_LIMIT = re.compile(
    r"\b(?:only\s+(?:recommended|used|given|approved|for|if|when|in)|should\s+(?:never|not|only)|must\s+not"
    r"|never\s+replace|not\s+(?:a\s+)?(?:\w+\s+)?(?:replacement|substitute|cure|everyone|all|suitable|safe)"
    r"|cannot\s+(?:be\s+)?(?:cure|treat|replace)|not\s+be\s+(?:suitable|safe|appropriate)|reserved\s+for)\b",
    re.IGNORECASE,
)
_OWN_HALF = re.compile(r"\bbut\b[^,;:]*$")  # what stands before a limit that takes back its own sentence


def leans_back(sentence: str) -> bool:
    """Whether a sentence opens with a word that stands for something said before it.

    >>> leans_back("These plants are tall."), leans_back("It is useful to ask."), leans_back("It's used for tea.")
    (True, False, True)
    """
    if _PLEONASTIC.match(sentence):
        return False
    return bool(_ANAPHOR.match(sentence)) or sentence.startswith(("That said", "However"))


def limits(sentence: str) -> bool:
    """Whether a sentence negates, limits or conditions what stands beside it, not only its own first half.

    >>> limits("However, some people react badly."), limits("Tea helps but must not fill a day.")
    (True, False)
    """
    limit = _LIMIT.search(sentence)
    return bool(_CONTRAST.match(sentence) or (limit and not _OWN_HALF.search(sentence[: limit.start()])))


def previous_in_reach(article: Article, i: int) -> int | None:
    """Return the sentence that sentence `i` leans back on: the one before it in its section.

    A list item's first sentence leans on nothing: its lead-in is another matter. Nor does the answer to
    one question of an FAQ lean on the answer to another.
    """
    sentence = article.sentences[i]
    if i == 0 or article.sentences[i - 1].section != sentence.section:
        return None
    before = article.sentences[i - 1]
    if min(before.group, sentence.group) >= 0 and before.group != sentence.group:
        return None
    same_block = before.block == sentence.block
    if same_block or not (sentence.is_item or before.is_item or before.is_lead_in or before.is_dangling):
        return i - 1
    return None


def in_context(article: Article, i: int) -> str:
    """Return sentence `i` with its heading path, and the sentence it leans back on, for retrieval."""
    sentence = article.sentences[i]
    words = sentence.span.of(article.text)
    before = previous_in_reach(article, i) if leans_back(words) else None
    if before is not None:
        words = f"{article.sentences[before].span.of(article.text)} {words}"
    return f"{' > '.join(article.sections[sentence.section].path)}: {words}"
