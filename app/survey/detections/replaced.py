"""Boxes that do not count any more because another analysis of their media does: they wait for nobody in Identify."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.tables.detections import Analysis, BoxAside, Detection, DetectionReview, Feature
from app.survey.tables.individuals import Sighting
from app.survey.tables.media import Media
from app.survey.tables.trials import TrialImage, TrialReview


def replaced() -> sa.Select[Any]:
    """Described boxes that do not count any more; those that a person decided about count."""
    return sa.select(BoxAside.detection_id).where(
        ~sa.exists().where(Sighting.detection_id == BoxAside.detection_id),
        ~sa.exists().where(DetectionReview.detection_id == BoxAside.detection_id),
    )


def is_aside() -> sa.ColumnElement[bool]:
    """Whether an analysis in the query around this is of a tried model that does not stand."""
    standing = sa.select(TrialReview.trial_id)
    return sa.exists().where(TrialImage.analysis_id == Analysis.id, TrialImage.trial_id.not_in(standing))


def put_aside(session: Session, media_ids: Collection[int]) -> None:
    """Write down which described boxes of these media are replaced, now that another analysis may count there."""
    for chunk in slices(sorted(media_ids)):
        mine = sa.select(Detection.id).join(Media, Media.id == Detection.media_id).where(Media.id.in_(chunk))
        counts = mine.where(Detection.analysis_id == Media.analysis_id)
        over = mine.where(
            Detection.analysis_id.is_not(None),
            Detection.analysis_id.is_distinct_from(Media.analysis_id),
            sa.exists().where(Feature.detection_id == Detection.id),
            ~sa.exists().where(BoxAside.detection_id == Detection.id),
        )
        again = sa.delete(BoxAside).where(BoxAside.detection_id.in_(counts))
        session.execute(again, execution_options={"synchronize_session": False})
        session.execute(sa.insert(BoxAside).from_select(["detection_id"], over))
