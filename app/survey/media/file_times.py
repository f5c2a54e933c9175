"""When the files of media without a time were last written: offered to a person, never taken by itself."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.tables.media import ImportBatch, ListedFile, Media, Outcome
from app.survey.tables.stamps import MediaTime


def file_times(session: Session, deployment_id: int) -> dict[int, datetime]:
    """The time of the file of each media of a deployment that has none, in the local time of this computer.

    A browser's upload and a zip do not keep the time of a file.
    """
    rows = session.execute(
        sa.select(Media.id, sa.func.min(ListedFile.modified))
        .join(ListedFile, ListedFile.media_id == Media.id)
        .join(ImportBatch, ImportBatch.id == ListedFile.import_id)
        .outerjoin(MediaTime, MediaTime.media_id == Media.id)
        .where(
            Media.deployment_id == deployment_id,
            Media.recorded_at.is_(None),
            MediaTime.media_id.is_(None),
            ListedFile.outcome == Outcome.NEW,
            ListedFile.modified.is_not(None),
            ImportBatch.kind.in_(["folder", "file"]),
            ~ListedFile.path.ilike("%.zip/%"),
        )
        .group_by(Media.id)
    )
    return {row[0]: datetime.fromtimestamp((row[1] or 0) // 1_000_000_000) for row in rows}
