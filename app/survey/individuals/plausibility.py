"""What cannot be, or hardly, if every sighting of an individual is right: listed as conflicts, each with its figures.

Nothing is guessed: sightings without a time or a station, and stations without coordinates, are counted and told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.survey.individuals.plausibility_patterns import contradicted_crops
from app.survey.individuals.sightings import SightingView, sightings
from app.survey.individuals.species import species_of
from app.survey.individuals.travel_speeds import CLOCK_SLACK_SECONDS, Speed, speed_of, speeds
from app.survey.media.stations import deployment_views, kilometres, places
from app.survey.tables.individuals import PairVerdict, Sighting
from app.survey.tables.plausibility import AcceptedConflict

TOO_FAST, AT_ONCE, ONE_PICTURE = "too fast", "at once", "one picture"
DIFFERENT_JOINED, SAME_APART, FIGURES = "said different", "said same", "match figures"
KINDS = (ONE_PICTURE, AT_ONCE, TOO_FAST, DIFFERENT_JOINED, SAME_APART, FIGURES)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two sightings that do not go together. kilometres, hours and limit (km/h) are None where they do not apply.

    first and second belong to one individual, except for "said same" and the second of "match figures".
    """

    kind: str
    individual_id: int
    first: SightingView
    second: SightingView
    kilometres: float | None = None
    hours: float | None = None
    limit: Speed | None = None

    @property
    def pair(self) -> tuple[int, int]:
        """The two detections, the lower id first."""
        low, high = sorted((self.first.detection_id, self.second.detection_id))
        return low, high

    @property
    def kmh(self) -> float | None:
        """The speed it would take; None when it cannot be told or no time passed."""
        return self.kilometres / self.hours if self.kilometres is not None and self.hours else None


@dataclass(frozen=True, slots=True)
class Report:
    """Conflicts, worst kinds first; what could not be checked; and how many were accepted before."""

    conflicts: list[Conflict] = field(default_factory=list)
    accepted: int = 0
    without_time: int = 0
    without_station: int = 0
    unplaced_stations: list[str] = field(default_factory=list)


def report(session: Session) -> Report:
    """Every conflict of the survey nobody has accepted. Reads all sightings: not for a page's script."""
    found = sightings(session)
    species = species_of(session)
    where, known = places(deployment_views(session)), speeds(session)
    conflicts: list[Conflict] = []
    for individual_id, mine in groupby(found, key=lambda sighting: sighting.individual_id):
        conflicts += travel(list(mine), where, speed_of(species.get(individual_id), known))
    by_id = {sighting.detection_id: sighting for sighting in found}
    conflicts += _decided(session, by_id) + _figures(session, by_id)
    left = _not_accepted(session, conflicts, by_id)
    stations = {sighting.station for sighting in found if sighting.station is not None}
    return Report(
        conflicts=sorted(
            left, key=lambda conflict: (KINDS.index(conflict.kind), -(conflict.kmh or 0.0), conflict.pair)
        ),
        accepted=len(conflicts) - len(left),
        without_time=sum(sighting.taken_at is None for sighting in found),
        without_station=sum(sighting.station is None for sighting in found),
        unplaced_stations=sorted(stations - set(where)),
    )


def travel(mine: Sequence[SightingView], where: dict[str, tuple[float, float]], limit: Speed) -> list[Conflict]:
    """What one individual's sightings say against each other by time and place; one conflict a pair of events."""
    found = _one_picture(mine)
    dated = [sighting for sighting in mine if sighting.taken_at is not None and sighting.station is not None]
    placed = [sighting for sighting in dated if str(sighting.station) in where]
    for here, there in _changes(placed):
        distance = kilometres(where[str(here.station)], where[str(there.station)])
        hours = _hours(here, there)
        if distance > limit.kmh * (hours + CLOCK_SLACK_SECONDS / 3600):
            kind = AT_ONCE if hours * 3600 <= CLOCK_SLACK_SECONDS else TOO_FAST
            found.append(Conflict(kind, here.individual_id, here, there, distance, hours, limit))
    for here, there in _changes(dated):
        unplaced = str(here.station) not in where or str(there.station) not in where
        hours = _hours(here, there)
        if unplaced and hours * 3600 <= CLOCK_SLACK_SECONDS:
            found.append(Conflict(AT_ONCE, here.individual_id, here, there, None, hours))
    return _worst_of_each(found)


