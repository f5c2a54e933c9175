"""The job that asks a video language model: the row of the question decides whether it is still to be asked.

Once an answer is in its row nothing is sent again, whatever is restarted. A request that broke off may have been paid
for: it is not repeated by itself, a person asks again.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from dbos import DBOS
from sqlalchemy.orm import Session

from app.analysis import calls
from app.analysis.calls import Request
from app.analysis.video_endpoint import endpoint, not_configured
from app.jobs.current import current, read_survey
from app.jobs.queue import Due, video_workflow_id
from app.jobs.steps import step
from app.storage import shared
from app.survey.calls import ledger
from app.survey.calls.ledger import Sent
from app.survey.tables.media import Media
from app.survey.tables.videos import VideoAnswer
from app.survey.videos import answers
from app.video.reading.even_frames import even_frames
from modal_backend.contracts import Failure, VideoQuestion
from modal_backend.contracts import VideoAnswer as Answer
from modal_backend.errors import BackendError, JobFailed, ResultLost, sentence
from modal_backend.models.video import ask
from modal_backend.registry import OMNIVINCI

ENDPOINT = "endpoint"
SENT_WHOLE = ("mp4",)
ROOM_FOR_WORDS = 20_000
NOTHING = "nothing to ask"
LOST = "Modal lost the answer. Ask again: it may be charged twice."


@DBOS.workflow(name="ask_about_video")
async def ask_about_video(answer_id: int) -> str:
    """Ask one question and keep the answer; returns how it ended."""
    try:
        if await through(answer_id) == "direct":
            return await ask_endpoint(answer_id)
        return await ask_model(answer_id)
    except BackendError as error:
        return await refuse(answer_id, sentence(error))


@step()
async def through(answer_id: int) -> str:
    """Who asks the endpoint: the worker ("direct"), or a function on Modal."""
    row = await read_survey(answers.is_open, answer_id)
    return row.through if row is not None else "direct"


@DBOS.step(preemptible=True)
async def ask_endpoint(answer_id: int) -> str:
    """Ask the endpoint from here; a question that has ended is left as it is.

    It is not made again by itself when the database was away: the endpoint charges for every answer.
    """
    row = await read_survey(answers.is_open, answer_id)
    if row is None:
        return NOTHING
    begun, sent = time.monotonic(), None
    try:
        question = await asyncio.to_thread(_question, row)
        sent = await asyncio.to_thread(_begin, row, question)
        answer = await ask.ask(endpoint(current().settings), question)
    except BackendError as error:
        return await asyncio.to_thread(_fail, answer_id, sentence(error), sent, error)
    return await asyncio.to_thread(_keep, answer_id, answer, sent, time.monotonic() - begun)


@step(preemptible=True)
async def ask_model(answer_id: int) -> str:
    """Have a function of the backend ask the endpoint; run again after a crash, it collects the call that was sent."""
    row = await read_survey(answers.is_open, answer_id)
    if row is None:
        return NOTHING
    now = current()

    def make() -> Request:
        return Request(None, str(answer_id), [_question(row)])

    job = video_workflow_id(answer_id)
    try:
        _, (answer,) = await calls.ask(now.context, job, [OMNIVINCI], make, now.interactive, again=False)
    except ResultLost:
        return await asyncio.to_thread(_fail, answer_id, LOST)
    value = answer.result.values[0]
    if isinstance(value, Failure):
        return await asyncio.to_thread(_fail, answer_id, value.reason)
    return await asyncio.to_thread(_keep, answer_id, value)


@step()
async def refuse(answer_id: int, reason: str) -> str:
    """Write down why the question was not answered."""
    return await asyncio.to_thread(_fail, answer_id, reason)


def due(session: Session) -> list[Due]:
    """The questions that have not ended."""
    return [Due(video_workflow_id(answer_id), (answer_id,)) for answer_id in answers.open_questions(session)]


def broke_off(session: Session, answer_id: int, reason: str) -> None:
    """Close a question whose job ended without doing so."""
    answers.fail(session, answer_id, f"The job broke off ({reason}). Ask again.")


def _question(row: VideoAnswer) -> VideoQuestion:
    """The question with what of the video fits; what that is goes into the row. Raises JobFailed."""
    settings = current().settings
    missing = not_configured(settings)
    if missing:
        raise JobFailed("The video language model is not configured.", remedy=missing)
    with current().context.survey.read() as session:
        media = session.get_one(Media, row.media_id)
    path = _original(media)
    room = (settings.omnivinci_max_bytes - ROOM_FOR_WORDS) * 3 // 4
    if settings.omnivinci_send == "clip" and media.format in SENT_WHOLE and path.stat().st_size <= room:
        question, sent = VideoQuestion(row.question, [], path.read_bytes()), f"the video, {media.bytes / 1e6:.1f} MB"
    else:
        frames = even_frames(path, settings.omnivinci_frames)
        question, sent = VideoQuestion(row.question, frames), f"{len(frames)} frames"
    with current().context.survey.write() as session:
        answers.note_sent(session, row.id, sent, [frame.seconds for frame in question.frames])
    return question


def _original(media: Media) -> Path:
    try:
        return shared.original(current().context.survey.data_dir, media.sha256)
    except FileNotFoundError as error:
        gone = "The video's file is not in the data folder any more."
        raise JobFailed(gone, remedy="Import the video again.") from error


def _begin(row: VideoAnswer, question: VideoQuestion) -> Sent:
    context, job = current().context, video_workflow_id(row.id)
    items = max(len(question.frames), 1)
    sent = calls.begin(context, job, OMNIVINCI, items, backend=ENDPOINT, queued_at=row.asked_at)
    ledger.update(context.survey, sent.id, bytes=ask.request_bytes(question))
    return sent


def _keep(answer_id: int, answer: Answer, sent: Sent | None = None, seconds: float | None = None) -> str:
    """Keep the answer and, where the worker asked itself, end its call in the same transaction."""
    prices = (current().settings.omnivinci_price_in, current().settings.omnivinci_price_out)
    with current().context.survey.write() as session:
        answers.keep(session, answer_id, answer, prices)
        if sent is not None:
            ledger.end(session, sent.id, "done", run_seconds=seconds, attempts=answer.attempts)
    return "answered"


def _fail(answer_id: int, reason: str, sent: Sent | None = None, error: Exception | None = None) -> str:
    with current().context.survey.write() as session:
        answers.fail(session, answer_id, reason)
        if sent is not None:
            ledger.end(session, sent.id, "failed", error=f"{type(error).__name__}: {error}")
    return "failed"
