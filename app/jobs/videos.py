"""The job that summarises a clip again: here, or with its frames looked at on Modal, waiting while Modal is away."""

from __future__ import annotations

import asyncio

from dbos import DBOS

from app.analysis.clip_again import summarise_again
from app.analysis.clip_calls import give_up
from app.jobs.current import Bench
from app.jobs.queue import Jobs, clip_run_workflow_id
from app.settings import Settings
from app.survey.database import Survey
from app.survey.videos import runs
from modal_backend.errors import BackendError, BackendUnavailable, QueueFull

AGAIN_SECONDS = 5.0


@DBOS.workflow(name="summarise_again")
def summarise_here(run_id: int) -> None:
    """Bring a run of a clip to its end on this machine."""
    run_here(run_id)


@DBOS.workflow(name="summarise_again_remotely")
async def summarise_remotely(run_id: int) -> None:
    """Bring a run of a clip to its end: decoded here, looked at on Modal."""
    await run_remotely(run_id)


@DBOS.step()
def run_here(run_id: int) -> None:
    """Look and write down the result, or why there is none."""
    try:
        summarise_again(Bench.shop, run_id)
    except BackendError as error:
        _fail(run_id, error)


@DBOS.step(preemptible=True)
async def run_remotely(run_id: int) -> None:
    """The same; while nothing answers it waits, or gives up where jobs must not wait."""
    while True:
        try:
            await asyncio.to_thread(summarise_again, Bench.shop, run_id, clip_run_workflow_id(run_id))
        except BackendError as error:
            away = isinstance(error, BackendUnavailable | QueueFull)
            if not (away and Bench.settings.modal_fallback_to_queue):
                return await asyncio.to_thread(_fail, run_id, error)
            await asyncio.sleep(AGAIN_SECONDS)
        else:
            return None


def put_forgotten(survey: Survey, settings: Settings) -> None:
    """Put runs into the queue that it does not know; close those whose job ended without saying so."""
    with survey.read() as session:
        waiting = runs.open_runs(session)
    jobs = Jobs(survey, settings)
    for run_id in waiting:
        status = DBOS.get_workflow_status(clip_run_workflow_id(run_id))
        if status is None:
            jobs.summarise_again(run_id)
        elif status.status not in ("ENQUEUED", "PENDING", "DELAYED"):
            with survey.write() as session:
                runs.fail(session, run_id, f"The job broke off ({status.status.lower()}). Ask again.")
    jobs.close()


def _fail(run_id: int, error: BackendError) -> None:
    give_up(Bench.shop, clip_run_workflow_id(run_id), str(error))
    with Bench.shop.survey.write() as session:
        runs.fail(session, run_id, f"{error} {error.remedy}".strip())
