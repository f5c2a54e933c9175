"""The lists the Individuals page shows: the catalogue with its covers, and the decisions about one individual."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.survey.individuals.species import species_of, stated_species
from app.survey.tables.decisions import Decision
from app.survey.tables.deployments import Deployment
from app.survey.tables.detections import Detection
from app.survey.tables.individuals import Individual, Sighting
from app.survey.tables.media import Media


class Order(StrEnum):
    """How the catalogue is sorted."""

    NAME = "name"
    SIGHTINGS = "sightings"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One individual with what is known of it. first_seen and last_seen are camera-local, clock offsets added."""

    id: int
    name: str
    species: str | None
    sex: str | None
    age_class: str | None
    life_status: str | None
    sightings: int
    stations: int
    first_seen: datetime | None
    last_seen: datetime | None
    cover_detection_id: int | None


def entries(
    session: Session, search: str = "", order: Order = Order.NAME, *, limit: int = 60, offset: int = 0
) -> list[CatalogueEntry]:
    """Individuals that are not merged away; the cover is the largest crop."""
    ids = sa.select(Individual.id).where(*_listed(search))
    if order is Order.SIGHTINGS:
        counted = (
            sa.select(Sighting.individual_id, sa.func.count().label("sightings"))
            .group_by(Sighting.individual_id)
            .subquery()
        )
        ids = ids.outerjoin(counted, counted.c.individual_id == Individual.id)
        ids = ids.order_by(sa.func.coalesce(counted.c.sightings, 0).desc(), Individual.name)
    elif order is Order.NEWEST:
        ids = ids.order_by(Individual.id.desc())
    else:
        ids = ids.order_by(Individual.name)
    return _entries(session, list(session.scalars(ids.limit(limit).offset(offset))))


def entry(session: Session, individual_id: int) -> CatalogueEntry | None:
    """One individual of the catalogue; None when there is none or it was merged away."""
    listed = session.scalar(sa.select(Individual.id).where(*_listed(""), Individual.id == individual_id))
    return next(iter(_entries(session, [listed])), None) if listed is not None else None


def count(session: Session, search: str = "") -> int:
    """How many individuals the catalogue lists."""
    return session.scalar(sa.select(sa.func.count(Individual.id)).where(*_listed(search))) or 0


def names(session: Session) -> dict[int, str]:
    """The names of all individuals that are not merged away, by id, in the order of names."""
    rows = session.execute(sa.select(Individual.id, Individual.name).where(*_listed("")).order_by(Individual.name))
    return {row.id: row.name for row in rows}


def individual(session: Session, individual_id: int) -> Individual:
    """The row of one individual."""
    return session.get_one(Individual, individual_id)


def merged_into(session: Session, individual_id: int) -> Individual | None:
    """The individual that one merged away has become part of, at the end of the chain; None when it was not merged."""
    row = session.get(Individual, individual_id)
    seen: set[int] = set()
    while row is not None and row.merged_into_id is not None and row.id not in seen:
        seen.add(row.id)
        row = session.get(Individual, row.merged_into_id)
    return row if row is not None and row.id != individual_id else None


def family(session: Session, individual_id: int) -> set[int]:
    """An individual and all that became part of it."""
    found, new = {individual_id}, {individual_id}
    while new:
        taken_in = sa.select(Individual.id).where(Individual.merged_into_id.in_(new))
        new = set(session.scalars(taken_in)) - found
        found |= new
    return found


def history(session: Session, individual_id: int, limit: int = 200) -> list[Decision]:
    """Every decision about one individual, those it took in and the split it came from, newest first, undone too."""
    came_from = sa.and_(Decision.kind == "split", Decision.view["new_id"].as_integer() == individual_id)
    about = sa.or_(Decision.individual_id.in_(family(session, individual_id)), came_from)
    return list(session.scalars(sa.select(Decision).where(about).order_by(Decision.id.desc()).limit(limit)))


def species_known(session: Session) -> list[str]:
    """The species of the individuals in the catalogue, as people set them of an individual or of its crops."""
    found = sa.select(stated_species()).where(*_listed("")).distinct()
    return sorted(name for name in session.scalars(found) if name)


def _listed(search: str) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = [Individual.merged_into_id.is_(None)]
    if search.strip():
        former = aliased(Individual)
        earlier = sa.select(former.merged_into_id).where(
            former.merged_into_id.is_not(None), former.name.icontains(search.strip(), autoescape=True)
        )
        named = Individual.name.icontains(search.strip(), autoescape=True)
        where.append(sa.or_(named, Individual.id.in_(earlier)))
    return where


def _entries(session: Session, ids: list[int]) -> list[CatalogueEntry]:
    found = {row.id: row for row in session.scalars(sa.select(Individual).where(Individual.id.in_(ids)))}
    figures, covers, species = _figures(session, ids), _covers(session, ids), species_of(session, ids)
    listed = []
    for animal in (found[number] for number in ids):
        described = (animal.id, animal.name, species[animal.id], animal.sex, animal.age_class, animal.life_status)
        listed.append(CatalogueEntry(*described, *figures[animal.id], covers.get(animal.id)))
    return listed


def _figures(session: Session, ids: list[int]) -> dict[int, tuple[int, int, datetime | None, datetime | None]]:
    """Sightings, stations, first and last seen of each."""
    rows = session.execute(
        sa.select(
            Sighting.individual_id,
            Deployment.station,
            sa.func.count(),
            sa.func.min(Media.taken_at),
            sa.func.max(Media.taken_at),
        )
        .join(Detection, Detection.id == Sighting.detection_id)
        .join(Media, Media.id == Detection.media_id)
        .outerjoin(Deployment, Deployment.id == Media.deployment_id)
        .where(Sighting.individual_id.in_(ids))
        .group_by(Sighting.individual_id, Media.deployment_id, Deployment.station)
    )
    parts: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        parts[row[0]].append(tuple(row[1:]))
    found = {}
    for number in ids:
        times = [at for _, _, *span in parts[number] for at in span if at is not None]
        stations = {station for station, *_ in parts[number] if station is not None}
        total = sum(part[1] for part in parts[number])
        found[number] = (total, len(stations), min(times, default=None), max(times, default=None))
    return found


def _covers(session: Session, individual_ids: list[int]) -> dict[int, int]:
    area = Detection.width * Media.width * Detection.height * Media.height
    rows = session.execute(
        sa.select(Sighting.individual_id, Sighting.detection_id)
        .join(Detection, Detection.id == Sighting.detection_id)
        .join(Media, Media.id == Detection.media_id)
        .where(Sighting.individual_id.in_(individual_ids))
        .order_by(area, Sighting.detection_id)
    )
    return {row.individual_id: row.detection_id for row in rows}
