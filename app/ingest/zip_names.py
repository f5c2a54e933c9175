"""The names in a zip that does not say how they are written: the code page they make sense in, if it is one.

A zip without the UTF-8 mark holds names in the code page of the computer that made it (APPNOTE appendix D). A reading
makes sense when every word is written in the letters of one language, none capital inside a small word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from contextlib import suppress
from itertools import pairwise

_MARKS = "ºª°"
_WESTERN = (
    "àâæçéèêëîïôœùûüÿ",  # French
    "äöüß",
    "áéíñóúü",  # Spanish
    "áâãàçéêíóôõúü",  # Portuguese
    "àèéìòù",  # Italian
    "åäöæøéü",  # Nordic
)
_CENTRAL = (
    "ąćęłńóśźż",  # Polish
    "áčďéěíňóřšťúůýž",  # Czech
    "áäčďéíĺľňóôŕšťúýž",  # Slovak
    "áéíóöőúüű",  # Hungarian
    "čćđšž",  # Croatian
    "ăâîşţ",  # Romanian
)
_CYRILLIC = "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґў"
_GREEK = "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ"
_TURKISH = ("çğıöşüi̇âîû",)
_BALTIC = ("āčēģīķļņšūž", "ąčęėįšųūž", "äöõüšž")  # Latvian, Lithuanian, Estonian
_ARABIC = "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيپچژگ"
_HEBREW = "אבגדהוזחטיךכלםמןנסעףפץצקרשת"
OWN_LETTERS = (_CYRILLIC, _GREEK, _ARABIC, _HEBREW)  # of scripts that no word mixes with Latin letters
ALPHABETS: dict[str, tuple[str, ...]] = {
    "cp437": _WESTERN,
    "cp850": _WESTERN,
    "cp1252": _WESTERN,
    "cp852": _CENTRAL,
    "cp1250": _CENTRAL,
    "cp866": (_CYRILLIC,),
    "cp1251": (_CYRILLIC,),
    "koi8_r": (_CYRILLIC,),
    "cp737": (_GREEK,),
    "cp1253": (_GREEK,),
    "cp857": _TURKISH,
    "cp1254": _TURKISH,
    "cp775": _BALTIC,
    "cp1257": _BALTIC,
    "cp862": (_HEBREW,),
    "cp1255": (_HEBREW,),
    "cp1256": (_ARABIC,),
    "cp932": (),
    "gb2312": (),
    "big5": (),
    "euc_kr": (),
}
EAST_ASIAN = ("CJK UNIFIED", "HIRAGANA", "KATAKANA", "HANGUL", "IDEOGRAPHIC")
# What a person may choose: gbk holds all of gb2312 and more, cp874 is Thai.
CODE_PAGES = (*ALPHABETS, "gbk", "cp874")
LAST_RESORT = ("cp437", "cp852", "cp866")


class NamesUnclear(Exception):
    """Names make sense in several code pages. `readings`: the first name that differs, by code page."""

    def __init__(self, readings: dict[str, str]) -> None:
        super().__init__(", ".join(f"{name} ({page})" for page, name in readings.items()))
        self.readings = readings


def code_page(raw_names: Iterable[bytes]) -> str:
    """The code page of names that are neither ASCII nor UTF-8.

    Raises:
        NamesUnclear: they make sense in several and differ, or in none.
    """
    names = sorted(set(raw_names), key=lambda raw: -sum(byte > 0x7F for byte in raw))[:200]
    readings = {page: read for page in ALPHABETS if (read := _readings(names, page)) is not None}
    different = {tuple(read): page for page, read in reversed(readings.items())}
    if len(different) > 1:
        pages = sorted(different.values(), key=CODE_PAGES.index)
        at = next(place for place in range(len(names)) if len({readings[page][place] for page in pages}) > 1)
        raise NamesUnclear({page: readings[page][at] for page in pages})
    if names and not readings:
        raise NamesUnclear(_words(names[0]) or {page: names[0].decode(page, "replace") for page in LAST_RESORT})
    return next(iter(readings), "cp437")


def _words(raw: bytes) -> dict[str, str]:
    """A name by code page, where all of it but ASCII are letters."""
    read = {}
    for page in CODE_PAGES:
        with suppress(UnicodeDecodeError):
            name = raw.decode(page)
            if all(unicodedata.category(char)[0] in "LM" for char in name if ord(char) > 0x7F):
                read[page] = name
    return read


def is_plausible(name: str, alphabets: Collection[str]) -> bool:
    """Whether a decoded name is written as people of one of these alphabets write; East Asian without any."""
    if not alphabets:
        return _is_east_asian(name)
    unusual = [char for char in name if ord(char) > 0x7F and char not in _MARKS]
    words = re.findall(r"[^\W\d_]+", "".join(" " if char in _MARKS else char for char in name))
    if not all(char.isalpha() for char in unusual) or any(map(_has_capital_inside, words)):
        return False
    if not any({char.lower() for char in unusual} <= set(letters) for letters in alphabets):
        return False
    if not set(OWN_LETTERS) & set(alphabets):
        return not any(re.search(r"[^\x00-\x7f]{4}", word) for word in words)
    if _GREEK in alphabets and not all(map(_is_greek, words)):
        return False
    whole = [word for word in words if not word.isascii()]
    return any(len(word) > 1 for word in whole) and not any(re.search(r"[\x00-\x7f]", word) for word in whole)


def _has_capital_inside(word: str) -> bool:
    return any(
        letter.islower() and following.isupper() and not following.isascii() for letter, following in pairwise(word)
    )


def _is_greek(word: str) -> bool:
    """Whether a word is spelled as Greek is: one accent, ends in a vowel, ν, ρ or ς, which stands nowhere else."""
    plain = unicodedata.normalize("NFD", word.lower())
    syllables = len(re.findall(r"αι|ει|οι|ου|υι|[αεηιουω]", plain.replace("\u0301", "")))
    accents = plain.count("\u0301")
    is_spelled = accents == 1 or (accents == 0 and (syllables < 2 or word.isupper()))
    letters = plain.replace("\u0301", "").replace("\u0308", "")
    is_sound = not re.search(r"[βγδζθκλμνξπρστφχψ]{4}|ς.", letters) and re.search(r"[αεηιουωνρς]$", letters)
    return word.isascii() or (is_spelled and bool(is_sound))


def _is_east_asian(name: str) -> bool:
    """Whether all letters but ASCII are East Asian, none beside a small Latin letter or in half width."""
    unusual = [char for char in name if ord(char) > 0x7F]
    beside = re.search(r"[a-z](?=[^\x00-\x7f])|[^\x00-\x7f](?=[a-z])", name)
    return not beside and all(
        unicodedata.name(char, "").startswith(EAST_ASIAN) and unicodedata.normalize("NFKC", char) == char
        for char in unusual
    )


def _readings(raw_names: list[bytes], page: str) -> list[str] | None:
    """The names as this code page reads them; None when one of them makes no sense in it."""
    read = []
    for raw in raw_names:
        try:
            name = raw.decode(page)
        except UnicodeDecodeError:
            return None
        if not is_plausible(name, ALPHABETS[page]):
            return None
        read.append(name)
    return read
