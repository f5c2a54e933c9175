"""Let the results of a tried model count, or no longer: on images that nobody has decided about, slice by slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.detections.boxes import rescore
from app.survey.detections.replaced import put_aside
from app.survey.results.stored import AT_ONCE, decided, rescore_free, waiting_of
from app.survey.tables.media import Media, Stage
from app.survey.tables.trials import Trial, TrialImage, TrialReview
from app.survey.trials import trials


def settle_trials(session: Session, changes: Sequence[Mapping[str, Any]]) -> None:
    """A tried model stands from now on, or no longer; a job does what has to follow (see `app.jobs.trials`)."""
    for change in (row for row in changes if row["table"] == TrialReview.__tablename__):
        trial = session.get_one(Trial, int((change["after"] or change["before"])["trial_id"]))
        trial.attempt, trial.turned = trial.attempt + 1, 0
        turn_some(session, trial)


def turn_some(session: Session, trial: Trial) -> bool:
    """Let a trial's results count on its next images or, where it does not stand, no longer.

    They come to count where nobody has decided, and what they were compared with still counts.

    Returns:
        Whether there may be more.
    """
    after = trial.turned or 0
    mine = sa.and_(TrialImage.trial_id == trial.id, TrialImage.media_id > after, TrialImage.analysis_id.is_not(None))
    ids = list(session.scalars(sa.select(TrialImage.media_id).where(mine).order_by(TrialImage.media_id).limit(AT_ONCE)))
    if not ids:
        return False
    held = decided(session, ids)
    old, new = TrialImage.other_id, TrialImage.analysis_id
    if trials.stands(session, trial.id):
        turned = _turn(session, trial.id, [number for number in ids if number not in held], old, new)
        ready = sa.and_(Media.id.in_(turned), Media.stage == Stage.READY)
        session.execute(sa.update(Media).where(ready).values(stage=Stage.DETECTED))
    else:
        turned = _turn(session, trial.id, ids, new, old)
    rescore_free(session, [number for number in turned if number not in held])
    rescore(session, held.intersection(turned))
    trial.turned = ids[-1]
    return len(ids) == AT_ONCE


def unfinished(session: Session, trial_id: int, after: int, limit: int) -> list[int]:
    """Images of a trial that wait for a model: the first ids after one."""
    return waiting_of(session, sa.select(TrialImage.media_id).where(TrialImage.trial_id == trial_id), after, limit)


def _turn(session: Session, trial_id: int, ids: Sequence[int], old: Any, new: Any) -> list[int]:
    """Let one analysis of these images count where the other does; returns the ids of those where it did."""
    turned = list[int]()
    for chunk in slices(ids):
        here = sa.and_(TrialImage.media_id == Media.id, TrialImage.trial_id == trial_id)
        theirs = sa.select(Media.id).join(TrialImage, here).where(Media.id.in_(chunk), Media.analysis_id == old)
        found = list(session.scalars(theirs))
        value = sa.select(new).where(here).scalar_subquery()
        session.execute(
            sa.update(Media).where(Media.id.in_(found)).values(analysis_id=value),
            execution_options={"synchronize_session": False},
        )
        put_aside(session, found)
        turned += found
    return turned
