"""The survey at a glance: its best recent picture, and where, when and which animals were seen.

Reads whole tables: for the figures beside a page, not for its script.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.detections.boxes import NOT_REJECTED
from app.survey.media.stations import deployment_views, places
from app.survey.tables.detections import Detection, DetectionReview
from app.survey.tables.evidence import CropQuality
from app.survey.tables.media import Media, Stage

LARGE = 0.2  # share of the picture from which an animal does not look better for being larger
UNMEASURED = 0.5  # quality of a crop that nobody has measured
RECENT = 2000  # media among which the best picture is chosen
UNNAMED = "animal, species not set"
PERSON_FLOOR = 0.05  # a picture on which a person may be is not put in front


@dataclass(frozen=True, slots=True)
class Glance:
    """Figures over the media with an animal.

    Attributes:
        best: the picture to show first, of the last day with one; None without any.
        species: media by species, most often seen first.
        hours: media by hour of the day, 24 of them, by the corrected time.
        stations: media by station.
        places: latitude and longitude of the stations that have some, in degrees.
    """

    best: int | None = None
    species: tuple[tuple[str, int], ...] = ()
    hours: tuple[int, ...] = (0,) * 24
    stations: dict[str, int] = field(default_factory=dict)
    places: dict[str, tuple[float, float]] = field(default_factory=dict)


def glance(session: Session, threshold: float) -> Glance:
    """The figures at a confidence threshold."""
    views = {view.id: view for view in deployment_views(session)}
    hours, stations = [0] * 24, Counter[str]()
    hour = sa.extract("hour", Media.taken_at)
    seen = sa.select(Media.deployment_id, hour, sa.func.count()).where(Media.animal_score >= threshold)
    for deployment_id, at, count in session.execute(seen.group_by(Media.deployment_id, hour)):
        if at is not None:
            hours[int(at)] += count
        if deployment_id in views:
            stations[views[deployment_id].station] += count
    return Glance(
        best=_best(session, threshold),
        species=tuple(_species(session, threshold)),
        hours=tuple(hours),
        stations=dict(stations),
        places=places(list(views.values())),
    )


def _best(session: Session, threshold: float) -> int | None:
    """The picture with the largest sure animal on it that is seen well, of the last day of the newest media."""
    recent = (
        sa.select(Media.id, Media.taken_at)
        .where(
            Media.kind == "image",
            Media.stage == Stage.READY,
            Media.animal_score >= threshold,
            Media.person_score < PERSON_FLOOR,
        )
        .order_by(Media.id.desc())
        .limit(RECENT)
        .subquery()
    )
    last = session.scalar(sa.select(sa.func.max(recent.c.taken_at)))
    of_day = recent.c.taken_at > last - timedelta(days=1) if last else sa.true()
    size = Detection.width * Detection.height
    worth = Detection.confidence * sa.case((size > LARGE, LARGE), else_=size)
    worth *= sa.func.coalesce(CropQuality.score, UNMEASURED)
    whole = sa.and_(Detection.x > 0.01, Detection.x + Detection.width < 0.99, Detection.category == "animal")
    return session.scalar(
        sa.select(Detection.media_id)
        .join(recent, recent.c.id == Detection.media_id)
        .outerjoin(CropQuality, CropQuality.detection_id == Detection.id)
        .where(of_day, whole)
        .order_by(worth.desc())
        .limit(1)
    )


def _species(session: Session, threshold: float) -> list[tuple[str, int]]:
    named = (
        sa.select(DetectionReview.species, sa.func.count(sa.distinct(Detection.media_id)))
        .join(Detection, Detection.id == DetectionReview.detection_id)
        .where(DetectionReview.species.is_not(None), NOT_REJECTED)
        .group_by(DetectionReview.species)
    )
    found = [(str(row[0]), int(row[1])) for row in session.execute(named)]
    labelled = (
        sa.select(Detection.media_id)
        .join(DetectionReview, DetectionReview.detection_id == Detection.id)
        .where(DetectionReview.species.is_not(None), NOT_REJECTED)
    )
    without = session.scalar(
        sa.select(sa.func.count()).where(Media.animal_score >= threshold, Media.id.not_in(labelled))
    )
    ordered = sorted(found, key=lambda pair: (-pair[1], pair[0]))
    return [*ordered, *([(UNNAMED, without)] if without else [])]
