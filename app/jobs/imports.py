"""The job that takes an import in: files are stored and listed, batches of them analysed, events grouped at the end."""

from __future__ import annotations

import asyncio
import shutil
from collections import deque
from collections.abc import Iterable
from pathlib import Path

import sqlalchemy as sa
from dbos import DBOS, WorkflowHandleAsync
from sqlalchemy.orm import Session

from app.analysis import calls, pictures, videos
from app.analysis.context import Context
from app.analysis.model_choice import usual_profile
from app.analysis.taking_in import BATCH, list_batch, read_ahead
from app.exchange.incoming import bringing_in
from app.ingest.intake import source_files
from app.ingest.refusals import Refused, RefusedFile
from app.ingest.source import SourceFile
from app.jobs.analyse import queue_batches, results_of
from app.jobs.current import Current, current, read_survey, write_survey
from app.jobs.queue import Due, import_workflow_id
from app.jobs.sample import tell_story
from app.jobs.steps import step
from app.sample import demo_survey
from app.storage.errors import StoreError
from app.storage.shared import storage_of
from app.survey.database import Survey
from app.survey.detections import rapid_profile
from app.survey.media import claims, clocks, imports, places
from app.survey.tables.media import ImportBatch, ImportState, ListedFile, Media
from modal_backend.errors import BackendError, sentence

FILES_AT_ONCE = 200
FIRST_FILES = 1  # the first batch, which is a small one, is looked at before more files are taken in
OTHERS_SECONDS = 1.0
# A step that is being ended by the cancellation comes to its end first.
SETTLE_SECONDS = 2.0


@DBOS.workflow(name="import_media")
async def import_media(import_id: int) -> str:
    """Take in, detect, describe and group everything an import lists; returns "done" or what went wrong."""
    job = DBOS.workflow_id or ""
    try:
        ahead = await begin(import_id)
        waiting: deque[WorkflowHandleAsync[str]] = deque()
        errors = []
        while (media_ids := await take_in_some(import_id, job)) is not None:
            waiting += await queue_batches(media_ids)
            while len(waiting) > ahead:
                errors += await results_of([waiting.popleft()])
        errors += await results_of(waiting)
        errors += await results_of(await queue_batches(await left_over(import_id)))
        errors.append(await summarise_videos(import_id, job))
        await others_at_work(import_id)
        errors += await results_of(await queue_batches(await left_over(import_id)))
        errors.append(await summarise_videos(import_id, job))
        await group_events(import_id)
        await match_results(import_id)
        await decide_for_sample_team(import_id)
    except (BackendError, StoreError, OSError) as error:
        return await close_import(import_id, sentence(error))
    return await close_import(import_id, next(filter(None, errors), None))


@DBOS.workflow(name="retry_failed")
async def retry_failed() -> None:
    """Look again at every media whose analysis failed."""
    await queue_batches(await reopen_failed())
    await summarise_videos(None, DBOS.workflow_id or "")


@DBOS.workflow(name="give_up_calls")
async def give_up_calls(import_id: int, attempt: int) -> int:
    """Cancel what this attempt at an import still has with the models; returns how many calls that were."""
    await DBOS.sleep_async(SETTLE_SECONDS)
    return await give_up_open_calls(import_workflow_id(import_id, attempt))


@step()
async def begin(import_id: int) -> int:
    """Mark the import as running and count its files; returns how many batches may wait to be analysed."""
    return await asyncio.to_thread(_begin, current(), import_id)


@step()
async def take_in_some(import_id: int, job: str) -> list[int] | None:
    """Take in the next files; returns the ids of the pictures to analyse, None when there are no more files."""
    return await asyncio.to_thread(_take_in_some, current(), import_id, job)


@step()
async def left_over(import_id: int) -> list[int]:
    """Pictures of the import that nobody brought to an end: a worker died while it wrote them down."""
    return await read_survey(pictures.unfinished, import_id)


@step(preemptible=True)
async def others_at_work(import_id: int) -> None:
    """Wait until no other job is at work on media of the import; upkeep frees what an ended job has left."""
    while await read_survey(claims.jobs_at_work, import_id):
        await asyncio.sleep(OTHERS_SECONDS)


@step()
async def reopen_failed() -> list[int]:
    """Every media whose analysis failed waits for it again; returns the ids of the pictures."""
    return await write_survey(imports.reopen_failed)


@step(preemptible=True)
async def summarise_videos(import_id: int | None, job: str) -> str:
    """Summarise the videos of an import, or all that wait; returns what went wrong."""
    try:
        await asyncio.to_thread(videos.summarise_pending, current().context, import_id, job)
    except (BackendError, Refused, OSError) as error:
        return sentence(error)
    return ""


