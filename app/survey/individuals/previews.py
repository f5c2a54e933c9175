"""What a merge or a split would do, before it is done."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.individuals.plausibility import Conflict, travel
from app.survey.individuals.sightings import SightingView, sightings
from app.survey.individuals.travel_speeds import speed_of, speeds
from app.survey.media.stations import deployment_views, places
from app.survey.tables.individuals import Individual, PairVerdict


@dataclass(frozen=True, slots=True)
class Part:
    """Some sightings in figures; first and last are camera-local."""

    sightings: int
    events: int
    stations: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Preview:
    """moved and rest: the sightings that would change owner and those beside them.

    Attributes:
        crops: what moves.
        contradicted: pairs a person decided otherwise about.
        conflicts: what time and place would say of the result and does not say of it now.
    """

    moved: Part
    rest: Part
    crops: tuple[SightingView, ...]
    contradicted: int
    conflicts: tuple[Conflict, ...]


def merge_preview(session: Session, keep_id: int, other_id: int) -> Preview:
    """Merging the other individual into the kept one; contradicted counts pairs said to be different."""
    mine, theirs = sightings(session, keep_id), sightings(session, other_id)
    where = places(deployment_views(session))
    limit = speed_of(session.get_one(Individual, keep_id).species, speeds(session))
    alone = {conflict.pair for part in (mine, theirs) for conflict in travel(part, where, limit)}
    together = sorted([*mine, *theirs], key=lambda sighting: (sighting.taken_at or datetime.max, sighting.media_id))
    new = tuple(conflict for conflict in travel(together, where, limit) if conflict.pair not in alone)
    decided = _decided(session, _ids(mine), _ids(theirs), "different")
    return Preview(_part(theirs), _part(mine), tuple(theirs), decided, new)


def split_preview(session: Session, individual_id: int, detection_ids: Collection[int]) -> Preview:
    """Splitting these crops off; contradicted counts pairs said to be the same that would be torn apart."""
    mine = sightings(session, individual_id)
    moved = [sighting for sighting in mine if sighting.detection_id in set(detection_ids)]
    rest = [sighting for sighting in mine if sighting.detection_id not in set(detection_ids)]
    decided = _decided(session, _ids(moved), _ids(rest), "same")
    return Preview(_part(moved), _part(rest), tuple(moved), decided, ())


def _ids(found: Sequence[SightingView]) -> set[int]:
    return {sighting.detection_id for sighting in found}


def _part(found: Sequence[SightingView]) -> Part:
    times = [sighting.taken_at for sighting in found if sighting.taken_at is not None]
    stations = {sighting.station for sighting in found if sighting.station is not None}
    units = {sighting.unit for sighting in found}
    return Part(len(found), len(units), len(stations), min(times, default=None), max(times, default=None))


def _decided(session: Session, ours: set[int], theirs: set[int], verdict: str) -> int:
    """How many pairs with one crop in each set have this verdict."""
    few = sorted(ours if len(ours) <= len(theirs) else theirs)
    pairs: set[tuple[int, int]] = set()
    for part in slices(few):
        rows = session.execute(
            sa.select(PairVerdict.low_id, PairVerdict.high_id).where(
                PairVerdict.verdict == verdict,
                sa.or_(PairVerdict.low_id.in_(part), PairVerdict.high_id.in_(part)),
            )
        )
        pairs.update((row.low_id, row.high_id) for row in rows)
    return sum((low in ours and high in theirs) or (low in theirs and high in ours) for low, high in pairs)
