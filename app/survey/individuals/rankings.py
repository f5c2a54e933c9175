"""What waits for an identity decision, and the rankings computed for it."""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.detections import rapid_profile
from app.survey.detections.features import of_model
from app.survey.detections.replaced import replaced
from app.survey.individuals.subjects import Subject, crops_of
from app.survey.tables.decisions import Decision
from app.survey.tables.deployments import Deployment
from app.survey.tables.detections import Detection, DetectionReview, Feature, MediaReview, ModelVersion, Ranking
from app.survey.tables.individuals import Individual, PairVerdict, Sighting
from app.survey.tables.media import Media
from app.survey.tables.videos import TrackletRow
from app.survey.videos.tracklets import set_aside
from modal_backend.contracts import OPPOSITE

NEWEST = [sa.select(sa.func.max(part)).scalar_subquery() for part in (Feature.id, Decision.id, Decision.undone_at)]
# Crops that are nobody's: rejected, no animal, unidentifiable.
NOBODY = sa.select(DetectionReview.detection_id).where(
    sa.or_(
        DetectionReview.verdict == "rejected",
        sa.and_(DetectionReview.category.is_not(None), DetectionReview.category != "animal"),
        DetectionReview.identity == "unidentifiable",
    )
)
STATE = sa.select(*NEWEST, rapid_profile.CHOSEN.scalar_subquery())


