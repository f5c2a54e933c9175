"""Find the date in a line of a camera's bar, in any of the ways that cameras write one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

OLDEST_YEAR, NEWEST_YEAR = 1970, 2099
MONTHS = (
    "jan ene gen sty",
    "feb fev lut",
    "mar mrz mrt",
    "apr abr avr kwi",
    "may mai maj mag mei",
    "jun juin giu cze",
    "jul juil lug lip",
    "aug aou ago sie",
    "sep set wrz",
    "oct okt out ott paz",
    "nov lis",
    "dec dez dic des gru",
)
MONTH_OF = {name: number for number, names in enumerate(MONTHS, 1) for name in names.split()}
# Letters that are read for figures and the reverse, inside the name of a month.
ALIKE = {"o": "[o0]", "l": "[l1i]", "s": "[s5]", "i": "[i1l]"}
_NAMES = sorted(MONTH_OF, key=len, reverse=True)
_NAME = "|".join("".join(ALIKE.get(letter, letter) for letter in name) for name in _NAMES)
MONTH = rf"(?P<name>{_NAME})[a-z]{{0,7}}\.?"
# Not inside a longer number, a serial number or a version.
START = r"(?<![\d/.:])(?<![\d][-])(?<![a-z][-_.])(?<!v)"
TIME_FOLLOWS = r"\d{1,2}\s?:\s?\d{2}"
END = rf"(?=\s*$|\s*[^\d\s:/.\-]|\s+\S|{TIME_FOLLOWS}|[.:/\-](?!\d))"
GLUE = r"\s?"


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A date in a text.

    Attributes:
        span: where it stands, as of `plain(text)`.
        dates: what it can mean, by the order of its parts: "ymd", "mdy" or "dmy".
        form: how it is written, the same for all pictures of a camera.
        doubt: why it may be wrong.
    """

    span: tuple[int, int]
    dates: dict[str, date]
    form: str
    doubt: str = ""


def plain(text: str) -> str:
    """The text in small letters without accents, each letter in its place."""
    return "".join(unicodedata.normalize("NFD", letter)[0].lower()[:1] or " " for letter in text)


def find_dates(text: str) -> list[FoundDate]:
    """The dates in a text, in order. Where the same figures can be two dates, the better written one is taken."""
    found: list[FoundDate] = []
    for candidate in _candidates(plain(text)):
        if not any(candidate.span[0] < other.span[1] and other.span[0] < candidate.span[1] for other in found):
            found.append(candidate)
    return sorted(found, key=lambda dated: dated.span)


def _candidates(text: str) -> Iterator[FoundDate]:
    """Everything that can be a date, what is beyond doubt first."""
    separated = rf"{GLUE}(?P<by>[-/.]){GLUE}"
    again = rf"{GLUE}(?P=by){GLUE}"
    year_first = rf"{START}(?P<y>\d{{4}}){GLUE}(?P<by>[-/.:]){GLUE}(?P<a>\d{{1,2}}){again}(?P<b>\d{{1,2}}){END}"
    year_last = rf"{START}(?P<a>\d{{1,2}}){separated}(?P<b>\d{{1,2}}){again}(?P<y>\d{{4}}){END}"
    short_year = rf"{START}(?P<a>\d{{1,2}}){separated}(?P<b>\d{{1,2}}){again}(?P<y>\d{{2}}){END}"
    for match in _matches(year_first, text):
        yield from _kept(match, {"ymd": (match["y"], match["a"], match["b"])}, f"y{match['by']}")
    yield from _named(text)
    for pattern, form in ((year_last, "year last"), (short_year, "short year")):
        for match in _matches(pattern, text):
            first, second, year = match["a"], match["b"], match["y"]
            orders = {"mdy": (year, first, second), "dmy": (year, second, first)}
            found = list(_kept(match, orders, f"{form}{match['by']}"))
            if not found and len(year) == 2:
                found = list(_kept(match, {"ymd": (first, second, year)}, f"short year first{match['by']}"))
            # the end of a longer date, 2011-06-17, is no date of its own
            cut = len(first) == 1 and second.startswith("0")
            yield from (
                replace(candidate, doubt="Its first figures may be lost.") if cut else candidate for candidate in found
            )


def _named(text: str) -> Iterator[FoundDate]:
    """Dates with the name of a month, in which the order is plain."""
    by = r"[\s\-/.,]{0,2}"
    year = r"(?P<y>\d{4}|\d{2}(?!\d))"
    for pattern, order in (
        (rf"{START}(?P<y>\d{{4}}){by}{MONTH}{by}(?P<d>\d{{1,2}}){END}", "ymd"),
        (rf"{START}(?P<d>\d{{1,2}}){by}{MONTH}{by}(?P<y>\d{{4}}){END}", "dmy"),
        (rf"(?<![a-z\d]){MONTH}{by}(?P<d>\d{{1,2}}){by}(?P<y>\d{{4}}){END}", "mdy"),
        (rf"{START}(?P<d>\d{{1,2}}){by}{MONTH}{by}{year}{END}", "dmy"),
        (rf"(?<![a-z\d]){MONTH}{by}(?P<d>\d{{1,2}}){by}{year}{END}", "mdy"),
    ):
        for match in _matches(pattern, text):
            month = MONTH_OF[next(name for name in _NAMES if re.fullmatch(_alike(name), match["name"]))]
            yield from _kept(match, {order: (match["y"], str(month), match["d"])}, f"{order} by name")


def _alike(name: str) -> str:
    return "".join(ALIKE.get(letter, letter) for letter in name)


def _matches(pattern: str, text: str) -> Iterator[re.Match[str]]:
    """Matches from every place of the text, also where they overlap."""
    place, compiled = 0, re.compile(pattern)
    while (match := compiled.search(text, place)) is not None:
        yield match
        place = match.start() + 1


def _kept(match: re.Match[str], orders: dict[str, tuple[str, str, str]], form: str) -> Iterator[FoundDate]:
    dates = {}
    for order, parts in orders.items():
        value = _date(*(int(part) for part in parts))
        if value is not None:
            dates[order] = value
    if dates:
        yield FoundDate(match.span(), dates, form)


def _date(year: int, month: int, day: int) -> date | None:
    if year < 100:
        year += 2000
    if not OLDEST_YEAR <= year <= NEWEST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None
