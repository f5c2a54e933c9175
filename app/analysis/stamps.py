"""Read what the bars of stored pictures say, and write it down."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import sqlalchemy as sa

from app.analysis.calls import Answer, Lane, Request, ask
from app.analysis.context import Context
from app.analysis.digest import digest
from app.ingest.picture import decode
from app.ingest.refusals import Refusal, Refused
from app.survey.detections import results
from app.survey.tables.media import Media
from app.survey.tables.stamps import StampReading
from modal_backend.contracts import Failure
from modal_backend.models.stamps.bar import BarStrips
from modal_backend.models.stamps.grammar import VERSION, Stamp, read_stamp
from modal_backend.models.stamps.reader import strips_of
from modal_backend.registry import STAMPS, Task

# A larger JPEG is decoded at a half or a quarter: the letters of a bar are high enough.
SIDE = 1280


def bar_of(path: Path, kind: str) -> BarStrips:
    """The strips of an image, or of a video's first frame, in which a camera writes.

    Args:
        kind: image or video.

    Raises:
        Refused: nothing in the file can be decoded.
    """
    if kind == "image":
        return strips_of(decode(path, at_least=SIDE))
    from app.video.reading.decode import frames_at
    from app.video.reading.probe import VideoError

    try:
        frames = frames_at(path, [0.0])
    except VideoError as error:
        raise Refused(Refusal.DAMAGED, str(error)) from error
    if not frames:
        raise Refused(Refusal.DAMAGED, "no frame can be decoded")
    return strips_of(frames[0.0])


async def read_media(context: Context, media_ids: Sequence[int], job: str, lane: Lane) -> None:
    """Read the bars of these media and write down what they say. job, lane: see `calls.ask`. Raises BackendError."""

    def make() -> Request:
        ids, strips = _strips(context, media_ids)
        return Request(ids, digest(list(ids)), strips)

    ids, answers = await ask(context, job, [STAMPS], make, lane)
    for answer in answers:
        await asyncio.to_thread(_store, context, ids, answer)


def _strips(context: Context, media_ids: Sequence[int]) -> tuple[list[int], list[BarStrips]]:
    """The strips of the media that can be read; why the others cannot is written down."""
    with context.survey.read() as session:
        rows = session.scalars(sa.select(Media).where(Media.id.in_(media_ids)).order_by(Media.id)).all()
    found: dict[int, BarStrips] = {}
    failed: dict[int, str] = {}
    for media in rows:
        try:
            found[media.id] = bar_of(context.path_of(media), media.kind)
        except (Refused, OSError) as error:
            failed[media.id] = str(error)
    with context.survey.write() as session:
        for media_id, reason in failed.items():
            session.merge(StampReading(media_id=media_id, grammar=VERSION, failure=reason[:500]))
    return list(found), list(found.values())


def _store(context: Context, media_ids: Sequence[int], answer: Answer) -> None:
    with context.survey.write() as session:
        version = results.model_version(session, Task.READ, answer.result.provenance)
        for media_id, value in zip(media_ids, answer.result.values, strict=True):
            row = StampReading(media_id=media_id, grammar=VERSION, model_version_id=version.id, call_id=answer.call_id)
            if isinstance(value, Failure):
                row.failure = value.reason[:500]
            else:
                _fill(row, read_stamp(value.lines, date.today()))
                row.lines = [[line.text, line.score, line.again] for line in value.lines]
            session.merge(row)


def _fill(row: StampReading, stamp: Stamp) -> None:
    row.dates = {order: day.isoformat() for order, day in stamp.dates.items()}
    row.time = stamp.time.isoformat() if stamp.time else None
    row.celsius, row.label, row.burst = stamp.celsius, stamp.label, list(stamp.burst or ())
    row.form, row.text, row.doubts = stamp.form, stamp.text, list(stamp.doubts)
    box = stamp.box
    row.box = [round(value, 4) for value in (box.x, box.y, box.width, box.height)] if box else []
