"""Sightings with their corrected times and stations: of one individual, of all, and who was seen near whom."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.media.stations import DeploymentView, deployment_views, kilometres, places
from app.survey.tables.deployments import Deployment
from app.survey.tables.detections import Detection, DetectionReview
from app.survey.tables.individuals import Individual, Sighting
from app.survey.tables.media import Media


@dataclass(frozen=True, slots=True)
class SightingView:
    """One sighting. taken_at is camera-local, clock corrections added; pixels is the crop's area."""

    detection_id: int
    individual_id: int
    media_id: int
    event_id: int | None
    deployment_id: int | None
    station: str | None
    taken_at: datetime | None
    flank: str
    pixels: float
    who: str
    decided_at: float

    @property
    def unit(self) -> tuple[str, int]:
        """What belongs together in time: the event, or the media alone when it has no event."""
        return ("event", self.event_id) if self.event_id is not None else ("media", self.media_id)


@dataclass(frozen=True, slots=True)
class Movement:
    """From one station to the next: kilometres is None where a station has no coordinates."""

    left: SightingView
    arrived: SightingView
    kilometres: float | None

    @property
    def hours(self) -> float:
        """Time between the last sighting here and the first one there."""
        assert self.left.taken_at is not None
        assert self.arrived.taken_at is not None
        return (self.arrived.taken_at - self.left.taken_at).total_seconds() / 3600


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another individual seen at the same station within some hours.

    Attributes:
        closest: the shortest time between the two.
    """

    individual_id: int
    name: str
    times: int
    stations: tuple[str, ...]
    closest: timedelta


def sightings(session: Session, individual_id: int | None = None) -> list[SightingView]:
    """All sightings, or those of one individual, in the order of individual and corrected time; unknown times last."""
    query = (
        sa.select(
            Sighting.detection_id,
            Sighting.individual_id,
            Media.id,
            Media.event_id,
            Media.deployment_id,
            Deployment.station,
            Media.taken_at,
            sa.func.coalesce(DetectionReview.flank, "unknown"),
            Detection.width * Media.width * Detection.height * Media.height,
            Sighting.who,
            Sighting.decided_at,
        )
        .select_from(Sighting)
        .join(Detection, Detection.id == Sighting.detection_id)
        .join(Media, Media.id == Detection.media_id)
        .outerjoin(DetectionReview, DetectionReview.detection_id == Detection.id)
        .outerjoin(Deployment, Deployment.id == Media.deployment_id)
    )
    if individual_id is not None:
        query = query.where(Sighting.individual_id == individual_id)
    found = [SightingView(*tuple(row)) for row in session.execute(query)]
    return sorted(
        found, key=lambda sighting: (sighting.individual_id, sighting.taken_at or datetime.max, sighting.media_id)
    )


def best_crops(found: Iterable[SightingView], each: int = 6) -> dict[str, list[SightingView]]:
    """The largest crops of each flank, one an event first; left, right, other, unknown."""
    by_flank: dict[str, list[SightingView]] = defaultdict(list)
    for sighting in sorted(found, key=lambda sighting: -sighting.pixels):
        by_flank[sighting.flank].append(sighting)
    best = {}
    for flank in ("left", "right", "other", "unknown"):
        seen: set[tuple[str, int]] = set()
        first = [sighting for sighting in by_flank[flank] if sighting.unit not in seen and not seen.add(sighting.unit)]  # type: ignore[func-returns-value]
        rest = [sighting for sighting in by_flank[flank] if sighting not in first]
        if by_flank[flank]:
            best[flank] = (first + rest)[:each]
    return best


def movements(found: Sequence[SightingView], deployments: list[DeploymentView]) -> list[Movement]:
    """Each change of station in the order of time. Sightings without time or station are left out."""
    where = places(deployments)
    known = [sighting for sighting in found if sighting.taken_at is not None and sighting.station is not None]
    runs = [list(run) for _, run in groupby(known, key=lambda sighting: sighting.station)]
    moves = []
    for here, there in pairwise(runs):
        first, second = where.get(str(here[-1].station)), where.get(str(there[0].station))
        moves.append(Movement(here[-1], there[0], kilometres(first, second) if first and second else None))
    return moves


def neighbours(session: Session, found: Sequence[SightingView], hours: float) -> list[Neighbour]:
    """Who else was seen at the same station within so many hours, most often first.

    times counts this individual's events with the other one near.

    Args:
        found: one individual's sightings.
    """
    window = timedelta(hours=hours)
    at_station: dict[str, list[int]] = defaultdict(list)
    for view in deployment_views(session):
        at_station[view.station].append(view.id)
    mine = [sighting for sighting in found if sighting.taken_at is not None and sighting.station is not None]
    near: dict[int, Counter[tuple[str, int]]] = defaultdict(Counter)
    seen_at: dict[int, set[str]] = defaultdict(set)
    closest: dict[int, timedelta] = {}
    for station, group in groupby(
        sorted(mine, key=lambda sighting: str(sighting.station)), key=lambda sighting: str(sighting.station)
    ):
        ours = sorted(group, key=lambda sighting: sighting.taken_at or datetime.min)
        for other, at in _others(session, ours, at_station[station], window):
            for sighting in ours:
                assert sighting.taken_at is not None
                apart = abs(sighting.taken_at - at)
                if apart <= window:
                    near[other][sighting.unit] += 1
                    seen_at[other].add(station)
                    closest[other] = min(closest.get(other, apart), apart)
    names = individual_names(session, near)
    listed = [
        Neighbour(other, names[other], len(units), tuple(sorted(seen_at[other])), closest[other])
        for other, units in near.items()
    ]
    return sorted(listed, key=lambda companion: (-companion.times, companion.name))


def individual_names(session: Session, individual_ids: Iterable[int]) -> dict[int, str]:
    """Names by id."""
    found: dict[int, str] = {}
    for some in slices(sorted(individual_ids)):
        rows = session.execute(sa.select(Individual.id, Individual.name).where(Individual.id.in_(some)))
        found.update({row.id: row.name for row in rows})
    return found


def _others(
    session: Session,
    ours: list[SightingView],
    deployment_ids: list[int],
    window: timedelta,
) -> list[tuple[int, datetime]]:
    """Sightings of other individuals at these deployments close to ours: (individual, corrected time)."""
    found = []
    for start, end in _spans([sighting.taken_at for sighting in ours if sighting.taken_at], window):
        for deployment_id in deployment_ids:
            rows = session.execute(
                sa.select(Sighting.individual_id, Media.taken_at)
                .select_from(Media)
                .join(Detection, Detection.media_id == Media.id)
                .join(Sighting, Sighting.detection_id == Detection.id)
                .where(
                    Media.deployment_id == deployment_id,
                    Media.taken_at.between(start, end),
                    Sighting.individual_id != ours[0].individual_id,
                )
            )
            found += [(row.individual_id, row.taken_at) for row in rows]
    return found


def _spans(times: list[datetime], window: timedelta) -> list[tuple[datetime, datetime]]:
    """The times widened by the window on both sides, overlapping ones joined."""
    spans: list[tuple[datetime, datetime]] = []
    for at in times:
        if spans and at - window <= spans[-1][1]:
            spans[-1] = (spans[-1][0], at + window)
        else:
            spans.append((at - window, at + window))
    return spans
