"""One pass over the files of an import: take in, find animals, describe their crops, write everything down.

Files are read and checked in threads, a few ahead, while the network works on the batch before. Each batch is one
transaction, so that a process killed in the middle has either all of a media or nothing of it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.analysis.context import Workshop
from app.analysis.crops import Crop, describe_crops
from app.analysis.new_media import Read, media_row
from app.analysis.video_crops import crops_at
from app.ingest.formats import Format
from app.ingest.intake import PICTURE_SIDE, take_in
from app.ingest.picture import decode
from app.ingest.refusals import Refused, RefusedFile
from app.ingest.source import SourceFile
from app.survey.detections import results
from app.survey.detections.boxes import BoxView, boxes, boxes_of, rescore
from app.survey.media import imports
from app.survey.tables.detections import ModelVersion
from app.survey.tables.media import ImportBatch, ListedFile, Media, Outcome, Stage
from modal_backend.contracts import Category, Failure, Picture, Provenance
from modal_backend.contracts import Detection as Found
from modal_backend.models.detectors.prepare import prepare, threshold
from modal_backend.registry import Task

BATCH = 8
AHEAD = 3 * BATCH
CROPS_A_PICTURE = 20

_PICTURES = Media.kind == "image"

T = TypeVar("T")


def take_in_all(shop: Workshop, import_id: int, files: Iterable[SourceFile | RefusedFile]) -> None:
    """Bring every listed file of an import to its end: ready, refused with a reason, or failed with one."""
    detector = shop.choose().detector
    shop.load(detector)
    reads = ahead(shop, lambda file: read_file(shop, file, detector), unsettled(shop, import_id, files))
    for batch in batches(reads):
        process_batch(shop, import_id, batch, detector)


def process_batch(shop: Workshop, import_id: int, reads: list[Read], model: str) -> None:
    """Detect with this model, describe and store one batch of files that were read for it."""
    queued_at = time.time()
    new = new_reads(shop, reads)
    pictures = [read for read in new.values() if read.taken and read.taken.clip is None]
    found, call_id, version = _detect(shop, model, pictures, queued_at)
    floor = threshold(model)
    with shop.survey.write() as session:
        detector = results.model_version(session, Task.DETECT, version, floor) if version else None
        batch = session.get_one(ImportBatch, import_id)
        crops: list[Crop] = []
        for read in new.values():
            if read.taken and read.taken.clip is not None:
                media_row(session, batch, read)  # clips are summarised later, one by one
        for read, answer in zip(pictures, found, strict=True):
            assert detector is not None
            media = media_row(session, batch, read)
            ids = keep_answer(session, media, detector, call_id, answer)
            if not isinstance(answer, Failure):
                crops += _worth_describing(read, media, ids, answer, floor)
        for read in reads:
            list_read(session, batch, read, new)
        session.flush()
        rescore(session, ids_of(session, new))
    describe_crops(shop, crops, queued_at)
    with shop.survey.write() as session:
        mark_ready(session, ids_of(session, new))


def new_reads(shop: Workshop, reads: list[Read]) -> dict[str, Read]:
    """The files whose content has not been analysed yet, each content once, by hash."""
    with shop.survey.read() as session:
        done = _finished_media(session, {read.taken.sha256 for read in reads if read.taken})
    new: dict[str, Read] = {}
    for read in reads:
        if read.taken and read.taken.sha256 not in done:
            new.setdefault(read.taken.sha256, read)
    return new


def crops_of_boxes(shop: Workshop, detection_ids: list[int]) -> list[Crop]:
    """The crops of these boxes as they stand now, whatever their confidence."""
    with shop.survey.read() as session:
        by_media: dict[int, list[BoxView]] = {}
        for box in boxes(session, detection_ids).values():
            by_media.setdefault(box.media_id, []).append(box)
        rows = list(session.scalars(sa.select(Media).where(Media.id.in_(by_media))))
    of_clips = [box.id for media in rows if media.kind == "video" for box in by_media[media.id]]
    of_pictures = [
        crop for media in rows if media.kind == "image" for crop in stored_crops(shop, media, by_media[media.id])
    ]
    return of_pictures + (crops_at(shop, of_clips) if of_clips else [])


def describe_pending(shop: Workshop) -> None:
    """Describe the crops of media whose boxes are known but whose crops are not (a pass was cut short)."""
    with shop.survey.read() as session:
        rows = list(
            session.scalars(sa.select(Media).where(_PICTURES, Media.stage == Stage.DETECTED).order_by(Media.id))
        )
        found = boxes_of(session, [media.id for media in rows], floor=threshold(shop.choose().detector))
    for group in batches(rows):
        describe_crops(shop, [crop for media in group for crop in stored_crops(shop, media, found[media.id])])
        with shop.survey.write() as session:
            mark_ready(session, [media.id for media in group])


def describe_boxes(shop: Workshop, detection_ids: list[int], models: Sequence[str] = ()) -> None:
    """Describe these boxes as they stand now, whatever their confidence; by all models in use unless some are named."""
    describe_crops(shop, crops_of_boxes(shop, detection_ids), models=models)


def retry_failed(shop: Workshop) -> None:
    """Detect and describe again every media whose analysis failed."""
    model = shop.choose().detector
    with shop.survey.read() as session:
        rows = list(session.scalars(sa.select(Media).where(_PICTURES, Media.stage == Stage.FAILED).order_by(Media.id)))
    for media in rows:
        result, call_id = shop.call(model, [prepare(model, stored_picture(shop, media))])
        with shop.survey.write() as session:
            detector = results.model_version(session, Task.DETECT, result.provenance, threshold(model))
            row = session.get_one(Media, media.id)
            keep_answer(session, row, detector, call_id, result.values[0])
            rescore(session, [media.id])
    describe_pending(shop)


def stored_crops(shop: Workshop, media: Media, found: list[BoxView]) -> list[Crop]:
    """The animals among the boxes of a stored media."""
    wanted = [box for box in found if box.category == Category.ANIMAL and box.verdict != "rejected"]
    if not wanted:
        return []
    kind = cast(Format, media.format)
    picture = stored_picture(shop, media)
    return [Crop(box.id, media.sha256, kind, box.box, picture, media.width) for box in wanted[:CROPS_A_PICTURE]]


def stored_picture(shop: Workshop, media: Media) -> Picture:
    """A stored media as RGB, decoded at a size that detectors and crops need."""
    return decode(shop.store.path_of(media.sha256, cast(Format, media.format)), at_least=shop.choose().picture_side)


def keep_answer(
    session: Session, media: Media, detector: ModelVersion, call_id: int | None, answer: list[Found] | Failure
) -> list[int]:
    """Write a detector's answer, or that it failed, for one media; returns the ids of its detections."""
    media.attempts += 1
    if isinstance(answer, Failure):
        media.stage, media.failure = Stage.FAILED, answer.reason
        return []
    media.stage, media.failure = Stage.DETECTED, None
    return results.store_analysis(session, media.id, detector, call_id, answer)


