"""The moment a file name states, for media that say nothing or say it in UTC."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

# 20240312_054112, 2024-03-12T05-41-12, 2024-03-12 05.41.12, 2015-01-31__18-59-59, 2010 01 22 13 22 07, ... 05-41-12 PM;
# 20240312_054112345 with thousandths
MOMENT = re.compile(
    r"(?<!\d)((?:19|20)\d\d)([-_.: ]?)(\d\d)\2(\d\d)(?:__|[ _T-])?(\d\d)([-_.: ]?)(\d\d)\6(\d\d)(?:\d{3})?"
    r"(?:[ _-]?([AP])M(?![A-Z]))?(?!\d)",
    re.ASCII | re.IGNORECASE,
)
# Pixel phones write UTC; Signal and Telegram when a picture was sent or kept.
NOT_WHEN_TAKEN = re.compile(r"PXL_|signal-|(?:photo|video)_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d", re.IGNORECASE)
OF_PHONE = re.compile(r"(?:VID|MOV|VIDEO)?[-_]?\d{8}_\d{6}", re.ASCII | re.IGNORECASE)
QUARTER = 15 * 60
FURTHEST_ZONE = 14 * 3600
SLACK = 120  # seconds between the name, given at the start, and the time written at the end


def file_name_time(name: str) -> datetime | None:
    """Date and time of day in a file name, camera-local; None when there is none, or more than one.

    Names that state another moment than that of the picture are left alone.
    """
    if NOT_WHEN_TAKEN.match(name):
        return None
    moments: set[datetime] = set()
    for found in MOMENT.finditer(name):
        year, month, day, hour, minute, second = map(int, found.group(1, 3, 4, 5, 7, 8))
        half = (found[9] or "").upper()
        if half and 1 <= hour <= 12:
            hour = hour % 12 + 12 * (half == "P")
        try:
            moments.add(datetime(year, month, day, hour, minute, second))
        except ValueError:
            continue
    return moments.pop() if len(moments) == 1 else None


def phone_time(name: str, stated: datetime, seconds: float) -> datetime | None:
    """The local time in the name of a phone's video whose container states UTC; None for any other.

    Args:
        name: of the file.
        stated: time in the container.
        seconds: length of the video.
    """
    local = file_name_time(name) if OF_PHONE.match(name) else None
    if local is None:
        return None
    apart = (local - stated).total_seconds()
    left = abs(apart - round(apart / QUARTER) * QUARTER)
    is_zone = QUARTER <= abs(apart) <= FURTHEST_ZONE + SLACK and left <= min(SLACK + seconds, QUARTER / 2)
    return local.replace(microsecond=0) if is_zone else None


def zone_between(local: datetime, utc: datetime) -> str:
    """The offset of a local time from UTC to the quarter of an hour: "+05:45"."""
    quarters = round((local - utc) / timedelta(minutes=15))
    return f"{'-' if quarters < 0 else '+'}{abs(quarters) // 4:02d}:{abs(quarters) % 4 * 15:02d}"
