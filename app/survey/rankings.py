"""What waits for an identity decision, and the rankings computed for it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.decisions import Decision
from app.survey.deployments import Deployment
from app.survey.detections import Detection, DetectionReview, Feature, ModelVersion, Ranking
from app.survey.individuals import PairVerdict, Sighting
from app.survey.media import Media
from modal_backend.contracts import Flank

HIDDEN_STATES = ("unidentifiable",)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which crops may be candidates for a query.

    station: only those of the query's station. flank: not those of the other flank. other_events: unnamed crops of
    the query's own event are left out. catalogued: only crops that belong to an individual.
    """

    station: bool = False
    flank: bool = True
    other_events: bool = True
    catalogued: bool = False

    def key(self) -> str:
        """The scope as text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_key(cls, key: str) -> Scope:
        """The scope a text stands for."""
        return cls(**json.loads(key))


@dataclass(frozen=True, slots=True)
class Query:
    """A crop that waits for a decision. taken_at is camera-local."""

    detection_id: int
    media_id: int
    taken_at: datetime | None
    station: str | None
    event_id: int | None
    state: str | None


def feature_version(session: Session, model: str) -> int | None:
    """Id of the newest model version that has features of this model."""
    return session.scalar(sa.select(sa.func.max(ModelVersion.id)).where(ModelVersion.model == model))


def waiting(session: Session, version_id: int, *, limit: int = 200, offset: int = 0) -> list[Query]:
    """Described crops without an individual: unsure ones first, then in the order of deployment and time."""
    unsure_first = sa.case((DetectionReview.identity == "unsure", 0), else_=1)
    rows = session.execute(
        sa.select(Detection.id, Media.id, Media.taken_at, Deployment.station, Media.event_id, DetectionReview.identity)
        .select_from(Feature)
        .join(Detection, Detection.id == Feature.detection_id)
        .join(Media, Media.id == Detection.media_id)
        .outerjoin(Deployment, Deployment.id == Media.deployment_id)
        .outerjoin(DetectionReview, DetectionReview.detection_id == Detection.id)
        .outerjoin(Sighting, Sighting.detection_id == Detection.id)
        .where(*_waits(version_id))
        .order_by(unsure_first, Media.deployment_id, Media.taken_at, Media.id, Detection.id)
        .limit(limit)
        .offset(offset)
    )
    values: list[tuple[Any, ...]] = [tuple(row) for row in rows]
    return [Query(*row) for row in values]


def waiting_count(session: Session, version_id: int) -> int:
    """How many crops wait for an identity decision."""
    return (
        session.scalar(
            sa.select(sa.func.count(Feature.id))
            .join(Detection, Detection.id == Feature.detection_id)
            .join(Media, Media.id == Detection.media_id)
            .outerjoin(DetectionReview, DetectionReview.detection_id == Detection.id)
            .outerjoin(Sighting, Sighting.detection_id == Detection.id)
            .where(*_waits(version_id))
        )
        or 0
    )


def _waits(version_id: int) -> list[sa.ColumnElement[bool]]:
    return [
        Feature.model_version_id == version_id,
        Sighting.detection_id.is_(None),
        Media.animal_score > 0,
        sa.func.coalesce(DetectionReview.verdict, "") != "rejected",
        sa.func.coalesce(DetectionReview.category, Detection.category) == "animal",
        sa.func.coalesce(DetectionReview.identity, "").not_in(HIDDEN_STATES),
    ]


def stamp(session: Session) -> str:
    """Names the state of gallery and catalogue: it changes with every new feature, decision and undo."""
    features = session.scalar(sa.select(sa.func.max(Feature.id))) or 0
    decisions = session.scalar(sa.select(sa.func.max(Decision.id))) or 0
    undone = session.scalar(sa.select(sa.func.max(Decision.undone_at))) or 0.0
    return f"{features}-{decisions}-{undone:.3f}"


def is_fresh(ranked: Ranking | None, now: str) -> bool:
    """Whether a ranking knows every decision; crops described since then do not make it old."""
    return ranked is not None and ranked.stamp.split("-", 1)[1] == now.split("-", 1)[1]


def ranking(session: Session, detection_id: int, model: str, scope: Scope) -> Ranking | None:
    """The last ranking of a query by a model within a scope, fresh or not."""
    return session.scalar(
        sa.select(Ranking)
        .join(ModelVersion, ModelVersion.id == Ranking.model_version_id)
        .where(Ranking.detection_id == detection_id, ModelVersion.model == model, Ranking.scope == scope.key())
        .order_by(Ranking.id.desc())
        .limit(1)
    )


def store_ranking(session: Session, detection_id: int, version_id: int, scope: Scope, **values: Any) -> None:
    """Write a ranking in place of the last one. values: the columns of Ranking."""
    key = {"detection_id": detection_id, "model_version_id": version_id, "scope": scope.key()}
    row = session.scalar(sa.select(Ranking).filter_by(**key))
    if row is None:
        session.add(Ranking(**key, **values))
        return
    for name, value in {**values, "created_at": time.time()}.items():
        setattr(row, name, value)


def allowed(session: Session, query_id: int, version_id: int, scope: Scope) -> tuple[set[int] | None, set[int]]:
    """The crops a scope allows as candidates (None: all) and those it leaves out besides.

    Crops said to be different from the query, and the other crops of such an individual, are always left out.
    """
    media = session.execute(
        sa.select(Media.id, Media.event_id, Media.deployment_id)
        .join(Detection, Detection.media_id == Media.id)
        .where(Detection.id == query_id)
    ).one()
    left_out = _said_different(session, query_id) | _same_picture(session, media.id)
    if scope.other_events and media.event_id is not None:
        left_out |= _unnamed_of_event(session, media.event_id)
    within = _within(session, query_id, version_id, scope, media.deployment_id)
    return within, left_out | {query_id}


def _within(
    session: Session, query_id: int, version_id: int, scope: Scope, deployment_id: int | None
) -> set[int] | None:
    where: list[sa.ColumnElement[bool]] = []
    flank = session.scalar(sa.select(DetectionReview.flank).where(DetectionReview.detection_id == query_id))
    if scope.flank and flank in (Flank.LEFT, Flank.RIGHT):
        other = Flank.RIGHT if flank == Flank.LEFT else Flank.LEFT
        where.append(sa.func.coalesce(DetectionReview.flank, "unknown") != str(other))
    if scope.station:
        station = sa.select(Deployment.station).where(Deployment.id == deployment_id).scalar_subquery()
        where.append(Deployment.station == station)
    if scope.catalogued:
        where.append(Sighting.detection_id.is_not(None))
    if not where:
        return None
    return set(
        session.scalars(
            sa.select(Feature.detection_id)
            .join(Detection, Detection.id == Feature.detection_id)
            .join(Media, Media.id == Detection.media_id)
            .outerjoin(Deployment, Deployment.id == Media.deployment_id)
            .outerjoin(DetectionReview, DetectionReview.detection_id == Detection.id)
            .outerjoin(Sighting, Sighting.detection_id == Detection.id)
            .where(Feature.model_version_id == version_id, *where)
        )
    )


def _same_picture(session: Session, media_id: int) -> set[int]:
    return set(session.scalars(sa.select(Detection.id).where(Detection.media_id == media_id)))


def _unnamed_of_event(session: Session, event_id: int) -> set[int]:
    return set(
        session.scalars(
            sa.select(Detection.id)
            .join(Media, Media.id == Detection.media_id)
            .outerjoin(Sighting, Sighting.detection_id == Detection.id)
            .where(Media.event_id == event_id, Sighting.detection_id.is_(None))
        )
    )


def _said_different(session: Session, query_id: int) -> set[int]:
    pairs = sa.select(PairVerdict.low_id, PairVerdict.high_id).where(
        PairVerdict.verdict == "different",
        sa.or_(PairVerdict.low_id == query_id, PairVerdict.high_id == query_id),
    )
    crops = {row.high_id if row.low_id == query_id else row.low_id for row in session.execute(pairs)}
    individuals = sa.select(Sighting.individual_id).where(Sighting.detection_id.in_(crops))
    members = sa.select(Sighting.detection_id).where(Sighting.individual_id.in_(individuals))
    return crops | set(session.scalars(members))


def verdicts(session: Session, query_id: int) -> dict[int, str]:
    """What was said about the query and other crops, by the other crop's id."""
    pairs = sa.select(PairVerdict).where(sa.or_(PairVerdict.low_id == query_id, PairVerdict.high_id == query_id))
    return {(pair.high_id if pair.low_id == query_id else pair.low_id): pair.verdict for pair in session.scalars(pairs)}