def _detect(
    shop: Workshop, model: str, reads: list[Read], queued_at: float
) -> tuple[list[list[Found] | Failure], int | None, Provenance | None]:
    if not reads:
        return [], None, None
    result, call_id = shop.call(model, [read.prepared for read in reads], queued_at)
    return result.values, call_id, result.provenance


def _worth_describing(read: Read, media: Media, ids: list[int], found: list[Found], threshold: float) -> list[Crop]:
    assert read.taken is not None
    wanted = [
        (detection_id, one)
        for detection_id, one in zip(ids, found, strict=False)
        if one.category == Category.ANIMAL and one.confidence >= threshold
    ]
    return [
        Crop(detection_id, media.sha256, read.taken.format, one.box, read.taken.picture, media.width)
        for detection_id, one in wanted[:CROPS_A_PICTURE]
    ]


def read_file(shop: Workshop, file: SourceFile | RefusedFile, detector: str | None) -> Read:
    """Take one file in, or say why not; with the input of a detector when it is to be used here."""
    if isinstance(file, RefusedFile):
        return Read(file.path, None, refused=file)
    try:
        side = shop.choose().picture_side if detector else PICTURE_SIDE
        taken = take_in(file, shop.store, shop.limits, at_least=side)
    except Refused as refused:
        return Read(file.path, file.bytes, refused=RefusedFile.of(file.path, refused))
    wanted = detector if taken.clip is None else None
    return Read(file.path, taken.bytes, taken, prepare(wanted, taken.picture) if wanted else None)


def unsettled(
    shop: Workshop, import_id: int, files: Iterable[SourceFile | RefusedFile]
) -> Iterator[SourceFile | RefusedFile]:
    """The files this import has not settled yet."""
    for group in batches(files, 500):
        with shop.survey.read() as session:
            known = imports.known_paths(session, import_id, [file.path for file in group])
        yield from (file for file in group if file.path not in known)


def _finished_media(session: Session, hashes: set[str]) -> set[str]:
    done = sa.select(Media.sha256).where(Media.sha256.in_(hashes), Media.stage.in_([Stage.READY, Stage.DETECTED]))
    return set(session.scalars(done))


def list_read(session: Session, batch: ImportBatch, read: Read, new: dict[str, Read]) -> None:
    """Write down what became of one file."""
    if read.refused:
        imports.list_file(
            session,
            batch.id,
            read.path,
            outcome=Outcome.REFUSED,
            refusal=str(read.refused.refusal),
            message=read.refused.message,
            bytes=read.bytes,
        )
        return
    assert read.taken is not None
    media_id = imports.media_by_hash(session, [read.taken.sha256])[read.taken.sha256]
    first = new.get(read.taken.sha256) is read and not _listed_elsewhere(session, media_id, batch.id, read.path)
    outcome = Outcome.NEW if first else Outcome.DUPLICATE
    imports.list_file(session, batch.id, read.path, media_id=media_id, outcome=outcome, bytes=read.bytes)


def _listed_elsewhere(session: Session, media_id: int, import_id: int, path: str) -> bool:
    other = sa.select(ListedFile.id).where(
        ListedFile.media_id == media_id, sa.or_(ListedFile.import_id != import_id, ListedFile.path != path)
    )
    return session.scalar(other.limit(1)) is not None


def ids_of(session: Session, new: dict[str, Read]) -> list[int]:
    """Ids of the media of these files."""
    return list(imports.media_by_hash(session, list(new)).values())


def mark_ready(session: Session, media_ids: list[int]) -> None:
    """Mark detected media as finished."""
    detected = sa.and_(Media.id.in_(media_ids), Media.stage == Stage.DETECTED)
    session.execute(sa.update(Media).where(detected).values(stage=Stage.READY))


def ahead(shop: Workshop, work: Callable[[Any], T], items: Iterable[Any]) -> Iterator[T]:
    """Results in order, with at most AHEAD items begun but not yet taken."""
    waiting: deque[Future[T]] = deque()
    for item in items:
        waiting.append(shop.readers.submit(work, item))
        if len(waiting) >= AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


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
