"""Find the time of day in a line of a camera's bar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time

CLOCK = re.compile(
    r"(?<![\d:.])(?P<hour>\d{1,2})\s?(?::|h(?=\d\d)|\.(?=\d\d(?:\.\d\d)?\s?[ap]\.?m))\s?(?P<minute>\d{2})"
    r"(?:\s?[:.]\s?(?P<second>\d{2}))?(?P<rest>\d*)"
)
# In the letters of some cameras P is read as F, and M as H or N; the M of M 1/3 may follow.
HALF = re.compile(
    r"\s*[.,]?\s*(?P<half>[apf])[.,]?\s?[mhn](?![a-gi-ln-su-z])|(?P<letters>\s?[a-z]{2}(?![a-z])|\s?[ap](?![a-z]))"
)
MORNING = {"a": 0, "p": 12, "f": 12}
FULL = 12


@dataclass(frozen=True, slots=True)
class FoundTime:
    """A time of day in a text; span as of `dates.plain`. form: how it is written. doubt: why it may be wrong."""

    span: tuple[int, int]
    value: time
    form: str
    doubt: str = ""


def find_times(text: str) -> list[FoundTime]:
    """The times of day in a plain text (see `dates.plain`) from which the dates have been taken out, in order."""
    return [found for match in CLOCK.finditer(text) if (found := _time(match, text)) is not None]


def _time(match: re.Match[str], text: str) -> FoundTime | None:
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    if match["rest"] and not match["second"]:
        return None
    half = HALF.match(text, match.end())
    form = f"{'12' if half and half['half'] else '24'} h{' s' if match['second'] else ''}"
    doubt = f"There are more figures after the time: {match[0]}." if match["rest"] else ""
    end = match.end()
    if half is not None and half["half"]:
        end = half.end()
        if hour > FULL or (hour == 0 and half["half"] != "a"):
            doubt = f"{text[match.start() : end]} is no time of a twelve-hour clock."
        hour = hour % FULL + MORNING[half["half"]] if hour <= FULL else hour
    elif half is not None and hour <= FULL:
        doubt = f"What follows the time cannot be read: {half['letters'].strip()}."
    elif len(match["hour"]) == 1:
        doubt = "The hour has one figure and neither AM nor PM follows."
    if hour > 23 or minute > 59 or second > 59:
        return None
    return FoundTime((match.start(), end), time(hour, minute, second), form, doubt)
