"""Times, durations, counts and names as the screens write them."""

from __future__ import annotations

import re
from datetime import date, datetime

from app.survey.videos.counts import AnimalCount

INLINE_SIGNS = re.compile(r"[\\`*{}\[\]<>$~|^@]|(?<![^\W_])_|_(?![^\W_])|:(?=\S)|(?<=www)\.")
SHORT_CODES = re.compile(r":(?=[A-Za-z][\w/+-]*:)")
SIGNS_AT_START = re.compile(r"^(\s*)(?=[#+\-=])|^(\s*\d+)(?=[.)](?:\s|$))", re.MULTILINE)


def day(taken_at: date | None) -> str:
    """The day of a camera-local time as "12 Mar 2024"."""
    return f"{taken_at.day} {taken_at:%b %Y}" if taken_at else "time unknown"


def when(taken_at: datetime | None) -> str:
    """A camera-local time as "12 Mar 2024 05:41"."""
    return f"{day(taken_at)} {taken_at:%H:%M}" if taken_at else "time unknown"


def when_taken(taken_at: datetime | None, clock_showed: datetime | None) -> str:
    """A camera-local time, with what a wrong clock showed, which may stand in the picture."""
    return when(taken_at) + (f" (the camera's clock showed {when(clock_showed)})" if clock_showed else "")


def moment(seconds: float | None) -> str:
    """Seconds since 1970 as the local time of this machine."""
    return when(datetime.fromtimestamp(seconds)) if seconds else ""


def duration(seconds: float | None) -> str:
    """A length of time as "40 s", "3 min" or "2 h 5 min"."""
    if seconds is None:
        return "not known yet"
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def many(count: int, singular: str, plural: str | None = None) -> str:
    """A count with its noun: "1 image", "1,204 images"."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def plain(text: str) -> str:
    """Text from people or files, letter by letter in Markdown: no emphasis, link, image, icon, formula or HTML.

    Streamlit finds `:icon:` after Markdown has read the backslashes: a word joiner, which takes no room, parts it.
    """
    text = SHORT_CODES.sub(":\u2060", text)
    return SIGNS_AT_START.sub(r"\g<0>\\", INLINE_SIGNS.sub(r"\\\g<0>", text))


def count_in_words(count: AnimalCount) -> str:
    """The count of a video as it stands: "2 at once, 2 to 4 animals"."""
    if not count.animals:
        return "moving, unidentified" if count.unidentified else "no animal"
    if count.low == count.high == count.animals:
        return many(count.animals, "animal")
    return f"{count.animals:,} at once, {count.low:,} to {count.high:,} animals"
