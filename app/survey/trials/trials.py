"""Trials of detectors: which runs, on which images it looks, and what it found beside the analysis that counts."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.detections import results
from app.survey.detections.boxes import counts_from
from app.survey.tables.detections import Analysis, Detection, DetectionReview, Feature, ModelVersion
from app.survey.tables.individuals import Sighting
from app.survey.tables.media import OPEN_STAGES, Media, Stage
from app.survey.tables.trials import Trial, TrialImage, TrialReview, TrialState
from modal_backend.contracts import Box, Category
from modal_backend.contracts import Detection as Found
from modal_backend.models.detectors.overlap import overlap

SHARES = (10, 25, 50)
ALIKE_FROM = 0.5  # intersection over union, as COCO's AP50 counts a box as found
REMOVED_AT_ONCE = 500


class TrialRefused(ValueError):
    """The trial cannot be as asked; the text says why."""


def bound(share: int) -> str:
    """The first SHA-256, as hexadecimal text, that is outside a share of the images. share: percent, 1 to 99."""
    return f"{share * (1 << 32) // 100:08x}"


def start(session: Session, who: str, model: str, share: int, *, all_images: bool = False) -> Trial:
    """Have a detector look at a share of the images that come in from now on.

    Args:
        model: name of the detector.
        share: percent of the images, 1 to 99; the same image is always in or out, by its content.
        all_images: also of those that are there already.

    Raises:
        TrialRefused: another trial runs.
    """
    if running(session) is not None:
        raise TrialRefused("Another detector is on trial. End that trial first.")
    after = 0 if all_images else session.scalar(sa.select(sa.func.max(Media.id))) or 0
    trial = Trial(model=model, share=share, after_media=after, who=who)
    session.add(trial)
    session.flush()
    return trial


def end(session: Session, who: str, trial_id: int, *, remove: bool) -> None:
    """End a trial. remove: a job takes its results out of the survey, but for boxes that people decided about."""
    trial = session.get_one(Trial, trial_id)
    trial.state = TrialState.REMOVING if remove else TrialState.ENDED
    trial.ended_at, trial.ended_by, trial.trouble = time.time(), who, None


def try_again(session: Session, trial_id: int) -> None:
    """Look again at the images on which a trial failed, and go on where it was in trouble."""
    session.get_one(Trial, trial_id).trouble = None
    failed = sa.and_(TrialImage.trial_id == trial_id, TrialImage.analysis_id.is_(None))
    session.execute(sa.delete(TrialImage).where(failed))


def running(session: Session) -> Trial | None:
    """The trial that has not ended and whose model does not stand; None where there is none."""
    standing = sa.select(TrialReview.trial_id)
    mine = sa.select(Trial).where(Trial.state == TrialState.RUNNING, Trial.id.not_in(standing))
    return session.scalar(mine.order_by(Trial.id.desc()).limit(1))


def stands(session: Session, trial_id: int) -> bool:
    """Whether the tried model stands."""
    return session.get(TrialReview, trial_id) is not None


def chosen(session: Session) -> str | None:
    """Name of the detector that stands after a trial, the last that people let stand; None where none does."""
    return session.scalar(CHOSEN)


def waiting(session: Session, trial: Trial, limit: int) -> list[int]:
    """The next finished images that a trial has to look at, by id."""
    return list(session.scalars(_waiting(trial).order_by(Media.id).limit(limit)))


def waiting_count(session: Session, trial: Trial) -> int:
    """How many finished images a trial still has to look at."""
    return session.scalar(sa.select(sa.func.count()).select_from(_waiting(trial).subquery())) or 0


def keep(
    session: Session, trial_id: int, media_id: int, version: ModelVersion, call_id: int | None, found: Sequence[Found]
) -> None:
    """Write what a tried model found on an image, beside the analysis that counts and compared with it.

    A trial that has ended meanwhile, or whose model stands, wants to know no more.
    """
    over = session.get_one(Trial, trial_id).state != TrialState.RUNNING or stands(session, trial_id)
    other_id = session.get_one(Media, media_id).analysis_id
    if over or other_id is None or session.get(TrialImage, (trial_id, media_id)) is not None:
        return
    analysis_id, _ = results.keep_analysis(session, media_id, version, call_id, found)
    mine = counted(
        [(str(detection.category), detection.confidence, detection.box) for detection in found], version.threshold
    )
    other = counted_of(session, media_id, other_id)
    session.add(
        TrialImage(
            trial_id=trial_id,
            media_id=media_id,
            analysis_id=analysis_id,
            other_id=other_id,
            animal=any(category == Category.ANIMAL for category, _ in mine),
            other_animal=any(category == Category.ANIMAL for category, _ in other),
            boxes=len(mine),
            other_boxes=len(other),
            alike=count_alike(mine, other),
        )
    )


def fail(session: Session, trial_id: int, media_id: int, reason: str) -> None:
    """Write down why a tried model has found nothing out about an image; the image itself has not failed."""
    if session.get_one(Trial, trial_id).state != TrialState.RUNNING:
        return
    other_id = session.get_one(Media, media_id).analysis_id or 0
    session.merge(TrialImage(trial_id=trial_id, media_id=media_id, other_id=other_id, failure=reason[:500]))


def counted(boxes: Collection[tuple[str, float, Box]], threshold: float | None) -> list[tuple[str, Box]]:
    """Category and place of the boxes that count at a model's threshold, surest first."""
    at = threshold or 0.0
    surest = sorted(boxes, key=lambda box: -box[1])
    return [(category, box) for category, confidence, box in surest if confidence >= counts_from(category, at)]


