"""What a page asks for: have a file written, stop it, remove it."""

from __future__ import annotations

from collections.abc import Mapping

from app.actions.needs import needs
from app.exchange.wishes import wish_of
from app.jobs.queue import Jobs
from app.survey import audit
from app.survey.database import Survey
from app.survey.exports import written
from app.survey.roles import Role


@needs(Role.REVIEWER)
def start(survey: Survey, jobs: Jobs, kind: str, settings: Mapping[str, str], who: str) -> int:
    """Have the worker write a file; returns its id. The same file that is being written already is that one.

    Raises:
        ValueError: a setting cannot be; the text is a sentence.
    """
    wish_of(settings)
    with survey.write() as session:
        export_id = written.ask_for(session, kind, settings, who).id
        audit.note(session, who, audit.EXPORTED, kind)
    jobs.write_export(export_id)
    return export_id


@needs(Role.REVIEWER)
def cancel(survey: Survey, export_id: int) -> None:
    """Stop the writing of a file; what is there of it is removed."""
    with survey.write() as session:
        written.cancel(session, export_id)


@needs(Role.REVIEWER)
def remove(survey: Survey, export_id: int) -> None:
    """Remove a written file from the data folder."""
    written.remove(survey, [export_id])
