"""How far a tried model agrees with the one that counts, how long both take, and what people said where they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.calls.figures import number_of
from app.survey.calls.overview import percentile
from app.survey.detections.boxes import IS_ANIMAL, NOT_REJECTED, BoxView
from app.survey.tables.calls import Call
from app.survey.tables.decisions import Decision
from app.survey.tables.detections import Analysis, Detection, DetectionReview, MediaReview, ModelVersion
from app.survey.tables.individuals import Sighting
from app.survey.tables.trials import Trial, TrialImage, TrialReview, TrialState
from app.survey.trials import trials

NEWEST = 2000

_differs = sa.and_(TrialImage.analysis_id.is_not(None), TrialImage.animal != TrialImage.other_animal)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both models found on the images that both looked at, each by its own threshold.

    Attributes:
        images: that both looked at. failed: that the tried one could not.
        both, neither: both found an animal, or none. only_new, only_old: one alone did.
        boxes, other_boxes: of the tried model, and of the other. alike: that agree: IoU .5, same category.
    """

    images: int
    failed: int
    both: int
    neither: int
    only_new: int
    only_old: int
    boxes: int
    other_boxes: int
    alike: int


@dataclass(frozen=True, slots=True)
class Pace:
    """One of the two models on these images.

    Attributes:
        models: names of what looked, with version and backend.
        seconds: median running time of a call by its images, waiting apart; None where the ledger has no call.
        run_seconds: mean time of running and loading for an image on Modal; None where it ran here.
        model: its name, for the price.
    """

    models: tuple[str, ...]
    seconds: float | None
    run_seconds: float | None
    model: str


@dataclass(frozen=True, slots=True)
class TrialView:
    """A trial as the page shows it.

    Attributes:
        runs: it looks at images: it has not ended, and its model does not stand.
        waiting: finished images that it still has to look at. turning: its results are coming to count, or no longer.
        decision_id: by which its model stands; None while it does not.
    """

    id: int
    model: str
    share: int
    state: str
    who: str
    started_at: float
    ended_at: float | None
    trouble: str | None
    runs: bool
    waiting: int
    turning: bool
    decision_id: int | None
    decided_at: float | None
    decided_by: str | None
    agreement: Agreement


def view(session: Session, trial: Trial) -> TrialView:
    """A trial with what it found so far."""
    review = session.get(TrialReview, trial.id)
    made = sa.select(Decision.id, Decision.view).where(Decision.kind == "let it stand", Decision.undone_at.is_(None))
    standing = {row.view.get("trial_id"): row.id for row in session.execute(made)} if review else {}
    runs = trial.state == TrialState.RUNNING and review is None
    return TrialView(
        id=trial.id,
        model=trial.model,
        share=trial.share,
        state=trial.state,
        who=trial.who,
        started_at=trial.started_at,
        ended_at=trial.ended_at,
        trouble=trial.trouble,
        runs=runs,
        waiting=trials.waiting_count(session, trial) if runs else 0,
        turning=trial.turned is not None,
        decision_id=standing.get(trial.id),
        decided_at=review.decided_at if review else None,
        decided_by=review.who if review else None,
        agreement=agreement(session, trial.id),
    )


def newest(session: Session) -> Trial | None:
    """The trial that was started last."""
    return session.scalar(sa.select(Trial).order_by(Trial.id.desc()).limit(1))


def agreement(session: Session, trial_id: int) -> Agreement:
    """What both models found."""
    new, old = TrialImage.animal, TrialImage.other_animal
    row = session.execute(
        sa.select(
            number_of(TrialImage.analysis_id.is_not(None)),
            number_of(TrialImage.analysis_id.is_(None)),
            number_of(sa.and_(new.is_(True), old.is_(True))),
            number_of(sa.and_(new.is_(False), old.is_(False))),
            number_of(sa.and_(new.is_(True), old.is_(False))),
            number_of(sa.and_(new.is_(False), old.is_(True))),
            sa.func.sum(TrialImage.boxes),
            sa.func.sum(TrialImage.other_boxes),
            sa.func.sum(TrialImage.alike),
        ).where(TrialImage.trial_id == trial_id)
    ).one()
    return Agreement(*(int(value or 0) for value in row))