@dataclass(frozen=True, slots=True)
class Scope:
    """Which crops may be candidates for a query.

    Attributes:
        station: only those of the query's station.
        flank: not those of the other flank.
        other_events: unnamed crops of the query's own event are left out.
        catalogued: only crops that belong to an individual.
        days: only those taken within so many days of the query; a query without a time leaves nothing out.
        species: not those with another species label, where both have one.
    """

    station: bool = False
    flank: bool = True
    other_events: bool = True
    catalogued: bool = False
    days: int | None = None
    species: bool = True

    def key(self) -> str:
        """The scope as text."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_key(cls, key: str) -> Scope:
        """The scope a text stands for."""
        return cls(**json.loads(key))


def waiting(
    session: Session,
    version_id: int,
    *,
    limit: int = 200,
    subject: Subject | None = None,
    unsettled: Scope | None = None,
) -> list[int]:
    """Crops without a decision that any version of the model has described: unsure ones first, then by their ids.

    Args:
        subject: of these only; one that looks again gives its named crops, too.
        unsettled: only those that have no settled ranking within this scope, fresh or not.
    """
    unsure = sa.select(DetectionReview.detection_id).where(DetectionReview.identity == "unsure")
    described = sa.select(Feature.detection_id).where(Feature.model_version_id.in_(of_model(session, version_id)))
    crops = sa.select(Detection.id).where(Detection.id.in_(described))
    if subject is None or not subject.named_too:
        crops = crops.where(Detection.id.not_in(_settled()))
    if subject is not None and not subject.everything:
        crops = crops.where(Detection.id.in_(crops_of(subject)))
    if unsettled is not None:
        settled = sa.select(Ranking.detection_id).where(Ranking.scope == unsettled.key(), Ranking.settled.is_(True))
        crops = crops.where(Detection.id.not_in(settled))
    first = list(session.scalars(crops.where(Detection.id.in_(unsure)).order_by(Detection.id).limit(limit)))
    rest = crops.where(Detection.id.not_in(unsure)).order_by(Detection.id).limit(limit - len(first))
    return first + list(session.scalars(rest))


def waiting_count(session: Session, version_id: int) -> int:
    """How many crops wait for an identity decision."""
    ids = of_model(session, version_id)
    one_each = Feature.id if len(ids) == 1 else sa.distinct(Feature.detection_id)
    described = sa.select(sa.func.count(one_each)).where(Feature.model_version_id.in_(ids))
    settled = described.where(Feature.detection_id.in_(_settled()))
    return (session.scalar(described) or 0) - (session.scalar(settled) or 0)


def is_decided(session: Session, detection_id: int) -> bool:
    """Whether a crop needs no identity any more."""
    settled = _settled().subquery()
    return session.scalar(sa.select(settled.c[0]).where(settled.c[0] == detection_id).limit(1)) is not None


def _settled() -> sa.CompoundSelect[tuple[int]]:
    """Detections that need no identity: assigned, no animal, unidentifiable, on a blank media, or set aside."""
    return sa.union_all(
        sa.select(Sighting.detection_id),
        NOBODY,
        sa.select(Detection.id)
        .join(MediaReview, MediaReview.media_id == Detection.media_id)
        .where(MediaReview.verdict == "blank"),
        set_aside(),
        replaced(),
    )


def stamp(session: Session) -> str:
    """Names the state of gallery and catalogue.

    It changes with every feature, decision, undo and profile of RAPID. Pages ask for it: each part is in an index.
    """
    features, decisions, undone, profile = tuple(session.execute(STATE).one())
    return f"{features or 0}-{_decisions(decisions, undone)}-{(profile or '').replace('-', '_')}"


def decisions_stamp(session: Session) -> str:
    """Names the decisions that stand."""
    return _decisions(*session.execute(sa.select(*NEWEST[1:])).one())


def _decisions(newest: int | None, undone_at: float | None) -> str:
    return f"{newest or 0}-{undone_at or 0.0:.3f}"


def is_fresh(ranked: Ranking | None, now: str) -> bool:
    """Whether a ranking knows every decision and the profile that ranks; crops described since do not make it old."""
    return ranked is not None and decided_until(ranked.stamp) == decided_until(now)


def state(ranked: Ranking | None, now: str) -> tuple[bool, bool]:
    """Whether a ranking is fresh, and whether moreover no other order is to come."""
    fresh = is_fresh(ranked, now)
    return fresh, fresh and ranked is not None and bool(ranked.settled)


def decided_until(stamp: str) -> str:
    """What of a stamp changes with decisions and the profile alone, not with features."""
    return stamp.partition("-")[2]


def ranking(session: Session, detection_id: int, model: str, scope: Scope) -> Ranking | None:
    """The last ranking of a query by a model within a scope, fresh or not."""
    return last_rankings(session, [detection_id], model, scope).get(detection_id)


def last_rankings(session: Session, detection_ids: Collection[int], model: str, scope: Scope) -> dict[int, Ranking]:
    """The same of several queries, by their ids; those without a ranking are left out."""
    rows = session.scalars(
        sa.select(Ranking)
        .join(ModelVersion, ModelVersion.id == Ranking.model_version_id)
        .where(Ranking.detection_id.in_(detection_ids), ModelVersion.model == model, Ranking.scope == scope.key())
        .order_by(Ranking.created_at, Ranking.id)
    )
    return {row.detection_id: row for row in rows}


def last_ranking(session: Session) -> int:
    """Id of the ranking stored last; another one means that something was ranked for the first time."""
    return session.scalar(sa.select(sa.func.max(Ranking.id))) or 0


def store_ranking(session: Session, detection_id: int, version_id: int, scope: Scope, **values: Any) -> None:
    """Write a ranking in place of the last one. values: the columns of Ranking."""
    key = {"detection_id": detection_id, "model_version_id": version_id, "scope": scope.key()}
    row = session.scalar(sa.select(Ranking).filter_by(**key))
    if row is None:
        session.add(Ranking(**key, **values))
        return
    for name, value in {**values, "created_at": time.time()}.items():
        setattr(row, name, value)


def allowed(session: Session, query_id: int, scope: Scope) -> tuple[set[int] | None, set[int]]:
    """The crops a scope allows as candidates (None: all) and those it leaves out besides: always rejected and
    unidentifiable ones, and those said to be different from the query, with the other crops of such an individual."""
    query = session.execute(
        sa.select(Media.id, Media.event_id, Media.deployment_id, Media.taken_at)
        .join(Detection, Detection.media_id == Media.id)
        .where(Detection.id == query_id)
    ).one()
    same_picture = set(session.scalars(sa.select(Detection.id).where(Detection.media_id == query.id)))
    left_out = different_crops(session, query_id) | same_picture | _dropped(session)
    if scope.other_events and query.event_id is not None:
        left_out |= _unnamed_of_event(session, query.event_id)
    if scope.flank:
        left_out |= _other_flank(session, query_id)
    if scope.species:
        left_out |= _other_species(session, query_id)
    within = _within(session, scope, query.deployment_id, query.taken_at)
    return within, left_out | {query_id}


def _within(session: Session, scope: Scope, deployment_id: int | None, taken_at: datetime | None) -> set[int] | None:
    near_in_time = scope.days is not None and taken_at is not None
    if not (scope.station or near_in_time):
        return set(session.scalars(sa.select(Sighting.detection_id))) if scope.catalogued else None
    crops = sa.select(Detection.id).join(Media, Media.id == Detection.media_id)
    if scope.catalogued:
        crops = crops.join(Sighting, Sighting.detection_id == Detection.id)
    if scope.days is not None and taken_at is not None:
        reach = timedelta(days=scope.days)
        crops = crops.where(Media.taken_at.between(taken_at - reach, taken_at + reach))
    places = sa.select(Deployment.id)
    if scope.station:
        places = places.where(
            Deployment.station == sa.select(Deployment.station).where(Deployment.id == deployment_id).scalar_subquery()
        )
    # Deployment by deployment: the index of media begins with it.
    found = set(session.scalars(crops.where(Media.deployment_id.in_(places))))
    if not scope.station:
        found |= set(session.scalars(crops.where(Media.deployment_id.is_(None))))
    return found


def _dropped(session: Session) -> set[int]:
    """Crops that are no candidates for anybody: rejected, no animal, unidentifiable, or unnamed and set aside."""
    aside = set_aside().where(TrackletRow.query_id.not_in(sa.select(Sighting.detection_id)))
    return {*session.scalars(sa.union_all(NOBODY, aside, replaced()))}


def _other_flank(session: Session, query_id: int) -> set[int]:
    flank = session.scalar(sa.select(DetectionReview.flank).where(DetectionReview.detection_id == query_id))
    if flank not in OPPOSITE:
        return set()
    others = sa.select(DetectionReview.detection_id).where(DetectionReview.flank == OPPOSITE[flank])
    return set(session.scalars(others))


def _other_species(session: Session, query_id: int) -> set[int]:
    """Crops whose species label, or whose individual's, is another than the query's."""
    label = sa.func.lower(sa.func.coalesce(DetectionReview.species, Individual.species))
    labelled = (
        sa.select(Detection.id, label.label("species"))
        .outerjoin(DetectionReview, DetectionReview.detection_id == Detection.id)
        .outerjoin(Sighting, Sighting.detection_id == Detection.id)
        .outerjoin(Individual, Individual.id == Sighting.individual_id)
    )
    mine = session.execute(labelled.where(Detection.id == query_id)).one().species
    return set(session.scalars(labelled.where(label != mine))) if mine else set()


def _unnamed_of_event(session: Session, event_id: int) -> set[int]:
    return set(
        session.scalars(
            sa.select(Detection.id)
            .join(Media, Media.id == Detection.media_id)
            .outerjoin(Sighting, Sighting.detection_id == Detection.id)
            .where(Media.event_id == event_id, Sighting.detection_id.is_(None))
        )
    )


def different_crops(session: Session, query_id: int) -> set[int]:
    """The crops said to show another animal than this one, with the others of such an individual."""
    crops = {other for other, verdict in verdicts(session, [query_id])[query_id].items() if verdict == "different"}
    individuals = sa.select(Sighting.individual_id).where(Sighting.detection_id.in_(crops))
    return crops | set(session.scalars(sa.select(Sighting.detection_id).where(Sighting.individual_id.in_(individuals))))


def verdicts(session: Session, query_ids: Collection[int]) -> dict[int, dict[int, str]]:
    """What was said about each query and other crops, by the other crop's id."""
    by_query: dict[int, dict[int, str]] = {query_id: {} for query_id in query_ids}
    either = sa.or_(PairVerdict.low_id.in_(query_ids), PairVerdict.high_id.in_(query_ids))
    for pair in session.scalars(sa.select(PairVerdict).where(either)):
        for mine, other in ((pair.low_id, pair.high_id), (pair.high_id, pair.low_id)):
            if mine in by_query:
                by_query[mine][other] = pair.verdict
    return by_query
