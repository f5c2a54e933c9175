"""What a trial leaves beside the results that count: analyses of a tried model, and boxes that another took over."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from app.survey.tables.detections import Analysis, Detection, DetectionReview
from app.survey.tables.individuals import Sighting
from app.survey.tables.media import Media
from app.survey.tables.trials import Trial, TrialImage, TrialReview


def is_aside() -> sa.ColumnElement[bool]:
    """Whether an analysis in the query around this is of a tried model that does not stand."""
    standing = sa.select(TrialReview.trial_id)
    return sa.exists().where(TrialImage.analysis_id == Analysis.id, TrialImage.trial_id.not_in(standing))


def taken_over() -> sa.Select[Any]:
    """Boxes that nobody touched on images of trials that stood or stand, of an analysis that does not count."""
    return (
        sa.select(Detection.id)
        .join(TrialImage, TrialImage.media_id == Detection.media_id)
        .join(Trial, Trial.id == TrialImage.trial_id)
        .join(Media, Media.id == Detection.media_id)
        .where(
            Trial.attempt > 0,
            Detection.analysis_id.in_((TrialImage.analysis_id, TrialImage.other_id)),
            Detection.analysis_id != Media.analysis_id,
            ~sa.exists().where(DetectionReview.detection_id == Detection.id),
            ~sa.exists().where(Sighting.detection_id == Detection.id),
        )
    )
