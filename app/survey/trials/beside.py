"""The other boxes of images that two detectors looked at in a trial: those that do not count."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.detections.boxes import counts_from
from app.survey.tables.detections import Analysis, Detection, ModelVersion
from app.survey.tables.media import Media
from app.survey.tables.trials import TrialImage
from modal_backend.contracts import Box, Category
from modal_backend.contracts import Detection as Found


@dataclass(frozen=True, slots=True)
class Beside:
    """What the detector whose boxes do not count found on an image: over its threshold, surest first."""

    model: str
    boxes: list[Found] = field(default_factory=list)


def boxes_beside(session: Session, media_ids: Collection[int]) -> dict[int, Beside]:
    """The other boxes of these images, by media id, of the last trial that looked at each; those without are left out.

    Of a trial that runs or has ended they are the tried detector's; where its boxes count, those of the one before.
    """
    found: dict[int, Beside] = {}
    for chunk in slices(sorted(media_ids)):
        looked_at = sa.and_(TrialImage.media_id.in_(chunk), TrialImage.analysis_id.is_not(None))
        tried = TrialImage.analysis_id
        other = sa.case((tried != sa.func.coalesce(Media.analysis_id, 0), tried), else_=TrialImage.other_id)
        rows = session.execute(
            sa.select(TrialImage.media_id, other)
            .join(Media, Media.id == TrialImage.media_id)
            .where(looked_at)
            .order_by(TrialImage.trial_id)
        )
        found |= _boxes(session, {row[0]: row[1] for row in rows})
    return found


def _boxes(session: Session, analyses: dict[int, int]) -> dict[int, Beside]:
    """What each of these analyses found, by media id."""
    versions = (
        sa.select(Analysis.id, ModelVersion.model, ModelVersion.threshold)
        .join(ModelVersion, ModelVersion.id == Analysis.model_version_id)
        .where(Analysis.id.in_(analyses.values()))
    )
    known = {row[0]: (row[1], row[2] or 0.0) for row in session.execute(versions)}
    found = {media_id: Beside(known[number][0]) for media_id, number in analyses.items() if number in known}
    columns = (Detection.media_id, Detection.analysis_id, Detection.category, Detection.confidence)
    place = (Detection.x, Detection.y, Detection.width, Detection.height)
    mine = sa.and_(Detection.media_id.in_(found), Detection.analysis_id.in_(known))
    surest = sa.select(*columns, *place).where(mine).order_by(Detection.confidence.desc(), Detection.id)
    for media_id, number, category, confidence, *box in session.execute(surest):
        if analyses[media_id] == number and confidence >= counts_from(category, known[number][1]):
            found[media_id].boxes.append(Found(Category(category), confidence, Box(*box)))
    return found
