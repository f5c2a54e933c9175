"""The job of a file of results: read it; once a person has brought it in store its boxes and what people saw on its
images; describe what is new.

When the file no longer counts, the same job has the images looked at that nothing else has found anything on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import sqlalchemy as sa
from dbos import DBOS
from sqlalchemy.orm import Session

from app.analysis import videos
from app.exchange.incoming import bringing_in, keeping
from app.jobs.analyse import queue_batches, results_of
from app.jobs.current import current
from app.jobs.queue import Due, results_workflow_id
from app.jobs.steps import GIVE_WAY_SECONDS, step
from app.survey.decisions import parts
from app.survey.decisions.refusals import BadDecision
from app.survey.tables.results import UNDER_WAY, ResultsFile, ResultsState
from app.video.reading.probe import VideoError
from modal_backend.errors import BackendError, sentence

AT_ONCE = 200


@DBOS.workflow(name="bring_in_results")
async def bring_in_results(results_id: int) -> str:
    """Bring a file of results to where its row and the decision about it say; returns "done" or what went wrong."""
    try:
        state = await read_file(results_id)
        if state not in (ResultsState.TAKING, ResultsState.COUNTING):
            return "read"
        after: int | None = 0 if state == ResultsState.COUNTING else None
        while after is not None:
            after = await count_some(results_id, after)
        turned: int | None = 1
        while turned:
            turned = await turn_some(results_id)
        if turned is None:
            return "turned round"
        after = 0
        while after is not None:
            after = await take_some(results_id, after)
        after = 0
        while after is not None:
            after = await take_lines(results_id, after)
        last = 0
        while media_ids := await next_images(results_id, last):
            await results_of(await queue_batches(media_ids))
            last = media_ids[-1]
        await describe_videos(results_id, DBOS.workflow_id or "")
    except (BackendError, VideoError, BadDecision, OSError) as error:
        return await finish(results_id, sentence(error))
    return await finish(results_id, None)


@step()
async def read_file(results_id: int) -> str:
    """Read the file when that has not been done; returns where it stands."""
    return await asyncio.to_thread(_read_file, results_id)


@step()
async def turn_some(results_id: int) -> int | None:
    """Take back, or make again, more of what the file says of people; see `parts.turn_some`."""
    return await _slice(parts.turn_some, results_id)


@step()
async def count_some(results_id: int, after: int) -> int | None:
    """Let the boxes of the next images count, or no longer; see `bringing_in.count_some`."""
    return await _slice(bringing_in.count_some, results_id, after)


@step()
async def take_some(results_id: int, after: int) -> int | None:
    """Store the boxes of the next images; see `bringing_in.take_some`."""
    return await _slice(bringing_in.take_some, results_id, after)


@step()
async def take_lines(results_id: int, after: int) -> int | None:
    """Take the next lines of what people saw; see `keeping.take_lines`."""
    return await _slice(keeping.take_lines, results_id, after)


@step()
async def next_images(results_id: int, after: int) -> list[int]:
    """The next images that wait for a model."""
    return await asyncio.to_thread(bringing_in.waiting, current().context.survey, results_id, after, AT_ONCE)


@step(preemptible=True)
async def describe_videos(results_id: int, job: str) -> None:
    """Show the frames of the videos and describe their animals; run again, it goes on."""
    context = current().context
    for media_id in await asyncio.to_thread(bringing_in.waiting_videos, context.survey, results_id):
        await asyncio.to_thread(videos.show_and_describe, context, media_id, job)


@step()
async def finish(results_id: int, error: str | None) -> str:
    """Mark the file as brought in, or as failed, unless something else was decided about it meanwhile."""
    attempt = int((DBOS.workflow_id or "").rsplit("-", 1)[-1])
    await asyncio.to_thread(bringing_in.finish, current().context.survey, results_id, error, attempt)
    return error or "done"


async def _slice(take: Callable[..., int | None], *args: int) -> int | None:
    """Do a slice of the work, then let others write, who look for it ten times a second or oftener."""
    done = await asyncio.to_thread(take, current().context.survey, *args)
    await asyncio.sleep(GIVE_WAY_SECONDS)
    return done


def due(session: Session) -> list[Due]:
    """The files that are to be read or taken."""
    rows = session.scalars(sa.select(ResultsFile).where(ResultsFile.state.in_(UNDER_WAY)))
    return [Due(results_workflow_id(row.id, row.attempt), (row.id,)) for row in rows]


def broke_off(session: Session, results_id: int, reason: str) -> None:
    """Close a file whose job ended without doing so."""
    row = session.get_one(ResultsFile, results_id)
    row.state, row.error = ResultsState.FAILED, f"Bringing it in broke off: {reason}"


def _read_file(results_id: int) -> str:
    survey = current().context.survey
    with survey.read() as session:
        row = session.get_one(ResultsFile, results_id)
    if row.state == ResultsState.READING:
        bringing_in.read_in(survey, results_id)
        with survey.read() as session:
            row = session.get_one(ResultsFile, results_id)
    return row.state
