"""Ask about a clip, and take an answer away: rows and a job; a worker asks the endpoint."""

from __future__ import annotations

from app.analysis.video_endpoint import host, not_configured
from app.jobs.queue import Jobs
from app.settings import Settings
from app.survey.database import Survey
from app.survey.decisions.changes import Change
from app.survey.tables.videos import VideoAnswer
from app.survey.videos import answers
from modal_backend.errors import QueueFull
from modal_backend.models.video.prompts import question_text

DELETED = "delete answer"
KINDS = (DELETED,)


def ask(settings: Settings, survey: Survey, jobs: Jobs, media_id: int, kind: str, own: str, who: str) -> int:
    """Write a question down and put it into the queue; returns its id.

    Raises ValueError for a question that cannot be asked, QueueFull.
    """
    text = question_text(kind, own)
    missing = not_configured(settings)
    if missing:
        raise ValueError(missing)
    with survey.write() as session:
        row = answers.ask(
            session,
            media_id,
            kind,
            text,
            who,
            model=settings.omnivinci_model,
            host=host(settings),
            through=settings.omnivinci_through,
        )
        answer_id = row.id
    try:
        jobs.ask_about_video(answer_id)
    except QueueFull as full:
        with survey.write() as session:
            answers.fail(session, answer_id, f"{full} {full.remedy}")
        raise
    return answer_id


def delete(survey: Survey, answer_id: int, who: str) -> None:
    """Take a question that has ended out, with its answer; recorded, and undone like any decision."""
    with survey.write() as session:
        row = session.get(VideoAnswer, answer_id)
        if row is None or row.outcome is None:
            return
        media_id, view = row.media_id, {"question": row.question[:200], "model": row.model}
        change = Change(session)
        change.drop(VideoAnswer, {"id": answer_id})
        change.record(DELETED, who, view=view, media_id=media_id)
