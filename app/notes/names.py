"""Keywords that are names of places and individuals: those the survey knows, and those that notes write with a capital.

"Ridge camp" tells where a note was written and nothing about what was seen there, so names are shown apart.
"""

from __future__ import annotations

import re
from calendar import day_abbr, day_name, month_abbr, month_name
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from app.survey.species_names.names import last_words
from modal_backend.models.text.languages import note_languages
from modal_backend.models.text.note_text import NGRAMS, WORD
from modal_backend.notes.categories import plain_name

PLACE, INDIVIDUAL, NAME = "place", "individual", "name"
# Share of its uses within sentences that have a capital, and how many of them make a name.
CAPITAL_SHARE = 0.8
FEWEST_USES = 3
# A word of the survey that notes write in small letters ("river") is a word like others.
KNOWN_SHARE = 0.5
# A note with more capitals than this has a heading's spelling, or is shouted: they tell nothing.
MOST_CAPITALS = 0.5
FEWEST_WORDS = 4
BEGINS_SENTENCE = re.compile(r"[^\w\s,]")
BEFORE_PLACES = frozenset(
    """at from in inside into near outside reached to toward towards cerca desde en hacia chez près à em perto bei nach
    bij naar te dari di ke""".split()  # noqa: SIM905
)
DATES = frozenset(word.lower() for names in (month_name, month_abbr, day_name, day_abbr) for word in names)
NUMBER_AT_END = re.compile(r"[\s#-]*\d+[a-z]?$")


@dataclass
class Uses:
    """How notes write a keyword inside their sentences. before: the words that stand before it."""

    capital: int = 0
    small: int = 0
    before: Counter[str] = field(default_factory=Counter)


def name_kinds(
    texts: Sequence[str], keywords: Collection[str], places: Iterable[str], individuals: Iterable[str]
) -> dict[str, str]:
    """PLACE, INDIVIDUAL or NAME of each keyword that is a name; other keywords are not in it.

    Args:
        texts: the notes, clean.
        keywords: words and phrases in lower case.
        places, individuals: the names that the survey and the notes' own columns know.
    """
    known = {form: PLACE for name in places for form in _forms(name)}
    known |= {form: INDIVIDUAL for name in individuals for form in _forms(name)}
    uses = _uses(texts, set(keywords))
    kinds = {word: _kind(word, known.get(plain_name(word)), uses[word]) for word in keywords}
    return {word: kind for word, kind in kinds.items() if kind}


def _forms(name: str) -> set[str]:
    """A name as notes write it: with the number at its end or without it."""
    plain = plain_name(name)
    return {plain, NUMBER_AT_END.sub("", plain)} - {""}


def _kind(word: str, known: str | None, uses: Uses) -> str:
    seen = uses.capital + uses.small
    share = uses.capital / seen if seen else 1.0
    if known:
        return known if share >= KNOWN_SHARE else ""
    of_a_kind = word in DATES or plain_name(word).split()[-1] in last_words()
    if uses.capital < FEWEST_USES or share < CAPITAL_SHARE or of_a_kind:
        return ""
    led = sum(count for before, count in uses.before.items() if before in BEFORE_PLACES)
    return PLACE if 2 * led >= uses.before.total() else NAME


def _uses(texts: Sequence[str], keywords: set[str]) -> defaultdict[str, Uses]:
    found: defaultdict[str, Uses] = defaultdict(Uses)
    for text, language in zip(texts, note_languages(texts), strict=True):
        if language == "de":  # every noun has a capital
            continue
        words = list(_words(text))
        inside = [written for written, begins in words if not begins]
        if len(inside) >= FEWEST_WORDS and sum(map(_capital, inside)) > MOST_CAPITALS * len(inside):
            continue
        for at, (written, begins) in enumerate(words):
            if begins:
                continue
            for size in range(NGRAMS[0], NGRAMS[1] + 1):
                phrase = " ".join(word for word, _ in words[at : at + size]).lower()
                if phrase in keywords:
                    use = found[phrase]
                    use.capital += _capital(written)
                    use.small += not _capital(written)
                    use.before[words[at - 1][0].lower()] += 1
    return found


def _words(text: str) -> Iterator[tuple[str, bool]]:
    """The words of a note as they are written, and whether each begins a sentence."""
    end = 0
    for match in WORD.finditer(text):
        yield match.group().replace("’", "'"), end == 0 or bool(BEGINS_SENTENCE.search(text, end, match.start()))
        end = match.end()


def _capital(word: str) -> bool:
    """Whether a word is written as a name; GPS and CCTV are not."""
    return word[0].isupper() and not (len(word) > 1 and word.isalpha() and word.isupper())
