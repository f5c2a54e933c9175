"""Ask about a video: a row and a job; a worker asks the endpoint."""

from __future__ import annotations

from app.actions.needs import needs
from app.analysis.video_endpoint import host, not_configured
from app.jobs.queue import Jobs
from app.settings import Settings
from app.survey.database import Survey
from app.survey.roles import Role
from app.survey.videos import answers
from modal_backend.errors import QueueFull
from modal_backend.models.video.prompts import question_text


@needs(Role.REVIEWER)
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
