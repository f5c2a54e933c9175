"""A file after reading, and the row of the media it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.ingest.intake import Taken
from app.ingest.refusals import RefusedFile
from app.survey.media import imports
from app.survey.tables.media import ImportBatch, Media
from app.survey.videos import tracklets


@dataclass(slots=True)
class Read:
    """A file after reading: its facts and the detector's input, or why it was refused."""

    path: str
    bytes: int | None
    taken: Taken | None = None
    prepared: Any = None
    refused: RefusedFile | None = None


def media_row(session: Session, batch: ImportBatch, read: Read) -> Media:
    """The media of a file; made when it is new."""
    taken = read.taken
    assert taken is not None
    media = session.scalar(sa.select(Media).where(Media.sha256 == taken.sha256))
    if media is None:
        media = Media(
            sha256=taken.sha256,
            kind="video" if taken.clip else "image",
            format=taken.format,
            bytes=taken.bytes,
            width=taken.width,
            height=taken.height,
            taken_at=taken.taken_at,
            taken_at_source=taken.taken_at_source,
            utc_offset=taken.utc_offset,
            latitude=taken.latitude,
            longitude=taken.longitude,
            camera_make=taken.camera_make,
            camera_model=taken.camera_model,
            camera_serial=taken.camera_serial,
            synthetic=batch.synthetic,
            deployment_id=imports.deployment_for(session, batch, read.path),
        )
        session.add(media)
        session.flush()
        if taken.clip is not None:
            stated = taken.clip.facts
            tracklets.put_facts(
                session,
                media.id,
                duration=stated.duration or 0.0,
                frame_rate=stated.frame_rate or 0.0,
                frames=stated.frames,
                codec=stated.codec[:24],
                container=stated.container[:48],
            )
        imports.give_place(session, media.deployment_id, taken.latitude, taken.longitude)
    return media
