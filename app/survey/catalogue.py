"""The catalogue of individuals: rename, describe, merge, split, and the lists the Individuals page shows."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.decide import Change
from app.survey.decisions import Decision
from app.survey.deployments import Deployment
from app.survey.detections import Detection
from app.survey.identity import Contradiction, free_name, next_name
from app.survey.individuals import Individual, Sighting
from app.survey.media import Media
from app.survey.review import BadDecision

KINDS = ("rename", "describe", "merge", "split", "take out")
DESCRIPTION = ("species", "sex", "age_class", "life_status", "notes")


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One individual with what is known of it. first_seen and last_seen are camera-local."""

    id: int
    name: str
    species: str | None
    sex: str | None
    sightings: int
    stations: int
    first_seen: datetime | None
    last_seen: datetime | None
    cover_detection_id: int | None


@dataclass(frozen=True, slots=True)
class SightingView:
    """One sighting of an individual."""

    detection_id: int
    media_id: int
    sha256: str
    taken_at: datetime | None
    station: str | None
    latitude: float | None
    longitude: float | None
    who: str
    decided_at: float


def entries(session: Session, search: str = "", *, limit: int = 60, offset: int = 0) -> list[CatalogueEntry]:
    """Individuals that are not merged away, by name; the cover is the largest crop."""
    return _entries(session, _listed(search), limit=limit, offset=offset)


def entry(session: Session, individual_id: int) -> CatalogueEntry | None:
    """One individual of the catalogue; None when there is none or it was merged away."""
    return next(iter(_entries(session, [*_listed(""), Individual.id == individual_id], limit=1, offset=0)), None)


def individual(session: Session, individual_id: int) -> Individual:
    """The row of one individual."""
    return session.get_one(Individual, individual_id)


def _entries(session: Session, where: list[sa.ColumnElement[bool]], *, limit: int, offset: int) -> list[CatalogueEntry]:
    rows = session.execute(
        sa.select(
            Individual.id,
            Individual.name,
            Individual.species,
            Individual.sex,
            sa.func.count(Sighting.detection_id),
            sa.func.count(sa.distinct(Deployment.station)),
            sa.func.min(Media.taken_at),
            sa.func.max(Media.taken_at),
        )
        .outerjoin(Sighting, Sighting.individual_id == Individual.id)
        .outerjoin(Detection, Detection.id == Sighting.detection_id)
        .outerjoin(Media, Media.id == Detection.media_id)
        .outerjoin(Deployment, Deployment.id == Media.deployment_id)
        .where(*where)
        .group_by(Individual.id, Individual.name, Individual.species, Individual.sex)
        .order_by(Individual.name)
        .limit(limit)
        .offset(offset)
    ).all()
    values: list[tuple[Any, ...]] = [tuple(row) for row in rows]
    covers = _covers(session, [row[0] for row in values])
    return [CatalogueEntry(*(*row, covers.get(row[0]))) for row in values]


def count(session: Session, search: str = "") -> int:
    """How many individuals the catalogue lists."""
    return session.scalar(sa.select(sa.func.count(Individual.id)).where(*_listed(search))) or 0


def sightings(session: Session, individual_id: int) -> list[SightingView]:
    """All sightings of one individual in the order of time."""
    rows = session.execute(
        sa.select(
            Detection.id,
            Media.id,
            Media.sha256,
            Media.taken_at,
            Deployment.station,
            sa.func.coalesce(Media.latitude, Deployment.latitude),
            sa.func.coalesce(Media.longitude, Deployment.longitude),
            Sighting.who,
            Sighting.decided_at,
        )
        .select_from(Sighting)
        .join(Detection, Detection.id == Sighting.detection_id)
        .join(Media, Media.id == Detection.media_id)
        .outerjoin(Deployment, Deployment.id == Media.deployment_id)
        .where(Sighting.individual_id == individual_id)
        .order_by(Media.taken_at, Media.id)
    )
    values: list[tuple[Any, ...]] = [tuple(row) for row in rows]
    return [SightingView(*row) for row in values]


