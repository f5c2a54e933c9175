"""Which job is at work on which media, so that imports that overlap have each analysed once.

A claim counts as long as its job is under way; whoever waits for the media asks the queue and takes over what an ended
job has left.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.tables.media import ListedFile, Media, MediaClaim, Stage


def claim(session: Session, media_ids: Collection[int], job: str) -> list[int]:
    """Take those of these media that are not finished; returns the ids that are this job's now, in order."""
    mine = []
    for some in slices(sorted(media_ids)):
        unfinished = sa.select(Media.id).where(Media.id.in_(some), Media.stage != Stage.READY)
        rows = session.scalars(sa.select(MediaClaim).where(MediaClaim.media_id.in_(some)))
        held = {row.media_id: row.job for row in rows}
        for media_id in session.scalars(unfinished.order_by(Media.id)):
            if media_id not in held:
                session.add(MediaClaim(media_id=media_id, job=job))
            if held.get(media_id, job) == job:
                mine.append(media_id)
    session.flush()
    return mine


def release(session: Session, media_ids: Collection[int]) -> None:
    """These media are finished, or have failed."""
    for some in slices(sorted(media_ids)):
        session.execute(sa.delete(MediaClaim).where(MediaClaim.media_id.in_(some)))


def release_failed(session: Session) -> None:
    """Media that have failed are nobody's."""
    failed = sa.select(Media.id).where(Media.stage == Stage.FAILED)
    session.execute(sa.delete(MediaClaim).where(MediaClaim.media_id.in_(failed)))


def release_job(session: Session, job: str) -> None:
    """This job has ended, with whatever it had taken."""
    session.execute(sa.delete(MediaClaim).where(MediaClaim.job == job))


def jobs_at_work(session: Session, import_id: int | None = None) -> list[str]:
    """The jobs that have taken media and not finished them: of an import, or all."""
    jobs = sa.select(MediaClaim.job).distinct()
    if import_id is not None:
        mine = sa.select(ListedFile.media_id).where(ListedFile.import_id == import_id)
        jobs = jobs.where(MediaClaim.media_id.in_(mine))
    return sorted(session.scalars(jobs))
