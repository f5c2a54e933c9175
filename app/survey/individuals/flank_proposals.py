"""Individuals of opposite flanks that may be one animal: seen in one event, or at one station within a minute."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.individuals.flanks import SIDES, different_pairs, one_sided
from app.survey.individuals.sightings import SightingView, sightings
from app.survey.individuals.species import species_of
from app.survey.tables.individuals import Individual

TOGETHER = timedelta(minutes=1)
LEFT, RIGHT = SIDES


@dataclass(frozen=True, slots=True)
class Proposal:
    """A left-flank individual and a right-flank one that were seen together.

    Attributes:
        left, right: the two sightings closest in time.
        seconds: between them.
        times: in how many events.
    """

    left: SightingView
    right: SightingView
    seconds: float
    times: int

    @property
    def one_event(self) -> bool:
        """Whether one camera took both in one event; else they are of two cameras at one station."""
        return self.left.unit == self.right.unit


@dataclass(frozen=True, slots=True)
class FlankReport:
    """Proposals, most often seen together first; and how many individuals are known by one flank alone."""

    proposals: list[Proposal] = field(default_factory=list)
    left_only: int = 0
    right_only: int = 0


def flank_report(session: Session) -> FlankReport:
    """Every proposal of the survey. Reads all sightings: not for a page's script.

    Left out are two that are on one picture, that were decided to be different, or whose species or sex differ.
    """
    sides = one_sided(session)
    found = sightings(session)
    together: dict[tuple[int, int], dict[tuple[str, int], tuple[float, SightingView, SightingView]]] = defaultdict(dict)
    ours = [sighting for sighting in found if sides.get(sighting.individual_id) == sighting.flank]
    for left, right in _meetings(ours):
        seconds = _apart(left, right)
        events = together[left.individual_id, right.individual_id]
        if left.unit not in events or seconds < events[left.unit][0]:
            events[left.unit] = (seconds, left, right)
    apart = different_pairs(session) | _on_one_picture(found)
    species = species_of(session)
    described = {row.id: (species[row.id], row.sex) for row in session.scalars(sa.select(Individual))}
    proposals = []
    for (left_id, right_id), events in together.items():
        if (min(left_id, right_id), max(left_id, right_id)) in apart:
            continue
        if any(a and b and a != b for a, b in zip(described[left_id], described[right_id], strict=True)):
            continue
        seconds, left, right = min(events.values(), key=lambda pair: pair[0])
        proposals.append(Proposal(left, right, seconds, len(events)))
    counts = [sum(side == wanted for side in sides.values()) for wanted in SIDES]
    return FlankReport(
        sorted(proposals, key=lambda proposal: (-proposal.times, proposal.seconds, proposal.left.individual_id)),
        *counts,
    )


def _meetings(ours: list[SightingView]) -> Iterator[tuple[SightingView, SightingView]]:
    """A left and a right sighting in one event, or within a minute at one station."""
    lefts, rights = ([sighting for sighting in ours if sighting.flank == side] for side in SIDES)
    in_event: dict[tuple[str, int], list[SightingView]] = defaultdict(list)
    at_station: dict[str, list[SightingView]] = defaultdict(list)
    for sighting in rights:
        in_event[sighting.unit].append(sighting)
        if sighting.station is not None and sighting.taken_at is not None:
            at_station[sighting.station].append(sighting)
    times = {}
    for station, there in at_station.items():
        there.sort(key=_time)
        times[station] = [_time(sighting) for sighting in there]
    for left in lefts:
        for right in in_event[left.unit]:
            yield left, right
        if left.station in times and left.taken_at is not None:
            known = times[left.station]
            first = bisect_left(known, _time(left) - TOGETHER.total_seconds())
            last = bisect_right(known, _time(left) + TOGETHER.total_seconds())
            for right in at_station[left.station][first:last]:
                if right.unit != left.unit:
                    yield left, right


def _time(sighting: SightingView) -> float:
    assert sighting.taken_at is not None
    return (sighting.taken_at - datetime.min).total_seconds()


def _apart(left: SightingView, right: SightingView) -> float:
    if left.taken_at is None or right.taken_at is None:
        return 0.0
    return abs((left.taken_at - right.taken_at).total_seconds())


def _on_one_picture(found: list[SightingView]) -> set[tuple[int, int]]:
    """Pairs of individuals (lower id first) that one picture shows."""
    by_media: dict[int, set[int]] = defaultdict(set)
    for sighting in found:
        by_media[sighting.media_id].add(sighting.individual_id)
    return {(low, high) for seen in by_media.values() if len(seen) > 1 for low in seen for high in seen if low < high}
