"""The moment a file name states, for pictures whose EXIF is silent."""

from __future__ import annotations

import re
from datetime import datetime

# 20240312_054112, 2024-03-12 05-41-12, IMG_20240312_054112, 2024-03-12T05.41.12, 20240312054112
MOMENT = re.compile(
    r"(?<!\d)((?:19|20)\d\d)([-_.:]?)(\d\d)\2(\d\d)[ _T-]?(\d\d)([-_.:]?)(\d\d)\6(\d\d)(?!\d)", re.ASCII
)


def file_name_time(name: str) -> datetime | None:
    """Date and time of day in a file name, camera-local; None when there is none, or more than one.

    Names that begin with PXL_ are left alone: those phones write UTC, not local time.
    """
    if name.upper().startswith("PXL_"):
        return None
    moments: set[datetime] = set()
    for found in MOMENT.finditer(name):
        year, month, day, hour, minute, second = map(int, found.group(1, 3, 4, 5, 7, 8))
        try:
            moments.add(datetime(year, month, day, hour, minute, second))
        except ValueError:
            continue
    return moments.pop() if len(moments) == 1 else None
