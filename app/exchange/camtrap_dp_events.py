"""What was seen in each event of a Camtrap DP, summed up from the observations on its media.

Source: observations-table-schema.json of Camtrap DP 1.0.2, observationLevel: observations of events do not overlap, so
that their counts can be summed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from app.exchange.camtrap_dp_rows import OBSERVATIONS

Row = tuple[Any, ...]
(DEPLOYMENT, MEDIA, EVENT, LEVEL, TYPE, SPECIES, COUNT, STAGE, INDIVIDUAL, BOX, METHOD, SURE) = (
    OBSERVATIONS.index(name)
    for name in (
        "deploymentID", "mediaID", "eventID", "observationLevel", "observationType", "scientificName", "count",
        "lifeStage", "individualID", "bboxX", "classificationMethod", "classificationProbability",
    )
)  # fmt: skip
# What an event is where nothing was seen in it: doubt about one image is doubt about all.
NOTHING = ("unknown", "unclassified", "blank")


def with_events(rows: Iterable[Row]) -> Iterator[Row]:
    """The same rows, and after those of each event what was seen in it.

    Args:
        rows: as `observation_rows` makes them; those of an event stand together.
    """
    for _, group in groupby(rows, key=lambda row: row[EVENT]):
        seen = list(group)
        yield from seen
        for number, (row, count) in enumerate(_seen_in(seen), start=1):
            yield _of_event(row, count, number)


def _seen_in(rows: Sequence[Row]) -> list[tuple[Row, int | None]]:
    """The animals of an event, each with a row that speaks for it and how many there are.

    Every named individual is one. Of a species, and of all animals, there are as many as were on one image at once.
    """
    animals = [row for row in rows if row[TYPE] == "animal"]
    named: dict[str, Row] = {}
    for row in animals:
        if row[INDIVIDUAL]:
            named.setdefault(row[INDIVIDUAL], row)
    found: list[tuple[Row, int | None]] = [(row, 1) for row in named.values()]
    total, known = len(named), Counter(row[SPECIES] for row in named.values())
    others = [row for row in animals if not row[INDIVIDUAL]]
    for species in sorted({row[SPECIES] for row in others if row[SPECIES]}):
        more = _at_once([row for row in animals if row[SPECIES] == species]) - known[species]
        if more > 0:
            found.append((_surest([row for row in others if row[SPECIES] == species]), more))
            total += more
    unknown = [row for row in others if not row[SPECIES]]
    if unknown and (more := _at_once(animals) - total) > 0:
        found.append((_surest(unknown), more))
    for kind in ("human", "vehicle"):
        if of_kind := [row for row in rows if row[TYPE] == kind]:
            found.append((_surest(of_kind), _at_once(of_kind)))
    if found:
        return found
    return [(min(rows, key=lambda row: NOTHING.index(row[TYPE])), None)] if rows else []


def _at_once(rows: Iterable[Row]) -> int:
    """The most of these on one image."""
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row[MEDIA]] += row[COUNT] or 1
    return max(counts.values(), default=0)


def _surest(rows: Sequence[Row]) -> Row:
    return max(rows, key=lambda row: (row[METHOD] == "human", row[SURE] or 0))


def _of_event(row: Row, count: int | None, number: int) -> Row:
    """A row of an image as one of its event: without the image and the box."""
    changed = list(row)
    changed[0] = f"event-{row[EVENT]}-{number}"
    changed[MEDIA], changed[LEVEL], changed[COUNT] = None, "event", count
    changed[BOX : BOX + 4] = [None] * 4
    return tuple(changed)
