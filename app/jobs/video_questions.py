"""The job that asks a video language model: the row of the question decides whether it is still to be asked.

Once an answer is in its row nothing is sent again, whatever is restarted. A request that broke off may have been paid
for: it is not repeated by itself, a person asks again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Any

from dbos import DBOS

from app.analysis.calls import closed, collect, send
from app.analysis.video_endpoint import endpoint, not_configured
from app.jobs.current import Bench
from app.jobs.queue import Jobs, video_workflow_id
from app.settings import Settings
from app.survey.calls import ledger
from app.survey.calls.ledger import Sent
from app.survey.database import Survey
from app.survey.tables.media import Media
from app.survey.tables.videos import VideoAnswer
from app.survey.videos import answers
from app.video.reading.even_frames import even_frames
from modal_backend.contracts import Failure, VideoQuestion
from modal_backend.errors import BackendError, JobFailed, QueueFull
from modal_backend.models.video import ask
from modal_backend.registry import OMNIVINCI, Task

log = logging.getLogger("pugmark.video")
ENDPOINT = "endpoint"
CLIP_KINDS = ("mp4",)
ROOM_FOR_WORDS = 20_000


@DBOS.workflow(name="ask_about_video")
async def ask_about_video(answer_id: int) -> str:
    """Ask one question and keep the answer; returns how it ended."""
    if await asks_itself(answer_id):
        return await ask_endpoint(answer_id)
    try:
        sent = await send_question(answer_id)
        return await collect_answer(answer_id, sent) if sent else "nothing to ask"
    except BackendError as error:
        return await refuse(answer_id, f"{error} {error.remedy}".strip())


@DBOS.step()
async def asks_itself(answer_id: int) -> bool:
    """Whether the worker asks, and not a function on Modal."""
    row = await asyncio.to_thread(_open, answer_id)
    return row is None or row.through == "direct"


@DBOS.step(preemptible=True)
async def ask_endpoint(answer_id: int) -> str:
    """Ask the endpoint from here; a question that has ended is left as it is."""
    row = await asyncio.to_thread(_open, answer_id)
    if row is None:
        return "nothing to ask"
    begun, call = time.monotonic(), None
    try:
        missing = not_configured(Bench.settings)
        if missing:
            raise JobFailed("The video language model is not configured.", remedy=missing)
        question = await asyncio.to_thread(_question, row)
        call = await asyncio.to_thread(_open_call, row, question)
        said = await ask.ask(endpoint(Bench.settings), question)
    except BackendError as error:
        return await asyncio.to_thread(_fail, answer_id, f"{error} {error.remedy}".strip(), call, error)
    return await asyncio.to_thread(_keep, answer_id, said, call, time.monotonic() - begun)


@DBOS.step(preemptible=True)
async def send_question(answer_id: int) -> list[Any] | None:
    """Send the question to Modal, or find the call this job has sent; its ids, None when there is nothing to ask."""
    row = await asyncio.to_thread(_open, answer_id)
    if row is None:
        return None
    missing = not_configured(Bench.settings)
    if missing:
        raise JobFailed("The video language model is not configured.", remedy=missing)
    done = await send(f"ask/{answer_id}", [OMNIVINCI], lambda: (None, [_question(row)]), Bench.interactive)
    return [done[1][OMNIVINCI].id, done[1][OMNIVINCI].remote_id] if done else None


@DBOS.step(preemptible=True)
async def collect_answer(answer_id: int, sent: list[Any]) -> str:
    """Collect and keep what the function on Modal got to hear."""
    call = Sent(*sent)
    result = await collect(call, OMNIVINCI, Bench.interactive)
    if result is None:
        return await asyncio.to_thread(_fail, answer_id, "Modal lost the answer. Ask again: it may be charged twice.")
    value = result.values[0]
    if isinstance(value, Failure):
        ended = await asyncio.to_thread(_fail, answer_id, value.reason)
    else:
        ended = await asyncio.to_thread(_keep, answer_id, value)
    await closed(call, result)
    return ended


@DBOS.step()
async def refuse(answer_id: int, reason: str) -> str:
    """Write down why the question was not answered."""
    return await asyncio.to_thread(_fail, answer_id, reason)


def put_forgotten(survey: Survey, settings: Settings) -> None:
    """Put questions into the queue that it does not know; close those whose job ended without saying so."""
    with survey.read() as session:
        waiting = answers.open_questions(session)
    for answer_id in waiting:
        status = DBOS.get_workflow_status(video_workflow_id(answer_id))
        if status is None:
            _put(survey, settings, answer_id)
        elif status.status not in ("ENQUEUED", "PENDING", "DELAYED"):
            with survey.write() as session:
                answers.fail(session, answer_id, f"The job broke off ({status.status.lower()}). Ask again.")


def _put(survey: Survey, settings: Settings, answer_id: int) -> None:
    jobs = Jobs(survey, settings)
    try:
        jobs.ask_about_video(answer_id)
    except QueueFull:
        log.info("The queue is full; question %d waits.", answer_id)
    finally:
        jobs.close()


def _open(answer_id: int) -> VideoAnswer | None:
    with Bench.shop.survey.read() as session:
        return answers.is_open(session, answer_id)


def _question(row: VideoAnswer) -> VideoQuestion:
    """The question with what of the clip fits; what that is goes into the row."""
    settings = Bench.settings
    with Bench.shop.survey.read() as session:
        media = session.get_one(Media, row.media_id)
    path = _original(media)
    room = (settings.omnivinci_max_bytes - ROOM_FOR_WORDS) * 3 // 4
    if settings.omnivinci_send == "clip" and media.format in CLIP_KINDS and path.stat().st_size <= room:
        question, sent = VideoQuestion(row.question, [], path.read_bytes()), f"the clip, {media.bytes / 1e6:.1f} MB"
    else:
        frames = even_frames(path, settings.omnivinci_frames)
        question, sent = VideoQuestion(row.question, frames), f"{len(frames)} frames"
    with Bench.shop.survey.write() as session:
        answers.note_sent(session, row.id, sent, [frame.seconds for frame in question.frames])
    return question


def _original(media: Media) -> Path:
    folder = Bench.shop.survey.data_dir / "originals" / media.sha256[:2]
    found = sorted(folder.glob(f"{media.sha256}.*"))
    if not found:
        raise JobFailed("The clip's file is not in the data folder any more.", remedy="Import the clip again.")
    return found[0]


def _open_call(row: VideoAnswer, question: VideoQuestion) -> Sent:
    call = ledger.open_call(
        Bench.shop.survey,
        job=f"ask/{row.id}",
        task=Task.VIDEO,
        model=OMNIVINCI,
        backend=ENDPOINT,
        items=max(len(question.frames), 1),
        executor_id=Bench.shop.executor_id,
        queued_at=row.asked_at,
    )
    ledger.update(Bench.shop.survey, call.id, bytes=ask.request_bytes(question))
    return call


def _keep(answer_id: int, said: Any, call: Sent | None = None, seconds: float | None = None) -> str:
    """Keep the answer and, where the worker asked itself, end its call in the same transaction."""
    prices = (Bench.settings.omnivinci_price_in, Bench.settings.omnivinci_price_out)
    with Bench.shop.survey.write() as session:
        answers.keep(session, answer_id, said, prices)
        if call is not None:
            ledger.end(session, call.id, "done", run_seconds=seconds, attempts=said.attempts)
    return "answered"


def _fail(answer_id: int, reason: str, call: Sent | None = None, error: Exception | None = None) -> str:
    with Bench.shop.survey.write() as session:
        answers.fail(session, answer_id, reason)
        if call is not None:
            ledger.end(session, call.id, "failed", error=f"{type(error).__name__}: {error}")
    return "failed"
