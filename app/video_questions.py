"""Ask about a clip, and take an answer away: rows and a job; a worker asks the endpoint."""

from __future__ import annotations

from urllib.parse import urlsplit

from app.jobs import Jobs
from app.settings import Backend, Settings
from app.survey import video_answers
from app.survey.database import Survey
from app.survey.decide import Change
from app.survey.video_answers import VideoAnswer
from modal_backend.errors import QueueFull
from modal_backend.models.video_analyst import Endpoint
from modal_backend.models.video_errors import NO_KEY
from modal_backend.models.video_prompts import question_text

DELETED = "delete answer"
KINDS = (DELETED,)
MODAL_REMEDY = (
    "OMNIVINCI_THROUGH is modal, but the models of this survey run on the embedded backend. Connect Modal (Operations "
    "says how), or set OMNIVINCI_THROUGH=direct and OMNIVINCI_API_KEY."
)


def not_configured(settings: Settings) -> str:
    """What is missing before a question can be asked, with the remedy; empty when nothing is."""
    if settings.omnivinci_through == "modal":
        return "" if settings.active_backend is Backend.MODAL else MODAL_REMEDY
    return "" if settings.omnivinci_api_key else NO_KEY


def endpoint(settings: Settings) -> Endpoint:
    """The endpoint that the settings name."""
    key = settings.omnivinci_api_key
    return Endpoint(
        key.get_secret_value() if key else "",
        url=settings.omnivinci_api_url,
        model=settings.omnivinci_model,
        deadline=settings.omnivinci_timeout,
        silence=settings.omnivinci_silence,
        max_bytes=settings.omnivinci_max_bytes,
    )


def host(settings: Settings) -> str:
    """Who gets to see the frames."""
    direct = urlsplit(settings.omnivinci_api_url).netloc
    return direct if settings.omnivinci_through == "direct" else "the endpoint of the Modal app"


def ask(settings: Settings, survey: Survey, jobs: Jobs, media_id: int, kind: str, own: str, who: str) -> int:
    """Write a question down and put it into the queue; returns its id.

    Raises ValueError for a question that cannot be asked, QueueFull.
    """
    text = question_text(kind, own)
    missing = not_configured(settings)
    if missing:
        raise ValueError(missing)
    with survey.write() as session:
        row = video_answers.ask(
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
            video_answers.fail(session, answer_id, f"{full} {full.remedy}")
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
