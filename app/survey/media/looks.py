"""What each media looks like as a whole: which lack it, and how it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.tables.media import Media, MediaLook

SLICE = 500
LACKS_LOOK = ~sa.exists().where(MediaLook.media_id == Media.id)
INFRARED_COLOUR = 2.5  # `Look.colour`: 0 to 0.6 in infrared, 6 and more by day, in 120 pictures of 7 sources


def put(session: Session, media_id: int, **look: Any) -> None:
    """Write down what a media looks like, unless it is known. look: the fields of `app.ingest.look.Look`."""
    if session.get(MediaLook, media_id) is None:
        session.add(MediaLook(media_id=media_id, **look))


def mark(session: Session) -> str:
    """Changes with every media and every look."""
    media, seen = (session.scalar(sa.select(sa.func.max(column))) or 0 for column in (Media.id, MediaLook.media_id))
    waiting = session.scalar(sa.select(sa.func.count(MediaLook.media_id))) or 0
    return f"{media}-{seen}-{waiting}"


def lacking(session: Session, after: int = 0) -> Mapping[int, str]:
    """The next media without a look, with their hashes, by id."""
    next_ones = sa.select(Media.id, Media.sha256).where(Media.id > after, LACKS_LOOK).order_by(Media.id).limit(SLICE)
    return {row.id: row.sha256 for row in session.execute(next_ones)}


def count_lacking(session: Session) -> int:
    """How many media have no look."""
    return session.scalar(sa.select(sa.func.count(Media.id)).where(LACKS_LOOK)) or 0


def colours(session: Session, deployment_id: int) -> dict[int, float]:
    """How much colour the images of a deployment have, by media; see `Look.colour`."""
    rows = session.execute(
        sa.select(MediaLook.media_id, MediaLook.colour)
        .join(Media, Media.id == MediaLook.media_id)
        .where(Media.deployment_id == deployment_id, Media.kind == "image")
    )
    return {row.media_id: row.colour for row in rows}
