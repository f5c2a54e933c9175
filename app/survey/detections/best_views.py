"""The other crops of an individual, best view first: those of the query's flank, then by quality."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.tables.detections import DetectionReview
from app.survey.tables.evidence import CropQuality
from app.survey.tables.individuals import Sighting
from modal_backend.contracts import OPPOSITE


def views_of(
    session: Session, individual_ids: Collection[int], flank: str | None, *, one_flank: bool, most: int = 8
) -> dict[int, list[int]]:
    """Detections of each individual, at most `most`: same flank, then flank not known, then others; best first.

    Args:
        one_flank: leave out crops of the opposite flank, which is another pattern.
    """
    rank = sa.case((DetectionReview.flank == flank, 0), (DetectionReview.flank.is_(None), 1), else_=2)
    where: list[sa.ColumnElement[bool]] = [Sighting.individual_id.in_(individual_ids)]
    if one_flank and flank in OPPOSITE:
        where.append(sa.func.coalesce(DetectionReview.flank, "unknown") != OPPOSITE[flank])
    place = sa.func.row_number().over(
        partition_by=Sighting.individual_id,
        order_by=(rank, sa.func.coalesce(CropQuality.score, -1.0).desc(), Sighting.detection_id),
    )
    ordered = (
        sa.select(Sighting.individual_id, Sighting.detection_id, place.label("place"))
        .outerjoin(DetectionReview, DetectionReview.detection_id == Sighting.detection_id)
        .outerjoin(CropQuality, CropQuality.detection_id == Sighting.detection_id)
        .where(*where)
        .subquery()
    )
    found: dict[int, list[int]] = {individual_id: [] for individual_id in individual_ids}
    query = sa.select(ordered.c.individual_id, ordered.c.detection_id).where(ordered.c.place <= most)
    for row in session.execute(query.order_by(ordered.c.individual_id, ordered.c.place)):
        found[row.individual_id].append(row.detection_id)
    return found
