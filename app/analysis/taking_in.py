"""The files of an import: read and checked in threads, a few ahead, then stored and listed in batches.

A batch is one transaction, so a process killed in the middle has either all of a media or nothing of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.analysis.context import Context
from app.ingest.intake import Taken, take_in
from app.ingest.refusals import Refused, RefusedFile
from app.ingest.source import SourceFile
from app.survey.media import imports, looks, places
from app.survey.tables.media import LOOKED_AT, ImportBatch, ListedFile, Media, Outcome
from app.survey.videos import tracklets

BATCH = 8
FIRST_BATCHES = (2, 4)  # so that the first boxes are soon there
AHEAD = 3 * BATCH

T = TypeVar("T")


@dataclass(slots=True)
class Read:
    """A file after reading: its facts, or why it was refused."""

    path: str
    bytes: int | None
    modified: int | None = None
    taken: Taken | None = None
    refused: RefusedFile | None = None


def read_ahead(context: Context, import_id: int, files: Iterable[SourceFile | RefusedFile]) -> Iterator[list[Read]]:
    """The files of an import that are not settled yet, taken into the store, in batches."""
    side = context.choose().picture_side
    yield from growing_batches(
        _ahead(context, lambda file: _read(context, file, side), _unsettled(context, import_id, files))
    )


def list_batch(context: Context, import_id: int, reads: list[Read]) -> list[int]:
    """Store and list one batch of read files; returns the ids of the pictures to analyse."""
    new = _new_reads(context, reads)
    pictures = {sha256: read.taken for sha256, read in new.items() if read.taken and read.taken.video is None}
    for sha256, taken in pictures.items():
        context.decoded.keep(sha256, taken.picture)
    with context.survey.write() as session:
        batch = session.get_one(ImportBatch, import_id)
        for read in new.values():
            media_row(session, batch, read)
        for read in reads:
            _list(session, batch, read, new)
        session.flush()
        return sorted(imports.media_by_hash(session, list(pictures)).values())


def media_row(session: Session, batch: ImportBatch, read: Read) -> Media:
    """The media of a file; made when it is new."""
    taken = read.taken
    assert taken is not None
    media = session.scalar(sa.select(Media).where(Media.sha256 == taken.sha256))
    if media is not None:
        return media
    media = Media(
        sha256=taken.sha256,
        kind="video" if taken.video else "image",
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
        damage=taken.damage,
        synthetic=batch.synthetic,
        deployment_id=imports.deployment_for(session, batch, read.path),
    )
    session.add(media)
    session.flush()
    looks.put(session, media.id, **asdict(taken.look))
    if taken.video is not None:
        stated = taken.video.facts
        tracklets.put_video(
            session,
            media.id,
            duration=stated.duration or 0.0,
            frame_rate=stated.frame_rate or 0.0,
            frames=stated.frames,
            codec=stated.codec[:24],
            container=stated.container[:48],
        )
    places.give_place(session, media.deployment_id, taken.latitude, taken.longitude)
    return media


def growing_batches(items: Iterable[T]) -> Iterator[list[T]]:
    """The items in lists, the first ones short."""
    items = iter(items)
    for size in FIRST_BATCHES:
        if group := list(islice(items, size)):
            yield group
    yield from batches(items)


def batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """The items in lists of at most this size."""
    group: list[T] = []
    for item in items:
        group.append(item)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _read(context: Context, file: SourceFile | RefusedFile, side: int) -> Read:
    """Take one file in, or say why not. side: pixels of the long side that its picture keeps."""
    if isinstance(file, RefusedFile):
        return Read(file.path, None, refused=file)
    try:
        taken = take_in(file, context.store, context.limits, at_least=side)
    except Refused as refused:
        return Read(file.path, file.bytes, file.modified, refused=RefusedFile.of(file.path, refused))
    return Read(file.path, taken.bytes, file.modified, taken)


def _unsettled(
    context: Context, import_id: int, files: Iterable[SourceFile | RefusedFile]
) -> Iterator[SourceFile | RefusedFile]:
    """The files this import has not settled yet, and those that were replaced since."""
    for group in batches(files, 500):
        there = {file.path: (file.bytes, file.modified) for file in group if isinstance(file, SourceFile)}
        with context.survey.read() as session:
            known = imports.known_paths(session, import_id, there)
        yield from (file for file in group if file.path not in known)


def _ahead(context: Context, work: Callable[[Any], T], items: Iterable[Any]) -> Iterator[T]:
    """Results in order, with at most AHEAD items begun but not yet taken."""
    waiting: deque[Future[T]] = deque()
    for item in items:
        waiting.append(context.readers.submit(work, item))
        if len(waiting) >= AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _new_reads(context: Context, reads: list[Read]) -> dict[str, Read]:
    """The files whose content has not been analysed yet, each content once, by hash."""
    hashes = {read.taken.sha256 for read in reads if read.taken}
    finished = sa.select(Media.sha256).where(Media.sha256.in_(hashes), Media.stage.in_(LOOKED_AT))
    with context.survey.read() as session:
        done = set(session.scalars(finished))
    new: dict[str, Read] = {}
    for read in reads:
        if read.taken and read.taken.sha256 not in done:
            new.setdefault(read.taken.sha256, read)
    return new


def _list(session: Session, batch: ImportBatch, read: Read, new: dict[str, Read]) -> None:
    """Write down what became of one file."""
    if read.refused:
        imports.list_file(
            session,
            batch.id,
            read.path,
            outcome=Outcome.LEFT_OUT if read.refused.is_left_out else Outcome.REFUSED,
            refusal=str(read.refused.refusal),
            message=read.refused.message,
            bytes=read.bytes,
            modified=read.modified,
        )
        return
    assert read.taken is not None
    media_id = imports.media_by_hash(session, [read.taken.sha256])[read.taken.sha256]
    first = new.get(read.taken.sha256) is read and not _listed_elsewhere(session, media_id, batch.id, read.path)
    outcome = Outcome.NEW if first else Outcome.DUPLICATE
    imports.list_file(
        session, batch.id, read.path, media_id=media_id, outcome=outcome, bytes=read.bytes, modified=read.modified
    )


def _listed_elsewhere(session: Session, media_id: int, import_id: int, path: str) -> bool:
    other = sa.select(ListedFile.id).where(
        ListedFile.media_id == media_id, sa.or_(ListedFile.import_id != import_id, ListedFile.path != path)
    )
    return session.scalar(other.limit(1)) is not None
