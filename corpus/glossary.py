"""Terms that an article itself defines, and where it uses them. Found by the shape of definitions, for any article.

A definition is a sentence of the article; nothing is written here. Missing one costs a hint, a false
one misleads: so only shapes that hardly ever mean anything else are taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from corpus.article import Article, Span

MAX_TERM_WORDS = 6
_WORDS = r"[\w/-]+(?:[ \u00a0][\w/-]+){0,5}"
_VERB = r"(?:is|are|means?|involves?|refers? to|uses?)"
# "Xs (Ys) are ...", "X (also known as Y) in Z involves ..."
_NAMED_TWICE = re.compile(
    rf"(?P<term>{_WORDS}) \((?:also (?:known as|called) )?(?P<alias>[\w -]{{2,40}})\)(?: \w+){{0,5}}? {_VERB} "
)
_IS_A = re.compile(rf"(?P<term>{_WORDS}) (?:is|are) (?:an?|the) ")
_ALSO_CALLED = re.compile(rf"Also (?:called|known as) (?:an? )?(?P<alias>{_WORDS}), (?P<term>{_WORDS}) {_VERB} ")
_LABEL = re.compile(
    r"(?P<term>[\w/-]+(?: ?\([\w -]{2,20}\))?(?: [\w/-]+){0,5})"
    r"(?: \(also (?:known as|called) (?P<alias>[\w -]{2,40})\))?: \S"
)
# "X (a Y that ...)", "X (how far ...)": brackets that explain, not ones that name again or add an aside
_GLOSS = re.compile(
    r"(?P<before>(?:[\w/-]+[ \u00a0]){1,3})\((?:how [^()]+|(?:[\w-]+ ){1,4}(?:that|which|who) [^()]+)\)"
)
_POINTS = re.compile(
    r"(?:this|that|these|those|it|they|he|she|there|one|some|many|most|other|another|all|if|for)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Definition:
    """A term with the article's own words on what it is.

    Attributes:
        terms: its names, in lower case, the first as the definition gives it.
        sentence: index into `Article.sentences` of the defining sentence.
    """

    terms: tuple[str, ...]
    sentence: int


def find_definitions(article: Article) -> tuple[Definition, ...]:
    """Return the definitions of an article in reading order, one a term."""
    found: dict[str, Definition] = {}
    for i, sentence in enumerate(article.sentences):
        if sentence.is_lead_in or sentence.is_dangling:
            continue
        for names in _defined(article, sentence.span.of(article.text), sentence.is_item):
            new = tuple(n for n in dict.fromkeys(names) if n not in found and len(n.split()) <= MAX_TERM_WORDS)
            if new:
                found |= dict.fromkeys(new, Definition(new, i))
    return tuple(dict.fromkeys(found.values()))


def find_uses(article: Article, definitions: tuple[Definition, ...]) -> tuple[tuple[Span, int], ...]:
    """Return where terms are first used in each section, outside their definition: spans and definitions (indices)."""
    by_name = {name: n for n, d in enumerate(definitions) for term in d.terms for name in (term, _other_number(term))}
    if not by_name:
        return ()
    longest_first = sorted(by_name, key=len, reverse=True)
    use = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w-])", re.I)
    seen: set[tuple[int, int]] = set()
    uses = []
    for i, sentence in enumerate(article.sentences):
        for match in use.finditer(article.text, sentence.span.start, sentence.span.end):
            n = by_name[match.group().lower()]
            if definitions[n].sentence == i or (sentence.section, n) in seen:
                continue
            seen.add((sentence.section, n))
            uses.append((Span(match.start(), match.end()), n))
    return tuple(uses)


def _defined(article: Article, words: str, is_item: bool) -> Iterator[list[str]]:
    """Yield the names of each term that a sentence defines."""
    label = _LABEL.match(words) if is_item else None
    called = _ALSO_CALLED.match(words)
    opening = _NAMED_TWICE.match(words) or _IS_A.match(words)
    for match in (label, called, opening):
        if match and not _POINTS.match(match["term"]):
            yield [_plain(n) for n in (match["term"], match.groupdict().get("alias")) if n]
    for match in _GLOSS.finditer(words):
        name = _known_ending(article, match["before"].split())
        if name:
            yield [name]


def _plain(name: str) -> str:
    """Return a name in lower case, without an opening article and what stands in brackets."""
    bare = re.sub(r" ?\([^()]*\)", "", name.replace("\u00a0", " "))
    return re.sub(r"^(?:an?|the) ", "", bare.strip().lower())


def _other_number(term: str) -> str:
    """Return the plural of a singular or the other way round, by its "s" alone."""
    return term.removesuffix("s") if term.endswith("s") else f"{term}s"


def _known_ending(article: Article, before: list[str]) -> str:
    """Return the longest ending of the words before a bracket that the article uses elsewhere too."""
    text = article.text.lower()
    endings = (" ".join(before[k:]).lower() for k in range(len(before)))
    return next((e for e in endings if text.count(e) > 1 and len(e) > 3), "")
