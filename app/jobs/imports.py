"""Imports whose models run on Modal: take the files in, hand out windows of media, and end when all have come back."""

from __future__ import annotations

import asyncio
from collections import deque
from pathlib import Path
from typing import Any

from dbos import DBOS, SetWorkflowID, WorkflowHandle, WorkflowHandleAsync

from app.analysis import videos, windows
from app.analysis.clip_calls import give_up
from app.analysis.pictures import batches
from app.ingest.intake import source_files
from app.jobs import import_end
from app.jobs.analyse import analyse_window
from app.jobs.current import Bench
from app.jobs.queue import FINISH, Queue
from app.survey.tables.media import ImportBatch
from modal_backend.errors import BackendError, BackendUnavailable, QueueFull

WINDOW = 8
FILES_AT_ONCE = 200
AHEAD_OF_MODAL = 4
CLIPS_AGAIN_SECONDS = 5.0


def hand_out(import_id: int) -> None:
    """Take in everything an import lists and put its windows into the queue; another workflow waits for them.

    Called by a workflow. Stays at most AHEAD_OF_MODAL times MODAL_MAX_IN_FLIGHT windows ahead of Modal.
    """
    waiting: deque[WorkflowHandle[Any]] = deque()
    children: list[str] = []
    limit = AHEAD_OF_MODAL * Bench.settings.modal_max_in_flight
    while (media_ids := take_in_some(import_id)) is not None:
        for window in batches(media_ids, WINDOW):
            handle = DBOS.enqueue_workflow(Queue.MODAL_BULK, analyse_window, window)
            waiting.append(handle)
            children.append(handle.workflow_id)
        while len(waiting) > limit:
            waiting.popleft().get_result()
    with SetWorkflowID(f"{FINISH}{DBOS.workflow_id}"):
        DBOS.enqueue_workflow(Queue.MODAL_IMPORTS, finish_remotely, import_id, children)


def hand_out_failed() -> None:
    """Put windows of all media that failed into the queue. Called by a workflow."""
    for window in batches(failed_media(), WINDOW):
        DBOS.enqueue_workflow(Queue.MODAL_BULK, analyse_window, window)


@DBOS.workflow(name="finish_remotely")
async def finish_remotely(import_id: int, children: list[str]) -> str:
    """Wait for the windows of an import, see to what was left over, group the events, close the import."""
    errors = [await _outcome(child) for child in children]
    for window in batches(await left_over(import_id), WINDOW):
        handle = await DBOS.enqueue_workflow_async(Queue.MODAL_BULK, analyse_window, window)
        errors.append(await handle.get_result())
    errors.append(await summarise_clips(import_id))
    await group_events(import_id)
    return await close_import(import_id, next(filter(None, errors), None))


@DBOS.step()
def take_in_some(import_id: int) -> list[int] | None:
    """Take in the next files; returns the ids of the media to analyse, None when there are no more files."""
    shop = Bench.shop
    if import_id not in Bench.feeds:
        with shop.survey.read() as session:
            root = Path(session.get_one(ImportBatch, import_id).root)
        Bench.feeds[import_id] = windows.read_ahead(shop, import_id, source_files(root, limits=shop.limits))
    media_ids: list[int] = []
    taken = 0
    for reads in Bench.feeds[import_id]:
        media_ids += windows.list_batch(shop, import_id, reads)
        taken += len(reads)
        if taken >= FILES_AT_ONCE:
            return media_ids
    del Bench.feeds[import_id]
    return media_ids or None


@DBOS.step()
def failed_media() -> list[int]:
    """Ids of the media whose analysis failed."""
    with Bench.shop.survey.read() as session:
        return windows.failed(session)


@DBOS.step()
async def left_over(import_id: int) -> list[int]:
    """Media of the import that no window brought to an end: the worker died while it wrote them down."""

    def ask() -> list[int]:
        with Bench.shop.survey.read() as session:
            return windows.unfinished(session, import_id)

    return await asyncio.to_thread(ask)


async def _outcome(child: str) -> str:
    handle: WorkflowHandleAsync[str] = await DBOS.retrieve_workflow_async(child)
    return await handle.get_result()


@DBOS.step(name="summarise_clips_remotely", preemptible=True)
async def summarise_clips(import_id: int) -> str:
    """Summarise the import's clips: decoded here, their frames looked at on Modal; returns what went wrong.

    While nothing answers it waits and goes on with the clip it was at, or gives up where jobs must not wait. A worker
    that takes it over collects the calls that were sent.
    """
    job = DBOS.workflow_id or ""
    while True:
        try:
            await asyncio.to_thread(videos.summarise_pending, Bench.shop, import_id, job)
        except BackendError as error:
            away = isinstance(error, BackendUnavailable | QueueFull)
            if not (away and Bench.settings.modal_fallback_to_queue):
                await asyncio.to_thread(give_up, Bench.shop, job, str(error))
                return f"{error} {error.remedy}".strip()
            await asyncio.sleep(CLIPS_AGAIN_SECONDS)
        else:
            return ""


@DBOS.step(name="group_events_remotely")
async def group_events(import_id: int) -> None:
    """Assign the media of the import's deployments to events."""
    await asyncio.to_thread(import_end.group, import_id)


@DBOS.step(name="close_import_remotely")
async def close_import(import_id: int, error: str | None) -> str:
    """Mark the import as done or failed."""
    return await asyncio.to_thread(import_end.close, import_id, error)