def history(session: Session, individual_id: int, limit: int = 200) -> list[Decision]:
    """Every decision about one individual, newest first, undone ones too."""
    query = sa.select(Decision).where(Decision.individual_id == individual_id).order_by(Decision.id.desc())
    return list(session.scalars(query.limit(limit)))


def rename(session: Session, who: str, individual_id: int, name: str) -> Decision:
    """Give an individual another name. Raises BadDecision when the name was ever used."""
    individual = _listed_one(session, individual_id)
    change = Change(session)
    old = individual.name
    change.put(Individual, {"id": individual_id}, name=free_name(session, name))
    return change.record("rename", who, individual_id=individual_id, view={"from": old, "to": individual.name})


def describe(session: Session, who: str, individual_id: int, **values: Any) -> Decision:
    """Set species, sex, age_class, life_status or notes."""
    if unknown := set(values) - set(DESCRIPTION):
        raise BadDecision(f"An individual has no {', '.join(sorted(unknown))}.")
    _listed_one(session, individual_id)
    change = Change(session)
    change.put(Individual, {"id": individual_id}, **values)
    return change.record("describe", who, individual_id=individual_id, view=values)


def merge(session: Session, who: str, keep_id: int, other_id: int) -> Decision:
    """All sightings of the other individual become sightings of the kept one; the other's name stays taken.

    Raises Contradiction when one of the two has been merged away already.
    """
    if keep_id == other_id:
        raise BadDecision("An individual cannot be merged with itself.")
    keep, other = _listed_one(session, keep_id), _listed_one(session, other_id)
    change = Change(session)
    members = sa.select(Sighting.detection_id).where(Sighting.individual_id == other.id)
    for detection_id in session.scalars(members).all():
        change.put(Sighting, {"detection_id": detection_id}, individual_id=keep.id, who=who, decided_at=time.time())
    change.put(Individual, {"id": other.id}, merged_into_id=keep.id)
    return change.record("merge", who, individual_id=keep.id, view={"merged": other.name, "merged_id": other.id})


def split(session: Session, who: str, individual_id: int, detection_ids: Collection[int]) -> Decision:
    """Move some sightings of an individual to a new one."""
    _listed_one(session, individual_id)
    mine = set(session.scalars(sa.select(Sighting.detection_id).where(Sighting.individual_id == individual_id)))
    if not detection_ids or not set(detection_ids) < mine:
        raise BadDecision("Choose some, but not all, of this individual's sightings to split off.")
    change = Change(session)
    new = change.add(Individual(name=next_name(session)))
    for detection_id in detection_ids:
        change.put(Sighting, {"detection_id": detection_id}, individual_id=new.id, who=who, decided_at=time.time())
    return change.record("split", who, individual_id=individual_id, view={"new": new.name, "new_id": new.id})


def take_out(session: Session, who: str, detection_id: int) -> Decision:
    """Take one sighting out of its individual; the crop waits for a decision again."""
    sighting = session.get(Sighting, detection_id)
    if sighting is None:
        raise BadDecision("This crop belongs to no individual.")
    individual_id = sighting.individual_id
    change = Change(session)
    change.drop(Sighting, {"detection_id": detection_id})
    return change.record("take out", who, detection_id=detection_id, individual_id=individual_id)


def _listed(search: str) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = [Individual.merged_into_id.is_(None)]
    if search.strip():
        where.append(Individual.name.icontains(search.strip(), autoescape=True))
    return where


def _listed_one(session: Session, individual_id: int) -> Individual:
    individual = session.get(Individual, individual_id)
    if individual is None:
        raise BadDecision("This individual does not exist any more.")
    if individual.merged_into_id is not None:
        raise Contradiction(f"{individual.name} has been merged already. Undo that merge first.")
    return individual


def _covers(session: Session, individual_ids: list[int]) -> dict[int, int]:
    area = Detection.width * Media.width * Detection.height * Media.height
    rows = session.execute(
        sa.select(Sighting.individual_id, Sighting.detection_id)
        .join(Detection, Detection.id == Sighting.detection_id)
        .join(Media, Media.id == Detection.media_id)
        .where(Sighting.individual_id.in_(individual_ids))
        .order_by(area)
    )
    return {row.individual_id: row.detection_id for row in rows}