@step()
async def group_events(import_id: int) -> None:
    """Assign the media of the import's deployments to events."""
    await write_survey(_group, import_id)


@step()
async def match_results(import_id: int) -> None:
    """Have the results that came with the import taken where only all files together say which is meant."""
    await asyncio.to_thread(_match_results, current().context.survey, import_id)


@step()
async def decide_for_sample_team(import_id: int) -> None:
    """Of the sample survey: write down what its own team decided and noted."""
    await asyncio.to_thread(tell_story, current(), import_id)


@step()
async def close_import(import_id: int, error: str | None) -> str:
    """Mark the import as done or failed."""
    return await asyncio.to_thread(_close, current(), import_id, error)


@step()
async def give_up_open_calls(job: str) -> int:
    """Cancel the open calls of a job and of the jobs it started; waits while Modal cannot be reached."""
    return await calls.give_up(current().context, job)


def due(session: Session) -> list[Due]:
    """The imports that wait or run."""
    open_states = sa.select(ImportBatch).where(ImportBatch.state.in_([ImportState.QUEUED, ImportState.RUNNING]))
    return [Due(import_workflow_id(row.id, row.attempt), (row.id,)) for row in session.scalars(open_states)]


def is_here(survey: Survey, import_id: int) -> bool:
    """Whether a worker of this data folder may take an import in: of another folder it would find no files."""
    if storage_of(survey.data_dir) is None:
        return True
    with survey.read() as session:
        return Path(session.get_one(ImportBatch, import_id).root).exists()


def broke_off(session: Session, import_id: int, reason: str) -> None:
    """Close an import whose job ended without doing so."""
    imports.finish(session, import_id, error=f"The import broke off: {reason}")


def _begin(now: Current, import_id: int) -> int:
    context, survey = now.context, now.context.survey
    with survey.write() as session:
        batch = imports.begin(session, import_id)
        imports.reopen_failed(session, import_id)
    if batch.synthetic:
        demo_survey.lay_out(survey.data_dir)
    with survey.write() as session:
        batch = session.get_one(ImportBatch, import_id)
        batch.listed = sum(1 for _ in _files_of(context, batch)) or sum(imports.outcomes(session, import_id).values())
        session.flush()
        setting, usual = now.settings.local_features, usual_profile(now.settings)
        rapid_profile.settle(session, setting, usual=usual, importing=True)
    return context.backend.batches_ahead


def _files_of(context: Context, batch: ImportBatch) -> Iterable[SourceFile | RefusedFile]:
    """The files of an import; none of an upload that is in the store by now."""
    if batch.kind == "upload" and not Path(batch.root).exists():
        return ()
    return source_files(Path(batch.root), limits=context.limits, names_in=batch.names_in)


def _take_in_some(now: Current, import_id: int, job: str) -> list[int] | None:
    context = now.context
    if job not in now.feeds:
        with context.survey.read() as session:
            batch = session.get_one(ImportBatch, import_id)
        found = _files_of(context, batch)
        now.feeds[job] = read_ahead(context, import_id, found)
        most = FIRST_FILES
    else:
        most = min(FILES_AT_ONCE, context.backend.batches_ahead * BATCH // 2)
    media_ids: list[int] = []
    taken, feed = 0, now.feeds.pop(job)  # one that breaks off is begun again: what is listed by then is passed over
    for reads in feed:
        context.backend.load(context.choose().detector)  # a second, the first time, in which more files are read
        listed = list_batch(context, import_id, reads)
        bringing_in.take_for(context.survey, import_id, listed)
        media_ids += listed
        taken += len(reads)
        if taken >= most:
            now.feeds[job] = feed
            return media_ids
    return media_ids or None


def _group(session: Session, import_id: int) -> None:
    deployments = sa.select(Media.deployment_id).join(ListedFile).where(ListedFile.import_id == import_id).distinct()
    affected = set(session.scalars(deployments))
    places.settle_places(session, affected)
    clocks.retime(session, affected)


def _match_results(survey: Survey, import_id: int) -> None:
    with survey.read() as session:
        results_id = session.get_one(ImportBatch, import_id).results_id
    if results_id is not None:
        bringing_in.match_again(survey, results_id)


def _close(now: Current, import_id: int, error: str | None) -> str:
    with now.context.survey.write() as session:
        imports.finish(session, import_id, error=error)
        batch = session.get_one(ImportBatch, import_id)
        received = Path(batch.root) if batch.kind == "upload" and not error else None
    if received is not None:
        shutil.rmtree(received, ignore_errors=True)  # the originals are in the store
    return error or "done"