def differing(session: Session, trial_id: int, limit: int, offset: int = 0) -> list[TrialImage]:
    """The images on which one model alone found an animal, newest first."""
    mine = sa.select(TrialImage).where(TrialImage.trial_id == trial_id, _differs)
    return list(session.scalars(mine.order_by(TrialImage.media_id.desc()).limit(limit).offset(offset)))


def people(session: Session, trial_id: int) -> tuple[int, int]:
    """On how many images where the two differ a person has said whether there is an animal, and agrees with the new.

    An animal is a box that a person drew, accepted or named; none is a media called blank, or accepted without one.

    Returns:
        Images that people decided, and those of them on which the tried model was right.
    """
    review = DetectionReview
    drawn = sa.or_(Detection.drawn_by.is_not(None), review.verdict == "accepted", Sighting.detection_id.is_not(None))
    seen = (
        sa.select(sa.literal(1))
        .select_from(Detection)
        .outerjoin(review, review.detection_id == Detection.id)
        .outerjoin(Sighting, Sighting.detection_id == Detection.id)
        .where(
            Detection.media_id == TrialImage.media_id,
            drawn,
            NOT_REJECTED,
            IS_ANIMAL,
        )
        .exists()
    )
    verdict = sa.func.coalesce(MediaReview.verdict, "")
    animal = sa.and_(seen, verdict != "blank")
    none = sa.or_(verdict == "blank", sa.and_(verdict == "accepted", ~seen))
    right = sa.or_(sa.and_(animal, TrialImage.animal.is_(True)), sa.and_(none, TrialImage.animal.is_(False)))
    row = session.execute(
        sa.select(number_of(sa.or_(animal, none)), number_of(right))
        .select_from(TrialImage)
        .outerjoin(MediaReview, MediaReview.media_id == TrialImage.media_id)
        .where(TrialImage.trial_id == trial_id, _differs)
    ).one()
    return int(row[0] or 0), int(row[1] or 0)


def paces(session: Session, trial_id: int) -> tuple[Pace | None, Pace | None]:
    """How long the tried model and the other take, over the newest images; None before the first."""
    return _pace(session, trial_id, TrialImage.analysis_id), _pace(session, trial_id, TrialImage.other_id)


def boxes_found(session: Session, media_id: int, analysis_id: int | None) -> list[BoxView]:
    """The boxes of an analysis that count by its model's own threshold, as the model gave them."""
    undecided = dict.fromkeys(("verdict", "species", "flank", "identity", "individual_id", "individual"))
    return [
        BoxView(0, media_id, category, 1.0, box.x, box.y, box.width, box.height, drawn=False, **undecided)
        for category, box in trials.counted_of(session, media_id, analysis_id or 0)
    ]


def _pace(session: Session, trial_id: int, which: Any) -> Pace | None:
    analyses = (
        sa.select(Analysis.call_id, Analysis.model_version_id)
        .join(TrialImage, which == Analysis.id)
        .where(TrialImage.trial_id == trial_id, TrialImage.analysis_id.is_not(None))
        .order_by(TrialImage.media_id.desc())
        .limit(NEWEST)
        .subquery()
    )
    used = sa.select(ModelVersion).where(ModelVersion.id.in_(sa.select(analyses.c.model_version_id)))
    versions = session.scalars(used.order_by(ModelVersion.id.desc())).all()
    if not versions:
        return None
    ended = sa.and_(Call.run_seconds.is_not(None), Call.outcome == "done")
    rows = session.scalars(sa.select(Call).where(Call.id.in_(sa.select(analyses.c.call_id)), ended)).all()
    each = sorted((row.run_seconds or 0.0) / max(row.items, 1) for row in rows)
    there = [row for row in rows if row.backend == "modal"]
    ran = sum((row.run_seconds or 0.0) + (row.cold_start_seconds or 0.0) for row in there)
    return Pace(
        tuple(f"{row.model} {row.version} ({row.backend})" for row in versions),
        percentile(each, 0.5),
        ran / sum(row.items for row in there) if there else None,
        versions[0].model,
    )
