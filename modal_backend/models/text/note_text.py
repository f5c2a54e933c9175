"""Text of notes: made clean, and cut into the words and phrases that may become keywords.

A phrase is one to three words that stand next to each other in the note: it never skips a word, never reaches over
punctuation, and holds no function word. (Taking stop words out first and joining what is left makes phrases nobody
wrote.)
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import partial

NGRAMS = (1, 3)
# Beyond this a note is cut: at 5 characters a word it is a book of 60 pages.
LONGEST_TEXT = 100_000
LONGEST_WORD = 60

DROPPED_ELEMENT = re.compile(r"<(script|style)\b[^<>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
TAG = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>|<!--.*?-->", re.DOTALL)
SPACE = re.compile(r"\s+")
WORD = re.compile(r"\w+(?:['’‑-]\w+)*")
ONLY_SPACE = re.compile(r"[ \t]+")
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}

# English function words (articles, pronouns, prepositions, conjunctions, auxiliaries, common adverbs).
FUNCTION_WORDS = frozenset(
    """a about above across after again against all almost along already also although always am among an and another
    any anyone anything are aren't around as at away back be became because been before behind being below beside
    besides between beyond both but by came can can't cannot come could couldn't did didn't do does doesn't doing don't
    done down during each either else enough etc even ever every everything except few first for from further get gets
    got had hadn't has hasn't have haven't having he her here hers herself him himself his how however i i'd i'll i'm
    i've if in indeed inside instead into is isn't it it's its itself just last least less let's like made make many may
    maybe me might mine more most much must my myself near neither never next no nobody none nor not nothing now of off
    often on once one only onto or other others otherwise our ours ourselves out outside over own per perhaps put quite
    rather really same see seem seemed seems seen several shall she should shouldn't since so some someone something
    sometimes somewhere soon still such than that that's the their theirs them themselves then there there's therefore
    these they they're this those though through throughout thus till to together too toward towards under until up upon
    us use used using very via was wasn't we we're well went were weren't what whatever when where whether which while
    who whole whom whose why will with within without won't would wouldn't yes yet you you're your yours yourself
    yourselves""".split()  # noqa: SIM905
)


def clean(text: object) -> str:
    """The note as one line of readable text: without HTML, control and invisible characters; NFC; at most
    LONGEST_TEXT characters. What is not text becomes text; a missing value becomes the empty string."""
    if text is None or text != text:
        return ""
    value = str(text)[: 2 * LONGEST_TEXT]
    if "<" in value:
        value = TAG.sub(" ", DROPPED_ELEMENT.sub(" ", value))
    if "&" in value:
        value = html.unescape(value)
    value = unicodedata.normalize("NFC", value)
    if not value.isprintable():
        value = "".join(_visible(part) for part in value)
    return SPACE.sub(" ", value).strip()[:LONGEST_TEXT]


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    kind = unicodedata.category(character)
    # Joiners between letters are part of a word's spelling in many scripts; they are dropped, not turned into a gap.
    return ("" if kind == "Cf" else " ") if kind in HIDDEN else character


def phrases(text: str, ngrams: tuple[int, int] = NGRAMS) -> list[str]:
    """Every word and phrase of a text, lower case, in order, as often as it occurs."""
    low, high = ngrams
    found: list[str] = []
    for run in _runs(text):
        for size in range(low, min(high, len(run)) + 1):
            found.extend(" ".join(run[at : at + size]) for at in range(len(run) - size + 1))
    return found


def phrase_analyzer(ngrams: tuple[int, int] = NGRAMS) -> Callable[[str], list[str]]:
    """`phrases` as the analyzer of a vectoriser: CountVectorizer(analyzer=phrase_analyzer())."""
    return partial(phrases, ngrams=ngrams)


def _runs(text: str) -> Iterator[list[str]]:
    """Words that stand next to each other, up to punctuation or a word that cannot be part of a keyword."""
    run: list[str] = []
    end = 0
    for match in WORD.finditer(text):
        word = match.group().replace("’", "'").lower().strip("_")
        apart = ONLY_SPACE.fullmatch(text, end, match.start()) is None
        end = match.end()
        if apart and run:
            yield run
            run = []
        if _may_be_keyword(word):
            run.append(word)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _may_be_keyword(word: str) -> bool:
    return 1 < len(word) <= LONGEST_WORD and word not in FUNCTION_WORDS and not word.replace("-", "").isdecimal()
