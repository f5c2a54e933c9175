"""Individuals by the flanks that are known of them, and pairs of them that are two animals."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.survey.tables.detections import DetectionReview
from app.survey.tables.individuals import PairVerdict, Sighting
from modal_backend.contracts import Flank

SIDES = (str(Flank.LEFT), str(Flank.RIGHT))


def one_sided(session: Session, individual_ids: Iterable[int] | None = None) -> dict[int, str]:
    """Individuals of the catalogue known by one flank alone, with that flank; crops of no set flank do not count."""
    low, high = sa.func.min(DetectionReview.flank), sa.func.max(DetectionReview.flank)
    query = (
        sa.select(Sighting.individual_id, low.label("flank"))
        .join(DetectionReview, DetectionReview.detection_id == Sighting.detection_id)
        .where(DetectionReview.flank.in_(SIDES))
        .group_by(Sighting.individual_id)
        .having(low == high)
    )
    if individual_ids is not None:
        query = query.where(Sighting.individual_id.in_(list(individual_ids)))
    return {row.individual_id: row.flank for row in session.execute(query)}


def different_pairs(session: Session) -> set[tuple[int, int]]:
    """Pairs of individuals (lower id first) of which two crops were said to be different."""
    low, high = aliased(Sighting), aliased(Sighting)
    rows = session.execute(
        sa.select(low.individual_id, high.individual_id)
        .select_from(PairVerdict)
        .join(low, low.detection_id == PairVerdict.low_id)
        .join(high, high.detection_id == PairVerdict.high_id)
        .where(PairVerdict.verdict == "different")
        .distinct()
    )
    return {(min(pair), max(pair)) for pair in rows}