def counted_of(session: Session, media_id: int, analysis_id: int) -> list[tuple[str, Box]]:
    """`counted` of an analysis of a media."""
    columns = (Detection.category, Detection.confidence, Detection.x, Detection.y, Detection.width, Detection.height)
    mine = sa.and_(Detection.media_id == media_id, Detection.analysis_id == analysis_id)
    rows = session.execute(sa.select(*columns).where(mine)).all()
    threshold = session.scalar(
        sa.select(ModelVersion.threshold)
        .join(Analysis, Analysis.model_version_id == ModelVersion.id)
        .where(Analysis.id == analysis_id)
    )
    return counted([(row[0], row[1], Box(*row[2:])) for row in rows], threshold)


def count_alike(boxes: Sequence[tuple[str, Box]], others: Sequence[tuple[str, Box]]) -> int:
    """How many boxes have one of the others at their place, of the same category; each counts once."""
    left, alike = list(others), 0
    for category, box in boxes:
        fitting = [other for other in left if other[0] == category and overlap(box, other[1]) >= ALIKE_FROM]
        if fitting:
            left.remove(max(fitting, key=lambda other: overlap(box, other[1])))
            alike += 1
    return alike


def remove_some(session: Session, trial_id: int) -> bool:
    """Take the next results of a trial out of the survey; returns whether there may be more.

    Analyses that count, or with a box that was described or that people decided about, stay.
    """
    used = [
        sa.exists().where(table.detection_id == Detection.id).correlate(Detection)
        for table in (Feature, DetectionReview, Sighting)
    ]
    touched = sa.exists().where(
        Detection.media_id == TrialImage.media_id, Detection.analysis_id == TrialImage.analysis_id, sa.or_(*used)
    )
    counts = sa.exists().where(Media.analysis_id == TrialImage.analysis_id, Media.id == TrialImage.media_id)
    mine = sa.select(TrialImage.media_id, TrialImage.analysis_id).where(TrialImage.trial_id == trial_id)
    of_another = sa.exists().where(_other.analysis_id == TrialImage.analysis_id, _other.trial_id != trial_id)
    rows = session.execute(mine.where(~touched, ~counts, ~of_another).limit(REMOVED_AT_ONCE)).all()
    media, analyses = [row.media_id for row in rows], [row.analysis_id for row in rows if row.analysis_id is not None]
    session.execute(sa.delete(TrialImage).where(TrialImage.trial_id == trial_id, TrialImage.media_id.in_(media)))
    session.execute(
        sa.delete(Detection).where(Detection.media_id.in_(media), Detection.analysis_id.in_(analyses)),
        execution_options={"synchronize_session": False},
    )
    session.execute(sa.delete(Analysis).where(Analysis.id.in_(analyses)))
    return len(rows) == REMOVED_AT_ONCE


_other: Any = sa.orm.aliased(TrialImage)
CHOSEN = (
    sa.select(Trial.model)
    .join(TrialReview, TrialReview.trial_id == Trial.id)
    .order_by(TrialReview.decided_at.desc())
    .limit(1)
)


def _waiting(trial: Trial) -> sa.Select[Any]:
    """Finished images of a trial's share that the tried model has not looked at."""
    looked_at = sa.exists().where(TrialImage.trial_id == trial.id, TrialImage.media_id == Media.id)
    later = [Media.id > trial.after_media] if trial.after_media else []
    return (
        sa.select(Media.id)
        .join(Analysis, Analysis.id == Media.analysis_id)
        .join(ModelVersion, ModelVersion.id == Analysis.model_version_id)
        .where(
            *later,
            Media.kind == "image",
            Media.stage.not_in([*OPEN_STAGES, Stage.FAILED]),  # whose index would find nearly all
            Media.sha256 < bound(trial.share),
            ModelVersion.model != trial.model,
            ~looked_at,
        )
    )
