"""Words of a text as terms for lexical retrieval: folded, stop words out, stemmed."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import Stemmer

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
# Function words of English that carry no topic. Question words and modals are among them: what kind
# of answer is asked for is read elsewhere, from the whole question.
STOP_WORDS = frozenset(
    """
    a about after again all also am an and any are as at be because been before being between both but by
    can could did do does doing don done for from get gets getting give given gives go goes going gonna got had
    has have having he her here hers him his how i if in into is it its just know let like m make may me might
    mine more most much must my myself need no nor not now of on one only or other our ours out over own
    please put re s same say says shall she should so some such t tell than that the their them then there
    these they this those through to too under up us use used using ve very want was way we were what when
    where whether which while who whom whose why will with would yes you your yours
    d ll im ive its dont doesnt isnt arent cant didnt whats thats hi hello thanks ok okay
    """.split()  # noqa: SIM905  a list of two hundred strings reads worse
)


def fold(text: str) -> str:
    """Return text in lower case without accents, with plain spaces and apostrophes."""
    plain = unicodedata.normalize("NFKD", text.replace("’", "'"))  # noqa: RUF001  curly apostrophe
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()


def words(text: str) -> list[str]:
    """Return the folded words of a text, stop words included, in order."""
    return [w.removesuffix("'s") for w in _WORD.findall(fold(text))]


def terms(text: str) -> list[str]:
    """Return the stemmed content words of a text, in order.

    >>> terms("How long do you take Tamoxifen?")
    ['long', 'take', 'tamoxifen']
    """
    return [stem(w) for w in words(text) if w.replace("'", "") not in STOP_WORDS]


@cache
def stem(word: str) -> str:
    """Return a word's Snowball stem (English)."""
    return str(_stemmer().stemWord(word))


@cache
def _stemmer() -> Stemmer.Stemmer:
    return Stemmer.Stemmer("english")
