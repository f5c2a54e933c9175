"""Sightings as one CSV table: who, where, when, which crop, and who decided it. No box of a person is in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.exchange.coordinates import coarse, may_be_exact
from app.exchange.csv_text import csv_text, write_csv
from app.exchange.listed import AT_ONCE, media_paths
from app.exchange.progress import Report, unheard
from app.survey.individuals.sightings import sightings
from app.survey.individuals.species import species_of
from app.survey.media.stations import deployment_views, places
from app.survey.tables.deployments import Deployment
from app.survey.tables.detections import DetectionReview
from app.survey.tables.individuals import Individual
from app.survey.tables.media import Media
from app.survey.tables.stamps import StampReading

HEADER = (
    "individual", "species", "sex", "age_class", "life_status", "station", "deployment", "taken_at", "latitude",
    "longitude", "flank", "event", "file", "media_sha256", "detection", "decided_by", "decided_at",
    "celsius",
)  # fmt: skip


def table(session: Session, individual_id: int | None = None, *, exact: bool = False) -> str:
    """All sightings, or those of one individual. taken_at is camera-local, clock corrections added.

    The species is the individual's or, where nobody has named that, its box's. celsius is the temperature on the
    picture's bar, where it was read. Coordinates follow `may_be_exact`.
    """
    return csv_text(HEADER, rows(session, individual_id, exact=exact))


def write(
    session: Session, out: Path, individual_id: int | None = None, *, exact: bool = False, report: Report = unheard
) -> int:
    """Write `table` to a file, a few hundred rows at a time; returns the number of sightings."""
    with out.open("w", encoding="utf-8", newline="") as file:
        return write_csv(file, HEADER, rows(session, individual_id, exact=exact, report=report))


def rows(
    session: Session, individual_id: int | None = None, *, exact: bool = False, report: Report = unheard
) -> Iterator[tuple[object, ...]]:
    """The rows of `table`, a few hundred at a time."""
    found, exact = sightings(session, individual_id), may_be_exact(session, asked=exact)
    animals = {row.id: row for row in session.scalars(sa.select(Individual))}
    known = species_of(session)
    deployments = {row.id: row.name for row in session.execute(sa.select(Deployment.id, Deployment.name))}
    where = places(deployment_views(session))
    for start in range(0, len(found), AT_ONCE):
        report(start, len(found))
        part = found[start : start + AT_ONCE]
        media = {sighting.media_id for sighting in part}
        paths = media_paths(session, media)
        hashes = session.execute(sa.select(Media.id, Media.sha256).where(Media.id.in_(media)))
        sha256 = {row.id: row.sha256 for row in hashes}
        celsius = _celsius(session, media)
        named = _species_of_boxes(session, [sighting.detection_id for sighting in part])
        for sighting in part:
            animal = animals[sighting.individual_id]
            species = animal.species or named.get(sighting.detection_id) or known[animal.id]
            latitude, longitude = coarse(where.get(sighting.station or ""), exact=exact)
            yield (
                animal.name, species, animal.sex, animal.age_class, animal.life_status, sighting.station,
                deployments.get(sighting.deployment_id or 0),
                sighting.taken_at.isoformat() if sighting.taken_at else None, latitude, longitude,
                sighting.flank, sighting.event_id, paths.get(sighting.media_id), sha256[sighting.media_id],
                sighting.detection_id, sighting.who,
                datetime.fromtimestamp(sighting.decided_at, UTC).isoformat(timespec="seconds"),
                celsius.get(sighting.media_id),
            )  # fmt: skip


def _celsius(session: Session, media_ids: set[int]) -> dict[int, float]:
    """The temperatures that were read from the bars of these media."""
    query = sa.select(StampReading.media_id, StampReading.celsius).where(
        StampReading.media_id.in_(media_ids), StampReading.celsius.is_not(None)
    )
    return {row[0]: row[1] for row in session.execute(query) if row[1] is not None}


def _species_of_boxes(session: Session, detection_ids: list[int]) -> dict[int, str]:
    """What people call the animals in these boxes."""
    query = sa.select(DetectionReview.detection_id, DetectionReview.species).where(
        DetectionReview.detection_id.in_(detection_ids), DetectionReview.species.is_not(None)
    )
    return {row[0]: row[1] for row in session.execute(query) if row[1]}
