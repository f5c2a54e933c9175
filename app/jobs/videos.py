"""The job that summarises a video again."""

from __future__ import annotations

import asyncio

from dbos import DBOS
from sqlalchemy.orm import Session

from app.analysis import videos
from app.jobs.current import current, write_survey
from app.jobs.queue import Due, video_run_workflow_id
from app.jobs.steps import step
from app.survey.videos import runs
from modal_backend.errors import BackendError, sentence


@DBOS.workflow(name="summarise_again")
async def summarise_again(run_id: int) -> None:
    """Bring a run of a video to its end: decoded here, its frames looked at by the detector in use."""
    await summarise(run_id, DBOS.workflow_id or "")


@step(preemptible=True)
async def summarise(run_id: int, job: str) -> None:
    """Look and write down the result, or why there is none."""
    try:
        await asyncio.to_thread(videos.summarise_again, current().context, run_id, job)
    except BackendError as error:
        await write_survey(runs.fail, run_id, sentence(error))


def due(session: Session) -> list[Due]:
    """The runs that wait or are under way."""
    return [Due(video_run_workflow_id(run_id), (run_id,)) for run_id in runs.open_runs(session)]


def broke_off(session: Session, run_id: int, reason: str) -> None:
    """Close a run whose job ended without doing so."""
    runs.fail(session, run_id, f"The job broke off ({reason}). Ask again.")
