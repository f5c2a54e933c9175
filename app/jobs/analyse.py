"""The jobs that find and describe the animals of stored pictures: of a batch, and closer on one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from dbos import DBOS, WorkflowHandleAsync

from app.analysis import closer, pictures
from app.analysis.taking_in import batches
from app.ingest.refusals import Refused
from app.jobs.current import current
from app.jobs.queues import Queue
from app.jobs.steps import step
from app.storage.errors import StoreError
from modal_backend.errors import BackendError, sentence

POLL_SECONDS = 0.2


@DBOS.workflow(name="analyse_window")
async def analyse_batch(media_ids: list[int]) -> str:
    """Detect and describe stored pictures; returns what went wrong, empty when all went well."""
    job = DBOS.workflow_id or ""
    try:
        await analyse(media_ids, job)
    except (BackendError, StoreError, Refused, OSError) as error:
        return await fail_media(media_ids, sentence(error), job)
    return ""


async def queue_batches(media_ids: Iterable[int]) -> list[WorkflowHandleAsync[str]]:
    """Have these media analysed, a batch a job."""
    return [await DBOS.enqueue_workflow_async(Queue.BATCHES, analyse_batch, batch) for batch in batches(media_ids)]


async def results_of(jobs: Iterable[WorkflowHandleAsync[str]]) -> list[str]:
    """Wait for jobs; returns what went wrong in each, empty where all went well."""
    return [await job.get_result(polling_interval_sec=POLL_SECONDS) for job in jobs]


@step(preemptible=True)
async def analyse(media_ids: list[int], job: str) -> None:
    """Run again after a crash, it collects the calls that were sent."""
    now = current()
    await pictures.analyse(now.context, media_ids, job, now.bulk)


@step()
async def fail_media(media_ids: list[int], reason: str, job: str) -> str:
    """Mark what is not finished as failed, with the reason."""
    await asyncio.to_thread(pictures.fail, current().context, media_ids, reason, job)
    return reason


@DBOS.workflow(name="look_closer")
async def look_closer(media_id: int) -> str:
    """Look closer at one finished image; returns what went wrong, empty when all went well."""
    try:
        await look(media_id, DBOS.workflow_id or "")
    except (BackendError, StoreError, Refused, OSError) as error:
        return sentence(error)
    return ""


@step(preemptible=True)
async def look(media_id: int, job: str) -> None:
    """Run again after a crash, it collects the call that was sent."""
    now = current()
    await closer.look_closer(now.context, media_id, job, now.interactive)
