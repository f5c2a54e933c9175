"""The boxes that count for a media, and the score per category derived from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.tables.detections import Analysis, Detection, DetectionReview, MediaReview, ModelVersion
from app.survey.tables.individuals import Individual, Sighting
from app.survey.tables.media import Media
from modal_backend.contracts import Box, Category

# People and vehicles count from this share of the threshold: a missed person is worse than a stump to be looked at, and
# from .1 as many are found as from .05 with half the false boxes (pocket detector, held out; there 1 % of the pictures
# without any get a box). The same number stands in app/ui/shared/boxes.js.
SHARE_OF_OTHERS = 1 / 4
# Of a query over detections and, outer joined, their reviews: whether a box was not rejected, and is an animal's.
NOT_REJECTED = sa.func.coalesce(DetectionReview.verdict, "") != "rejected"
IS_ANIMAL = sa.func.coalesce(DetectionReview.category, Detection.category) == str(Category.ANIMAL)


@dataclass(frozen=True, slots=True)
class BoxView:
    """A box as it stands: the model's value with a person's corrections on top. Coordinates relative, 0 to 1."""

    id: int
    media_id: int
    category: str
    confidence: float
    x: float
    y: float
    width: float
    height: float
    verdict: str | None
    drawn: bool
    species: str | None
    flank: str | None
    identity: str | None
    individual_id: int | None
    individual: str | None

    @property
    def box(self) -> Box:
        """Its rectangle."""
        return Box(self.x, self.y, self.width, self.height)

    @property
    def confirmed(self) -> bool:
        """Whether a person drew or accepted it."""
        return self.verdict != "rejected" and (self.drawn or self.verdict == "accepted" or bool(self.individual_id))

    def counts(self, threshold: float) -> bool:
        """Whether it counts at a threshold, on screens and in files: confirmed, or sure enough and not rejected."""
        sure = self.confidence >= counts_from(self.category, threshold)
        return self.confirmed or (sure and self.verdict != "rejected")

    @property
    def touched(self) -> bool:
        """Whether a person drew it, named its animal or decided something else about it."""
        decided = (self.verdict, self.species, self.flank, self.identity, self.individual_id)
        return self.drawn or any(value is not None for value in decided)


def counts_from(category: str, threshold: float) -> float:
    """The confidence from which a box of this category counts at a threshold."""
    return threshold if category == Category.ANIMAL else threshold * SHARE_OF_OTHERS


def boxes_of(session: Session, media_ids: Collection[int], floor: float = 0.0) -> dict[int, list[BoxView]]:
    """The boxes that count for these media, best first; model boxes under `floor` nobody touched are left out."""
    found: dict[int, list[BoxView]] = {media_id: [] for media_id in media_ids}
    for chunk in slices(sorted(media_ids)):
        for view in _views(session, sa.and_(Detection.media_id.in_(chunk), _counts(floor))):
            found[view.media_id].append(view)
    return found


def box(session: Session, detection_id: int) -> BoxView | None:
    """One box as it stands, also when it no longer counts; None when there is none with this id."""
    return next(iter(_views(session, Detection.id == detection_id)), None)


def boxes(session: Session, detection_ids: Collection[int]) -> dict[int, BoxView]:
    """Boxes by their ids, as they stand."""
    found: dict[int, BoxView] = {}
    for chunk in slices(sorted(detection_ids)):
        found.update({view.id: view for view in _views(session, Detection.id.in_(chunk))})
    return found


def over_threshold(session: Session, media_ids: Collection[int]) -> set[int]:
    """The model's boxes of these media at or over its own threshold: those that count while nobody said anything."""
    found: set[int] = set()
    share = sa.case((Detection.category == Category.ANIMAL, 1.0), else_=SHARE_OF_OTHERS)
    for chunk in slices(sorted(media_ids)):
        found.update(
            session.scalars(
                sa.select(Detection.id)
                .join(Analysis, Analysis.id == Detection.analysis_id)
                .join(ModelVersion, ModelVersion.id == Analysis.model_version_id)
                .where(Detection.media_id.in_(chunk), Detection.confidence >= ModelVersion.threshold * share)
            )
        )
    return found


def rescore(session: Session, media_ids: Collection[int]) -> None:
    """Derive the scores of these media again after boxes or decisions have changed."""
    from app.survey.videos import counts  # reads boxes itself

    verdicts: dict[int, str] = {}
    for chunk in slices(sorted(media_ids)):
        rows = session.execute(
            sa.select(MediaReview.media_id, MediaReview.verdict).where(MediaReview.media_id.in_(chunk))
        )
        verdicts.update({row.media_id: row.verdict for row in rows})
    animals = counts.counted_by_people(session, media_ids)
    gone = counts.fallen(session, media_ids)
    updates = []
    for media_id, views in boxes_of(session, media_ids).items():
        scores = _scores([view for view in views if view.id not in gone], verdicts.get(media_id))
        if media_id in animals and verdicts.get(media_id) != "blank":
            scores["animal"] = 1.0 if animals[media_id] else 0.0
        updates.append({"id": media_id, **{f"{name}_score": scores[name] for name in ("animal", "person", "vehicle")}})
    if updates:
        session.execute(sa.update(Media), updates)


def _scores(views: Iterable[BoxView], verdict: str | None) -> dict[str, float]:
    scores: dict[str, float] = defaultdict(float)
    if verdict == "blank":
        return scores
    for view in views:
        if view.verdict == "rejected" or (verdict == "accepted" and not view.confirmed):
            continue
        scores[view.category] = max(scores[view.category], 1.0 if view.confirmed else view.confidence)
    return scores


def _counts(floor: float) -> sa.ColumnElement[bool]:
    return sa.or_(
        sa.and_(Detection.analysis_id == Media.analysis_id, Detection.confidence >= floor),
        Detection.drawn_by.is_not(None),
        DetectionReview.detection_id.is_not(None),
        Sighting.detection_id.is_not(None),
    )


def _stands() -> sa.Select[*tuple[Any, ...]]:
    review = DetectionReview
    return (
        sa.select(
            Detection.id,
            Detection.media_id,
            sa.func.coalesce(review.category, Detection.category),
            Detection.confidence,
            sa.func.coalesce(review.x, Detection.x),
            sa.func.coalesce(review.y, Detection.y),
            sa.func.coalesce(review.width, Detection.width),
            sa.func.coalesce(review.height, Detection.height),
            review.verdict,
            Detection.drawn_by.is_not(None),
            review.species,
            review.flank,
            review.identity,
            Sighting.individual_id,
            Individual.name,
        )
        .join(Media, Media.id == Detection.media_id)
        .outerjoin(review, review.detection_id == Detection.id)
        .outerjoin(Sighting, Sighting.detection_id == Detection.id)
        .outerjoin(Individual, Individual.id == Sighting.individual_id)
        .order_by(Detection.media_id, Detection.confidence.desc(), Detection.id)
    )


# Made once: a page asks for boxes twenty times.
STANDS = _stands()


def _views(session: Session, where: sa.ColumnElement[bool]) -> list[BoxView]:
    return [BoxView(*tuple(row)) for row in session.execute(STANDS.where(where))]
