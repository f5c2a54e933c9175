"""Analyses of a tried model lie beside the results that count."""

from __future__ import annotations

import sqlalchemy as sa

from app.survey.tables.detections import Analysis
from app.survey.tables.trials import TrialImage, TrialReview


def is_aside() -> sa.ColumnElement[bool]:
    """Whether an analysis in the query around this is of a tried model that does not stand."""
    standing = sa.select(TrialReview.trial_id)
    return sa.exists().where(TrialImage.analysis_id == Analysis.id, TrialImage.trial_id.not_in(standing))
