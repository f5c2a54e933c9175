"""The jobs of a trial: a detector looks at a share of the finished images, last of all; its results come to count.

It looks while no import is open and no other job is at work on an image, at a few images at a time.
"""

from __future__ import annotations

import asyncio

import sqlalchemy as sa
from dbos import DBOS
from sqlalchemy.orm import Session

from app.analysis import trial as analysis
from app.jobs.analyse import queue_batches, results_of
from app.jobs.current import current, read_survey, write_survey
from app.jobs.queue import Due, Rest
from app.jobs.steps import GIVE_WAY_SECONDS, step
from app.survey.media import claims, imports
from app.survey.tables.trials import Trial, TrialState
from app.survey.trials import standing, trials
from modal_backend.errors import BackendError, sentence

SLICE, SOUGHT = 200, 40
AT_ONCE_ELSEWHERE = 4  # in this process one: an import that begins waits for no more
DESCRIBED_AT_ONCE = 200


@DBOS.workflow(name="try_model")
async def try_model(trial_id: int) -> None:
    """Look at a slice of the images that a trial waits for; ends early when other work begins."""
    job, looked_at, trouble = DBOS.workflow_id or "", 0, ""
    while looked_at < SLICE and not trouble and (groups := await next_to_try(trial_id)):
        for media_ids in groups:
            trouble = trouble or await try_some(trial_id, media_ids, job)
            looked_at += len(media_ids)
    await end_trial_slice(trial_id, trouble)


@DBOS.workflow(name="turn_trial")
async def turn_trial(trial_id: int) -> None:
    """Let the results of a trial count, or no longer, as was decided, and have described what is new."""
    while await turn_trial_images(trial_id):
        await asyncio.sleep(GIVE_WAY_SECONDS)
    last = 0
    while media_ids := await next_undescribed(trial_id, last):
        await results_of(await queue_batches(media_ids))
        last = media_ids[-1]
    await end_turn(trial_id)


@DBOS.workflow(name="remove_trial")
async def remove_trial(trial_id: int) -> None:
    """Take the results of an ended trial out of the survey."""
    while await remove_trial_images(trial_id):
        await asyncio.sleep(GIVE_WAY_SECONDS)
    await end_removing(trial_id)


@step()
async def next_to_try(trial_id: int) -> list[list[int]]:
    """The next images in groups; none while other work is under way, or when the trial has ended or stands."""
    return await read_survey(_next_to_try, trial_id, AT_ONCE_ELSEWHERE if current().context.backend.elsewhere else 1)


@step(preemptible=True)
async def try_some(trial_id: int, media_ids: list[int], job: str) -> str:
    """Look at these images unless other work has begun; returns what keeps the trial from going on."""
    now = current()
    if not await read_survey(may_look, trial_id):
        return ""
    try:
        await analysis.look(now.context, trial_id, media_ids, job, now.bulk)
    except BackendError as error:
        return sentence(error)
    return ""


@step()
async def end_trial_slice(trial_id: int, trouble: str) -> None:
    """Make way for the next slice."""
    await write_survey(end_slice, trial_id, trouble)


@step()
async def turn_trial_images(trial_id: int) -> bool:
    """See `standing.turn_some`."""
    return await write_survey(lambda session: standing.turn_some(session, session.get_one(Trial, trial_id)))


@step()
async def next_undescribed(trial_id: int, after: int) -> list[int]:
    """The next images whose boxes came to count and have not been described."""
    return await read_survey(standing.unfinished, trial_id, after, DESCRIBED_AT_ONCE)


@step()
async def end_turn(trial_id: int) -> None:
    """Mark it as done, unless it was decided otherwise meanwhile."""
    attempt = int((DBOS.workflow_id or "").rsplit("-", 1)[-1])
    await write_survey(_end_turn, trial_id, attempt)


@step()
async def remove_trial_images(trial_id: int) -> bool:
    """See `trials.remove_some`."""
    return await write_survey(trials.remove_some, trial_id)


@step()
async def end_removing(trial_id: int) -> None:
    """Mark it as done."""
    await write_survey(_end_removing, trial_id)


class Lookout:
    """Says when a slice is due. Looks less often where a look takes long."""

    def __init__(self) -> None:
        self._rest = Rest()

    def due(self, session: Session) -> list[Due]:
        """The next slice of the trial that runs; none while other work is under way."""
        trial = trials.running(session)
        if trial is None or trial.trouble or not self._rest.over() or not may_look(session, trial.id):
            return []
        with self._rest.after():
            found = trials.waiting(session, trial, 1)
        return [Due(f"trial-{trial.id}-{trial.slice}", (trial.id,))] if found else []


def broke_off(session: Session, trial_id: int, reason: str) -> None:
    """A slice ended without doing so: the trial waits for a person."""
    trial = session.get_one(Trial, trial_id)
    trial.slice, trial.trouble = trial.slice + 1, f"Looking broke off: {reason}"


def turning(session: Session) -> list[Due]:
    """The trials whose results come to count, or no longer."""
    rows = session.scalars(sa.select(Trial).where(Trial.turned.is_not(None)))
    return [Due(f"turn-trial-{row.id}-{row.attempt}", (row.id,)) for row in rows]


def turning_broke_off(session: Session, trial_id: int, reason: str) -> None:
    """What was decided is done in part only: the trial says so."""
    trial = session.get_one(Trial, trial_id)
    trial.turned, trial.trouble = None, f"Letting its results count, or no longer, broke off: {reason}"


def removing(session: Session) -> list[Due]:
    """The ended trials whose results are to be removed."""
    rows = session.scalars(sa.select(Trial).where(Trial.state == TrialState.REMOVING))
    return [Due(f"remove-trial-{row.id}", (row.id,)) for row in rows]


def removing_broke_off(session: Session, trial_id: int, reason: str) -> None:
    """What is left of its results stays."""
    trial = session.get_one(Trial, trial_id)
    trial.state, trial.trouble = TrialState.ENDED, f"Removing its results broke off: {reason}"


def may_look(session: Session, trial_id: int) -> bool:
    """Whether a trial runs, its model does not stand yet, and nothing else is under way."""
    trial = session.get_one(Trial, trial_id)
    if trial.state != TrialState.RUNNING or trials.stands(session, trial_id):
        return False
    return not imports.any_open(session) and not claims.jobs_at_work(session)


def end_slice(session: Session, trial_id: int, trouble: str) -> None:
    """A slice has ended, and with what trouble; empty without any."""
    trial = session.get_one(Trial, trial_id)
    trial.slice, trial.trouble = trial.slice + 1, trouble or None


def _next_to_try(session: Session, trial_id: int, at_once: int) -> list[list[int]]:
    if not may_look(session, trial_id):
        return []
    found = trials.waiting(session, session.get_one(Trial, trial_id), SOUGHT)
    return [found[start : start + at_once] for start in range(0, len(found), at_once)]


def _end_turn(session: Session, trial_id: int, attempt: int) -> None:
    trial = session.get_one(Trial, trial_id)
    if trial.attempt == attempt:
        trial.turned = None


def _end_removing(session: Session, trial_id: int) -> None:
    session.get_one(Trial, trial_id).state = TrialState.ENDED
