"""Days as spreadsheets count them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

# Excel's day 0, which allows for its 29 February 1900; days of 1954 to 2119.
DAY_ZERO = datetime(1899, 12, 30)
FIRST_DAY, LAST_DAY = 20_000, 80_000
BETWEEN_EPOCHS = 1462
SERIAL = re.compile(r"\d{5}(?:[.,]\d+)?")
MOSTLY = 0.8


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


def _day(text: str, since_1904: bool) -> float | None:
    if not SERIAL.fullmatch(text.strip()):
        return None
    day = float(text.replace(",", ".")) + (BETWEEN_EPOCHS if since_1904 else 0)
    return day if FIRST_DAY <= day < LAST_DAY else None


def _iso(day: float) -> str:
    moment = DAY_ZERO + timedelta(seconds=round(day * 86400))
    return moment.isoformat(" ").removesuffix(" 00:00:00")
