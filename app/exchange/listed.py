"""The survey's media as files are written of them: a few hundred at a time, and the paths they came in under."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.tables.deployments import Deployment
from app.survey.tables.detections import MediaReview
from app.survey.tables.media import ImportBatch, ListedFile, Media

AT_ONCE = 500


def media_in_parts(session: Session, *where: sa.ColumnElement[bool], size: int = AT_ONCE) -> Iterator[list[Media]]:
    """These media by their ids, some at a time; the session forgets each part when the next one is asked for."""
    last, wanted = 0, sa.select(Media).where(*where).order_by(Media.id).limit(size)
    while part := list(session.scalars(wanted.where(Media.id > last))):
        last = part[-1].id
        yield part
        session.expunge_all()


def media_paths(session: Session, media_ids: Collection[int], repeated: Collection[str] = ()) -> dict[int, str]:
    """The path each media was listed under first. repeated: paths that get the label of their import in front."""
    found: dict[int, str] = {}
    for chunk in slices(sorted(media_ids)):
        rows = session.execute(
            sa.select(ListedFile.media_id, ListedFile.path, ImportBatch.label)
            .join(ImportBatch, ImportBatch.id == ListedFile.import_id)
            .where(ListedFile.media_id.in_(chunk))
            .order_by(ListedFile.id)
        )
        for media_id, path, label in rows:
            if media_id is not None:
                found.setdefault(media_id, f"{label}/{path}" if path in repeated else path)
    return found


def repeated_paths(session: Session) -> set[str]:
    """Paths that more than one import lists."""
    if (session.scalar(sa.select(sa.func.count(ImportBatch.id))) or 0) < 2:
        return set()
    paths = session.scalars(sa.select(ListedFile.path).order_by(ListedFile.path))
    return {path for path, group in groupby(paths) if sum(1 for _ in group) > 1}


def blank_among(session: Session, media_ids: Collection[int]) -> set[int]:
    """Those of these media that people said to be blank."""
    blank = (MediaReview.media_id.in_(media_ids), MediaReview.verdict == "blank")
    return set(session.scalars(sa.select(MediaReview.media_id).where(*blank)))


def station_of_each(session: Session) -> dict[int, str]:
    """The station of each deployment."""
    return {row.id: row.station for row in session.execute(sa.select(Deployment.id, Deployment.station))}


def left_out(session: Session, reasons: Mapping[str, sa.ColumnElement[bool]]) -> tuple[str, ...]:
    """How many media each of these conditions leaves out of a file, in words; nothing where it leaves out none."""
    counts = {text: session.scalar(sa.select(sa.func.count(Media.id)).where(why)) for text, why in reasons.items()}
    return tuple(f"{text}: {count:,}" for text, count in counts.items() if count)
