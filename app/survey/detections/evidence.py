"""What was computed about pairs of crops and about single crops: matches, background test, outline, quality.

Nothing here is a decision: every row can be computed again from the crops.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.detections.boxes import BoxView, boxes
from app.survey.detections.results import box_key
from app.survey.tables.detections import Feature
from app.survey.tables.evidence import CropOutline, PairEvidence

VERSION = "1"
PAIRS_VERSION = "2"


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """The evidence of a query and one candidate, as the match view draws it; lines begin at the query."""

    lines: list[list[int]]
    whole: int
    animal: int
    background: int
    on_background: bool
    problem: str | None


def key_of(box: BoxView) -> str:
    """The rectangle of a box as evidence remembers it."""
    return box_key(box.box)


def evidence_of(session: Session, query_id: int, candidate_ids: Collection[int]) -> dict[int, EvidenceView]:
    """What is known about the query and these candidates as their boxes stand, by the candidate's id."""
    if not candidate_ids:
        return {}
    keys = {box.id: key_of(box) for box in boxes(session, {query_id, *candidate_ids}).values()}
    rows = session.scalars(
        sa.select(PairEvidence).where(
            sa.or_(
                sa.and_(PairEvidence.low_id == query_id, PairEvidence.high_id.in_(candidate_ids)),
                sa.and_(PairEvidence.high_id == query_id, PairEvidence.low_id.in_(candidate_ids)),
            ),
            PairEvidence.version == PAIRS_VERSION,
        )
    )
    found = {}
    for row in rows:
        if (keys.get(row.low_id), keys.get(row.high_id)) == (row.low_box, row.high_box):
            turned = row.high_id == query_id
            found[row.low_id if turned else row.high_id] = _view(row, turned)
    return found


def missing_pairs(session: Session, pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of these pairs of query and candidate, those without evidence of their present boxes, in order."""
    wanted: dict[int, list[int]] = {}
    for query_id, candidate_id in pairs:
        wanted.setdefault(query_id, []).append(candidate_id)
    left = []
    for query_id, candidates in wanted.items():
        known = evidence_of(session, query_id, candidates)
        left += [(query_id, candidate) for candidate in candidates if candidate not in known]
    return left


def any_crops(session: Session) -> bool:
    """Whether any crop has been described."""
    return session.scalar(sa.select(Feature.id).limit(1)) is not None


def masks(session: Session, detection_ids: Collection[int]) -> dict[int, str]:
    """The animal masks known of these crops, 24 x 24 bytes row by row in base64."""
    rows = session.execute(
        sa.select(CropOutline.detection_id, CropOutline.mask).where(CropOutline.detection_id.in_(detection_ids))
    )
    return {row.detection_id: base64.b64encode(row.mask).decode() for row in rows}


def _view(row: PairEvidence, turned: bool) -> EvidenceView:
    lines = [[x2, y2, x1, y1, *rest] for x1, y1, x2, y2, *rest in row.lines] if turned else row.lines
    return EvidenceView(lines, row.whole, row.animal, row.background, row.on_background, row.problem)
