"""Moments as cameras and programs write them, read only where there is one way to read them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

EARLIEST_YEAR = 1970  # no camera's clock counts from before
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
CLOCK = (
    r"(?P<hour>\d{1,2})(?P<colon>[:.-]) ?(?P<minute>\d{1,2})"
    r"(?:(?P=colon) ?(?P<seconds>\d{1,2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?: ?(?P<half>[AP])\.?M\.?)?"
)
# 2024:03:12 05:41:12, 2015:8:3 4:30, 2024/03/12/ 05:41:12, 2018:05:10 13:23:29.250+02:00, 25/12/2023 06:15:00 PM
MOMENT = re.compile(
    r"(?P<first>\d{1,4})(?P<mark>[:/.-]) ?(?P<second>\d{1,2})(?P=mark) ?(?P<third>\d{1,4})(?:/? +|, ?|[T_-])"
    + CLOCK
    + r" ?(?P<zone>Z|[+-]\d\d(?::?[0-5]\d)?)?",
    re.ASCII | re.IGNORECASE,
)
MONTH = rf"(?P<month>{'|'.join(MONTHS)})[a-z]*\.?"
# With a named month: as C's ctime writes it (also with a zone), RFC 5322, 12-Mar-2024, March 12, 2024, 2024-Mar-12
NAMED = tuple(
    re.compile(pattern, re.ASCII | re.IGNORECASE)
    for pattern in (
        rf"[a-z]{{3}} +{MONTH} +(?P<day>\d{{1,2}}) +(?P<clock>[\d:]+)(?: (?!UTC|GMT)[A-Z]{{3,4}})? +(?P<year>\d{{4}})",
        rf"(?:[a-z]{{3}},? +)?(?P<day>\d{{1,2}})[ -]+{MONTH}[ ,-]+(?P<year>\d{{4}})[ ,]+(?P<clock>\d.*)",
        rf"{MONTH} +(?P<day>\d{{1,2}}),? +(?P<year>\d{{4}}),? +(?P<clock>\d.*)",
        rf"(?P<year>\d{{4}})[ -]{MONTH}[ -](?P<day>\d{{1,2}})[ ,]+(?P<clock>\d.*)",
    )
)
TOGETHER = re.compile(r"(\d{4})(\d\d)(\d\d)[ T_-]?(\d\d)(\d\d)(\d\d)", re.ASCII)  # 20240312T054112
CHINESE = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日 ?", re.ASCII)


def read_time(text: str) -> tuple[datetime, str | None] | None:
    """The moment a text states, as written, and the zone that stands behind it ("+02:00").

    None where it states none, where day and month cannot be told apart, and with a Z: UTC is not the camera's time.
    """
    found = MOMENT.fullmatch(_in_numbers(text.strip()))
    if found is None or (found["zone"] or "").upper() == "Z":
        return None
    hour, half = int(found["hour"]), (found["half"] or "").upper()
    if half and not 1 <= hour <= 12:
        return None
    hour = hour % 12 + 12 * (half == "P") if half else hour
    try:
        year, month, day = _date(found["first"], found["second"], found["third"])
        micro = int((found["fraction"] or "")[:6].ljust(6, "0"))
        # Hour 24 is how some cameras write the first hour of the next day.
        moment = datetime(year, month, day, 0 if hour == 24 else hour, int(found["minute"]), int(found["seconds"] or 0))
        moment = moment.replace(microsecond=micro) + timedelta(days=hour == 24)
    except (ValueError, OverflowError):
        return None
    zone = found["zone"]
    return (moment, f"{zone[:3]}:{zone[3:][-2:] or '00'}" if zone else None) if year >= EARLIEST_YEAR else None


def _in_numbers(text: str) -> str:
    """The text with its date as numbers between colons, where it names the month or has no marks between them."""
    for pattern in NAMED:
        if named := pattern.fullmatch(text):
            month = MONTHS.index(named["month"].lower()) + 1
            return f"{named['year']}:{month:02d}:{named['day']} {named['clock']}"
    text = CHINESE.sub(r"\1:\2:\3 ", text)
    return TOGETHER.sub(r"\1:\2:\3 \4:\5:\6", text) if TOGETHER.fullmatch(text) else text


def _date(first: str, second: str, third: str) -> tuple[int, int, int]:
    """Year, month and day. Raises ValueError where they are none or cannot be told apart."""
    if len(first) == 4 and len(third) <= 2:
        return int(first), int(second), int(third)
    if len(third) != 4 or len(first) > 2:
        raise ValueError("no year")
    day, month = sorted((int(first), int(second)), reverse=True)
    if month <= 12 < day or day == month:
        return int(third), month, day
    raise ValueError("day or month first")
