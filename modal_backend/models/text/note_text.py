"""Text of notes: made clean, and cut into the words and phrases that may become keywords.

A phrase is one to three words that stand next to each other in the note: it never skips a word, never reaches over
punctuation, and holds no function word. (Taking stop words out first and joining what is left makes phrases nobody
wrote.)
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence

import regex

from modal_backend.models.text.languages import ENGLISH, note_languages
from modal_backend.models.text.stop_words import stop_words

NGRAMS = (1, 3)
# Beyond this a note is cut: at 5 characters a word it is a book of 60 pages.
LONGEST_TEXT = 100_000
LONGEST_WORD = 60

# Begin and end of what is dropped with all that stands inside.
DROPPED = tuple(
    (re.compile(f"{begin}.*?{end}", re.IGNORECASE | re.DOTALL), re.compile(end, re.IGNORECASE))
    for begin, end in (
        (r"<script\b[^<>]*>", r"</script\s*>"),
        (r"<style\b[^<>]*>", r"</style\s*>"),
        ("<!--", "-->"),
    )
)
TAG = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>")
SPACE = re.compile(r"\s+")
# Python's own \w leaves out the vowel signs of Hindi and Nepali, which stand inside words.
WORD = regex.compile(r"[\w\p{M}]+(?:['’‑-][\w\p{M}]+)*")
CHINESE = regex.compile(r"\p{Han}")
ONLY_SPACE = re.compile(r"[ \t]+")
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}


def clean(text: object) -> str:
    """The note as one line of readable text: without HTML, control and invisible characters; NFC; at most
    LONGEST_TEXT characters. What is not text becomes text; a missing value becomes the empty string."""
    if text is None or text != text:
        return ""
    value = str(text)[: 2 * LONGEST_TEXT]
    if "<" in value:
        value = TAG.sub(" ", _without_dropped(value))
    if "&" in value:
        value = html.unescape(value)
    value = unicodedata.normalize("NFC", value)
    if not value.isprintable():
        value = "".join(_visible(part) for part in value)
    return SPACE.sub(" ", value).strip()[:LONGEST_TEXT]


def _without_dropped(value: str) -> str:
    """Behind the last end nothing is looked for: thousands of beginnings without an end would each read all of it."""
    for element, end in DROPPED:
        last = max((found.end() for found in end.finditer(value)), default=0)
        value = element.sub(" ", value[:last]) + value[last:]
    return value


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    kind = unicodedata.category(character)
    # Joiners between letters are part of a word's spelling in many scripts; they are dropped, not turned into a gap.
    return ("" if kind == "Cf" else " ") if kind in HIDDEN else character


def note_phrases(texts: Sequence[str], ngrams: tuple[int, int] = NGRAMS) -> list[list[str]]:
    """`phrases` of each of these notes, by the language it is written in."""
    return [phrases(text, ngrams, language) for text, language in zip(texts, note_languages(texts), strict=True)]


def phrases(text: str, ngrams: tuple[int, int] = NGRAMS, language: str = ENGLISH) -> list[str]:
    """Every word and phrase of a text, lower case, in order, as often as it occurs.

    Args:
        language: ISO 639-1, whose function words part phrases.
    """
    low, high = ngrams
    found: list[str] = []
    for run in _runs(text, stop_words(language)):
        for size in range(low, min(high, len(run)) + 1):
            found.extend(" ".join(run[at : at + size]) for at in range(len(run) - size + 1))
    return found


def _runs(text: str, stops: frozenset[str]) -> Iterator[list[str]]:
    """Words that stand next to each other, up to punctuation or a word that cannot be part of a keyword."""
    run: list[str] = []
    end = 0
    for match in WORD.finditer(text):
        apart = ONLY_SPACE.fullmatch(text, end, match.start()) is None
        end = match.end()
        if apart and run:
            yield run
            run = []
        for word in _words(match.group()):
            if _may_be_keyword(word, stops):
                run.append(word)
            elif run:
                yield run
                run = []
    if run:
        yield run


def _words(match: str) -> list[str]:
    """A word in lower case; of Chinese, which has no spaces, its words."""
    word = match.replace("’", "'").lower().strip("_")
    if not CHINESE.search(word):
        return [word]
    import rjieba

    return list(rjieba.cut(word))


def _may_be_keyword(word: str, stops: frozenset[str]) -> bool:
    long_enough = len(word) > 1 or bool(CHINESE.fullmatch(word))
    return long_enough and len(word) <= LONGEST_WORD and word not in stops and not word.replace("-", "").isdecimal()
