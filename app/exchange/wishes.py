"""What a person wants written: as the pages, the queue and the command line hand it on, and in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from app.exchange.camtrap_dp import Statement
from app.exchange.images_zip import SORTED_BY
from app.exchange.progress import Report, unheard
from app.survey.capture.history import FLANKS, Design

MOST_DAYS, MOST_OCCASIONS, MOST_IDS = 3_660, 10_000, 2**53
WORDS = {
    "days": "days an occasion", "start": "first day", "occasions": "occasions", "species": "species", "flank": "flank",
    "by": "folders by", "title": "title", "sampling": "sampling design", "method": "capture method",
    "utc_offset": "offset from UTC", "name": "individual", "exact": "exact places", "media_url": "addresses of media",
}  # fmt: skip


UNSTATED = Statement("Camera-trap survey", "", "", None)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants written.

    Attributes:
        exact: also exact places of sensitive species.
        statement, who: for Camtrap DP.
        sorted_by: for images in folders: species or individual.
        report: called with how much is done and how much there is; what it raises ends the writing.
        settings: the choices in words, by their names.
    """

    design: Design = field(default_factory=Design)
    exact: bool = False
    individual_id: int | None = None
    statement: Statement = UNSTATED
    who: str = "Pugmark"
    sorted_by: str = SORTED_BY[0]
    report: Report = unheard
    settings: Mapping[str, str] = field(default_factory=dict)


def wish_of(values: Mapping[str, str], report: Report = unheard) -> Wish:
    """What was chosen, by the names of `WORDS`, `individual` (its id) and `who`.

    Raises:
        ValueError: a value cannot be; the text is a sentence.
    """
    flank = values.get("flank") or "any"
    if flank not in FLANKS:
        raise ValueError(f"{flank} is not a flank: {', '.join(FLANKS)}.")
    sorted_by = values.get("by") or SORTED_BY[0]
    if sorted_by not in SORTED_BY:
        raise ValueError(f"Images are not sorted by {sorted_by}: {' or '.join(SORTED_BY)}.")
    design = Design(
        occasion_days=_whole(values.get("days") or "5", MOST_DAYS),
        start=_day(values["start"]) if values.get("start") else None,
        occasions=_whole(values["occasions"], MOST_OCCASIONS) if values.get("occasions") else None,
        species=values.get("species") or None,
        flank=flank,
    )
    statement = Statement(
        title=(values.get("title") or "Camera-trap survey")[:200],
        sampling=values.get("sampling") or "",
        method=values.get("method") or "",
        utc_offset=values.get("utc_offset") or None,
        media_url=values.get("media_url") or None,
    )
    individual = _whole(values["individual"], MOST_IDS) if values.get("individual") else None
    who = (values.get("who") or "Pugmark")[:80]
    exact = values.get("exact") == "yes"
    return Wish(design, exact, individual, statement, who, sorted_by, report, chosen(values))


def chosen(values: Mapping[str, str]) -> dict[str, str]:
    """The choices that were made, in words and in a fixed order."""
    return {words: values[key] for key, words in WORDS.items() if values.get(key)}


def _whole(text: str, most: int) -> int:
    """A whole number from 1 to `most`. Raises ValueError with a sentence for anything else."""
    if not re.fullmatch(r"[0-9]{1,18}", text) or not 1 <= int(text) <= most:
        raise ValueError(f"{text[:20]} is not a whole number from 1 to {most:,}.")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text[:20]} is not a day: write it as 2024-03-31.") from error
