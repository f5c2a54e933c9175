"""Which flank a crop shows, proposed from the crops whose flank a person has decided. Never set by itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.detections.evidence import VERSION, EvidenceView
from app.survey.individuals.flanks import SIDES
from app.survey.tables.detections import DetectionReview
from app.survey.tables.evidence import CropOutline
from modal_backend.contracts import Flank
from modal_backend.models.evidence.flank import guess

COMPARED = 200
CLEAR = 15


@dataclass(frozen=True, slots=True)
class Proposal:
    """A flank that a crop seems to show, and how sure that is, in words."""

    flank: str
    text: str


def by_pattern(evidence: Mapping[int, EvidenceView], flanks: Mapping[int, str]) -> Proposal | None:
    """The flank of the decided crop whose pattern matches best; None without a clear match on the animal.

    evidence, flanks: by the candidates' ids; a pattern exists on one flank only.
    """
    clear = [
        (view.by_rapid.animal, flanks[crop])
        for crop, view in evidence.items()
        if view.by_rapid.animal >= CLEAR and view.warning is None and flanks.get(crop) in SIDES
    ]
    if not clear:
        return None
    matches, flank = max(clear)
    return Proposal(flank, f"looks {flank}: {matches} matches with a crop whose {flank} flank is decided")


def by_mirror(session: Session, detection_ids: Collection[int]) -> dict[int, Proposal]:
    """The flanks of crops by the mirror test against decided ones; none while fewer than four are read."""
    mine = session.execute(
        sa.select(CropOutline.detection_id, CropOutline.mirror).where(
            CropOutline.detection_id.in_(detection_ids), CropOutline.version == VERSION
        )
    ).all()
    if not mine:
        return {}
    decided = session.execute(
        sa.select(CropOutline.detection_id, CropOutline.mirror, DetectionReview.flank)
        .join(DetectionReview, DetectionReview.detection_id == CropOutline.detection_id)
        .where(DetectionReview.flank.in_(SIDES), CropOutline.version == VERSION)
        .order_by(DetectionReview.decided_at.desc())
        .limit(COMPARED)
    ).all()
    proposals = {row.detection_id: _mirrored(row, decided) for row in mine}
    return {crop: proposal for crop, proposal in proposals.items() if proposal}


def _mirrored(mine: Any, decided: Sequence[Any]) -> Proposal | None:
    others = [row for row in decided if row.detection_id != mine.detection_id]
    is_left = np.array([row.flank == Flank.LEFT for row in others])
    guessed = guess(_vector(mine.mirror), np.array([_vector(row.mirror) for row in others]), is_left)
    if guessed is None:
        return None
    flank = Flank.LEFT if guessed.left else Flank.RIGHT
    word = "looks" if guessed.share >= 0.9 else "may be"
    return Proposal(flank, f"{word} {flank}: guesses like this were right {guessed.right_of} times of {guessed.tried}")


def unread(session: Session, limit: int = 24) -> list[int]:
    """Crops whose flank is decided and that the mirror test has not read yet."""
    read = sa.select(CropOutline.detection_id).where(CropOutline.version == VERSION)
    decided = sa.select(DetectionReview.detection_id).where(
        DetectionReview.flank.in_(SIDES), DetectionReview.detection_id.not_in(read)
    )
    return list(session.scalars(decided.order_by(DetectionReview.decided_at.desc()).limit(limit)))


def _vector(stored: bytes) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.frombuffer(stored, np.float16).astype(np.float32)


def enough(session: Session, fewest: int = 4) -> bool:
    """Whether enough flanks are decided for the mirror test."""
    decided = sa.select(DetectionReview.detection_id).where(DetectionReview.flank.in_(SIDES)).limit(fewest)
    return len(session.scalars(decided).all()) >= fewest


def flanks_of(session: Session, detection_ids: Collection[int]) -> dict[int, str]:
    """The decided flanks of these crops."""
    rows = session.execute(
        sa.select(DetectionReview.detection_id, DetectionReview.flank).where(
            DetectionReview.detection_id.in_(detection_ids), DetectionReview.flank.is_not(None)
        )
    )
    return {row.detection_id: str(row.flank) for row in rows}
