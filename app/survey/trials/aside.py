"""What a trial leaves beside the results that count: analyses of a tried model, and boxes that another took over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.tables.detections import Analysis, Detection, DetectionReview, Feature
from app.survey.tables.individuals import Sighting
from app.survey.tables.media import Media
from app.survey.tables.trials import BoxAside, TrialImage, TrialReview


def is_aside() -> sa.ColumnElement[bool]:
    """Whether an analysis in the query around this is of a tried model that does not stand."""
    standing = sa.select(TrialReview.trial_id)
    return sa.exists().where(TrialImage.analysis_id == Analysis.id, TrialImage.trial_id.not_in(standing))


def taken_over() -> sa.Select[Any]:
    """Described boxes that do not count any more since a tried model stands, or no longer; named ones count."""
    return sa.select(BoxAside.detection_id).where(BoxAside.detection_id.not_in(sa.select(Sighting.detection_id)))


def put_aside(session: Session, trial_id: int, media_ids: Sequence[int] | None = None) -> None:
    """Write down which boxes on images of a trial are taken over, now that other boxes count there.

    Args:
        media_ids: of these images only; they fit into one query.
    """
    images = (
        sa.select(Detection.id)
        .join(TrialImage, TrialImage.media_id == Detection.media_id)
        .join(Media, Media.id == Detection.media_id)
        .where(
            TrialImage.trial_id == trial_id, Detection.analysis_id.in_((TrialImage.analysis_id, TrialImage.other_id))
        )
    )
    if media_ids is not None:
        images = images.where(TrialImage.media_id.in_(media_ids))
    counts = images.where(Detection.analysis_id == Media.analysis_id)
    over = images.where(
        Detection.analysis_id != Media.analysis_id,
        sa.exists().where(Feature.detection_id == Detection.id),
        ~sa.exists().where(DetectionReview.detection_id == Detection.id),
        ~sa.exists().where(Sighting.detection_id == Detection.id),
        ~sa.exists().where(BoxAside.detection_id == Detection.id),
    )
    again = sa.delete(BoxAside).where(BoxAside.detection_id.in_(counts))
    session.execute(again, execution_options={"synchronize_session": False})
    session.execute(sa.insert(BoxAside).from_select(["detection_id"], over))