def _one_picture(mine: Iterable[SightingView]) -> list[Conflict]:
    by_media: dict[int, list[SightingView]] = defaultdict(list)
    for sighting in mine:
        by_media[sighting.media_id].append(sighting)
    return [
        Conflict(ONE_PICTURE, first.individual_id, first, second, hours=0.0)
        for same in by_media.values()
        for first, second in pairwise(same)
    ]


def _changes(dated: Sequence[SightingView]) -> list[tuple[SightingView, SightingView]]:
    """The last sighting at one station and the first at the next, for each change of station."""
    return [(here, there) for here, there in pairwise(dated) if here.station != there.station]


def _hours(here: SightingView, there: SightingView) -> float:
    assert here.taken_at is not None
    assert there.taken_at is not None
    return (there.taken_at - here.taken_at).total_seconds() / 3600


def _worst_of_each(found: Iterable[Conflict]) -> list[Conflict]:
    """Two cameras that fire in turn show one conflict many times: one a pair of events is kept, the fastest."""
    worst: dict[tuple[str, frozenset[tuple[str, int]]], Conflict] = {}
    for conflict in found:
        key = (
            ("one picture" if conflict.kind == ONE_PICTURE else "travel"),
            frozenset((conflict.first.unit, conflict.second.unit))
            if conflict.kind != ONE_PICTURE
            else frozenset(_crops(conflict)),
        )
        kept = worst.get(key)
        if kept is None or (conflict.kind == AT_ONCE) > (kept.kind == AT_ONCE) or (conflict.kmh or 0) > (kept.kmh or 0):
            worst[key] = conflict
    return list(worst.values())


def _crops(conflict: Conflict) -> set[tuple[str, int]]:
    return {("crop", number) for number in conflict.pair}


def _decided(session: Session, by_id: dict[int, SightingView]) -> list[Conflict]:
    """Crops of one individual that were said to be different, and of two that were said to be the same."""
    low, high = aliased(Sighting), aliased(Sighting)
    rows = session.execute(
        sa.select(PairVerdict.low_id, PairVerdict.high_id, PairVerdict.verdict)
        .join(low, low.detection_id == PairVerdict.low_id)
        .join(high, high.detection_id == PairVerdict.high_id)
        .where(
            sa.or_(
                sa.and_(PairVerdict.verdict == "different", low.individual_id == high.individual_id),
                sa.and_(PairVerdict.verdict == "same", low.individual_id != high.individual_id),
            )
        )
    )
    found = []
    for row in rows:
        first, second = by_id[row.low_id], by_id[row.high_id]
        kind = DIFFERENT_JOINED if row.verdict == "different" else SAME_APART
        found.append(Conflict(kind, first.individual_id, first, second))
    return found


def _figures(session: Session, by_id: dict[int, SightingView]) -> list[Conflict]:
    return [
        Conflict(FIGURES, by_id[crop].individual_id, by_id[crop], by_id[other])
        for crop, other in contradicted_crops(session, by_id)
    ]


def _not_accepted(session: Session, found: list[Conflict], by_id: dict[int, SightingView]) -> list[Conflict]:
    """Those nobody has accepted; an accepted pair of events stays accepted for every other pair of their crops."""
    pairs, units = set(), set()
    for row in session.scalars(sa.select(AcceptedConflict)):
        family = _family(row.kind)
        pairs.add((family, row.low_id, row.high_id))
        if family == "travel" and row.low_id in by_id and row.high_id in by_id:
            units.add(frozenset((by_id[row.low_id].unit, by_id[row.high_id].unit)))
    return [
        conflict
        for conflict in found
        if (_family(conflict.kind), *conflict.pair) not in pairs
        and not (_family(conflict.kind) == "travel" and frozenset((conflict.first.unit, conflict.second.unit)) in units)
    ]


def _family(kind: str) -> str:
    return "travel" if kind in (TOO_FAST, AT_ONCE) else kind
