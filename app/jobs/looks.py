"""The job that looks at the thumbnails of media that were taken in by a version which did not keep what it saw."""

from __future__ import annotations

import logging
from dataclasses import asdict

import sqlalchemy as sa
from dbos import DBOS
from sqlalchemy.orm import Session

from app import files
from app.ingest.look import look_of
from app.jobs.current import current
from app.jobs.queue import Due
from app.jobs.steps import step
from app.storage import shared
from app.survey.database import Survey
from app.survey.media import imports, looks
from app.survey.tables.media import Media, MediaLook

log = logging.getLogger("pugmark.worker")


@DBOS.workflow(name="look_at_thumbs")
def look_at_thumbs() -> None:
    """Look at all that lack it, a slice at a time."""
    last = 0
    while (then := look_at_some(last)) > last:
        last = then
    report_unreadable()


@step()
def look_at_some(after: int) -> int:
    """Look at the next thumbnails; returns the id of the last media, or `after` at the end."""
    return _look_at_some(current().context.survey, after)


@step()
def report_unreadable() -> None:
    """Say in one line how many thumbnails could not be looked at."""
    _report_unreadable(current().context.survey)


def due(session: Session) -> list[Due]:
    """The job, once for each number of media that lack it, while no import is under way."""
    if imports.any_open(session):
        return []
    newest = session.scalar(sa.select(sa.func.max(Media.id))) or 0
    missing = newest and not session.scalar(sa.select(MediaLook.media_id).where(MediaLook.media_id == newest))
    first = next(iter(looks.lacking(session)), 0) if missing else 0
    return [Due(f"looks-{first}-{newest}", ())] if first else []


def _look_at_some(survey: Survey, after: int) -> int:
    with survey.read() as session:
        missing = looks.lacking(session, after)
    found = {}
    for media_id, sha256 in missing.items():
        try:
            found[media_id] = look_of(
                shared.here(survey.data_dir, files.thumb_path(survey.data_dir, sha256)).read_bytes()
            )
        except (OSError, ValueError) as error:
            log.debug("The thumbnail of media %s cannot be read: %s", media_id, error)
    with survey.write() as session:
        for media_id, look in found.items():
            looks.put(session, media_id, **asdict(look))
    return max(missing, default=after)


def _report_unreadable(survey: Survey) -> None:
    with survey.read() as session:
        number = looks.count_lacking(session)
    if number:
        log.warning("%d thumbnails cannot be read. To make them again: python -m app check", number)
