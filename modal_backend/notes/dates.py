"""Days as people write them and as spreadsheets count them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta

# Excel's day 0, which allows for its 29 February 1900; days of 1954 to 2119.
DAY_ZERO = datetime(1899, 12, 30)
FIRST_DAY, LAST_DAY = 20_000, 80_000
BETWEEN_EPOCHS = 1462
SERIAL = re.compile(r"\d{5}(?:[.,]\d+)?")
MOSTLY = 0.8
ISO = re.compile(r"\s*(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d)|\s*(\d{4})()(\d{2})(\d{2})(?!\d)")
NUMBERS = re.compile(r"\s*(\d{1,2})([-/.])\s?(\d{1,2})\2\s?(\d{4}|\d{2})(?!\d)")
DAY_FIRST = re.compile(
    r"\s*(\d{1,2})(?:st|nd|rd|th|er|º)?[-.\s]+(?:de\s+)?([^\W\d_]{3,})[-.,\s]+(?:de\s+)?(\d{4}|\d{2})(?!\d)"
)
MONTH_NAME_FIRST = re.compile(r"\s*([^\W\d_]{3,})[.\s]+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})(?!\d)")
# The beginnings of the names of months in English, German, French, Spanish, Portuguese, Italian and Dutch.
MONTHS = (
    ("jan", "jän", "ene", "gen"), ("feb", "fév", "fev"), ("mar", "mär", "maa", "mrt"), ("apr", "avr", "abr"),
    ("may", "mai", "mag", "mei"), ("jun", "juin", "giu"), ("jul", "juil", "lug"), ("aug", "aoû", "ago"),
    ("sep", "set"), ("oct", "okt", "out", "ott"), ("nov",), ("dec", "dez", "déc", "dic"),
)  # fmt: skip
FIRST_YEAR, LAST_YEAR = 1950, 2100


def from_serial(texts: Sequence[str], *, since_1904: bool = False) -> tuple[list[str], int]:
    """Excel's serial numbers of days as ISO dates where most of a column are such, and how many were.

    Args:
        texts: a column of dates.
        since_1904: days are counted as old Excel for Mac did.
    """
    days = [_day(text, since_1904) for text in texts]
    count = sum(day is not None for day in days)
    if count < MOSTLY * sum(bool(text.strip()) for text in texts):
        return list(texts), 0
    return [_iso(day) if day is not None else text for day, text in zip(days, texts, strict=True)], count


def days_of(texts: Sequence[str], month_first: bool | None = None) -> tuple[list[str], str]:
    """The day of each date of a column as 2024-03-12, empty where none is understood; and a date that may be a day of
    two months, empty when there is none. Such dates are not understood.

    Args:
        month_first: whether 3/4/2024 is the 4th of March; None is found out from the column.
    """
    if month_first is None:
        month_first = month_comes_first(texts)
    days, doubtful = [], ""
    for text in from_serial(texts)[0]:
        found = _with_slashes(text)
        if found and month_first is None and found[1].lstrip("0") != found[3].lstrip("0"):
            doubtful = doubtful or text.strip()
            days.append("")
        else:
            days.append(_written_day(text, bool(month_first)))
    return days, doubtful


def _with_slashes(text: str) -> re.Match[str] | None:
    """A date whose order of day and month differs between countries; with points the day is always first."""
    found = NUMBERS.match(text)
    return found if found and found[2] != "." else None


def month_comes_first(texts: Sequence[str]) -> bool | None:
    """Whether 3/4/2024 is the 4th of March in this column; None where no date of it tells."""
    orders = [(int(found[1]), int(found[3])) for text in texts if (found := _with_slashes(text))]
    if any(first > 12 for first, _ in orders):
        return False
    return True if any(second > 12 for _, second in orders) else None


def _written_day(text: str, month_first: bool) -> str:
    if found := ISO.match(text):
        year, month, day = found[1] or found[5], int(found[3] or found[7]), found[4] or found[8]
    elif found := NUMBERS.match(text):
        first, second, year = int(found[1]), int(found[3]), found[4]
        swapped = month_first and found[2] != "."
        month, day = (first, second) if swapped else (second, first)
    elif found := DAY_FIRST.match(text):
        day, month, year = found[1], _month(found[2]), found[3]
    elif found := MONTH_NAME_FIRST.match(text):
        month, day, year = _month(found[1]), found[2], found[3]
    else:
        return ""
    full = int(year) + 2000 if len(year) == 2 else int(year)
    try:
        return date(full, month, int(day)).isoformat() if FIRST_YEAR <= full <= LAST_YEAR else ""
    except ValueError:
        return ""


def _month(name: str) -> int:
    """1 to 12; 0 for a word that names no month."""
    names = [(start, at) for at, starts in enumerate(MONTHS, 1) for start in starts if name.lower().startswith(start)]
    return max(names, key=lambda pair: len(pair[0]), default=("", 0))[1]


def _day(text: str, since_1904: bool) -> float | None:
    if not SERIAL.fullmatch(text.strip()):
        return None
    day = float(text.replace(",", ".")) + (BETWEEN_EPOCHS if since_1904 else 0)
    return day if FIRST_DAY <= day < LAST_DAY else None


def _iso(day: float) -> str:
    moment = DAY_ZERO + timedelta(seconds=round(day * 86400))
    return moment.isoformat(" ").removesuffix(" 00:00:00")
