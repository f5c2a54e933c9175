"""Boxes a person drew, moved or accepted whose crops nobody described: the request never reached a worker."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.detections import results
from app.survey.tables.detections import Detection, DetectionReview, Feature


def undescribed(session: Session) -> list[int]:
    """Ids of animals a person drew, moved or accepted that have no features of their present box."""
    review = DetectionReview
    described = sa.exists().where(Feature.detection_id == Detection.id)
    decided = sa.or_(Detection.drawn_by.is_not(None), review.verdict == "accepted")
    ids = session.scalars(
        sa.select(Detection.id)
        .outerjoin(review, review.detection_id == Detection.id)
        .where(sa.or_(review.x.is_not(None), sa.and_(decided, ~described)))
        .order_by(Detection.id)
    ).all()
    return [number for chunk in slices(ids) for number in sorted(results.not_described(session, chunk))]
