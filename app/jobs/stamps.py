"""The job that reads the bars of pictures in idle time: a few media at a time, none while an import is under way."""

from __future__ import annotations

import sqlalchemy as sa
from dbos import DBOS
from sqlalchemy.orm import Session

from app.analysis import stamps as analysis
from app.jobs.current import current, read_survey
from app.jobs.queue import Due, Rest
from app.jobs.steps import step
from app.survey.media import imports, stamps
from app.survey.tables.media import Media
from app.survey.tables.stamps import StampReading

AT_ONCE = 4
SLICE = 200


@DBOS.workflow(name="read_stamps")
async def read_stamps() -> None:
    """Read a slice of the media that are due; ends early when an import begins."""
    done = 0
    while done < SLICE and (media_ids := await next_media()):
        await read_some(media_ids, DBOS.workflow_id or "")
        done += len(media_ids)


@step()
async def next_media() -> list[int]:
    """The next media to read; none while an import waits or runs."""
    return await read_survey(_next_media)


@step(preemptible=True)
async def read_some(media_ids: list[int], job: str) -> None:
    """Read these media."""
    now = current()
    await analysis.read_media(now.context, media_ids, job, now.bulk)


class Lookout:
    """Says when a slice is due. Counts only when the survey has changed since it last did."""

    def __init__(self) -> None:
        self._seen: tuple[object, ...] = ()
        self._due: list[Due] = []
        self._rest = Rest()

    def due(self, session: Session) -> list[Due]:
        """The slice that is due, named after the state it is for; none while an import is under way."""
        if imports.any_open(session):
            return []
        newest = session.scalar(sa.select(sa.func.max(Media.id))) or 0
        read = session.scalar(sa.select(sa.func.count()).select_from(StampReading)) or 0
        if (newest, read) != self._seen and self._rest.over():
            with self._rest.after():
                waiting = stamps.lacking(session, 1)
            self._due, self._seen = [Due(f"stamps-{newest}-{read}", ())] if waiting else [], (newest, read)
        return self._due


def _next_media(session: Session) -> list[int]:
    return [] if imports.any_open(session) else stamps.lacking(session, AT_ONCE)
