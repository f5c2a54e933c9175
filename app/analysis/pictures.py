"""Pictures that are stored and listed: find the animals in them, describe their crops, write everything down.

What a model answers is written in one transaction. Every function may be run again: what is done is passed over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.analysis.calls import Answer, Lane, Request, ask
from app.analysis.context import Context
from app.analysis.crops import Crop, describe
from app.analysis.digest import digest
from app.analysis.parts import first_part
from app.analysis.video_crops import crops_at
from app.ingest.picture import decode
from app.ingest.refusals import Refused
from app.survey.detections import results
from app.survey.detections.boxes import BoxView, boxes, boxes_of, over_threshold, rescore
from app.survey.media import claims
from app.survey.tables.detections import ModelVersion
from app.survey.tables.media import OPEN_STAGES, ListedFile, Media, Stage
from modal_backend.contracts import Category, Failure, Picture
from modal_backend.contracts import Detection as Found
from modal_backend.models.detectors.prepare import prepare, threshold
from modal_backend.registry import Task
from modal_backend.remote import wire

log = logging.getLogger("pugmark.worker")
CROPS_A_PICTURE = 20

_IMAGES = Media.kind == "image"


async def analyse(context: Context, media_ids: list[int], job: str, lane: Lane) -> None:
    """Detect and describe those of a batch of stored pictures that no other job is at work on.

    job: see `calls.ask`. Raises BackendError.
    """
    mine = await asyncio.to_thread(_claimed, context, media_ids, job)
    await _detect(context, mine, job, lane)
    models = (await asyncio.to_thread(context.choose)).describing
    await describe(context, lambda: crops_of_media(context, mine), models, job, lane)
    await asyncio.to_thread(_finish, context, mine)


async def describe_boxes(
    context: Context, detection_ids: Sequence[int], job: str | None, lane: Lane, models: Sequence[str] = ()
) -> None:
    """Describe these boxes as they stand now, whatever their confidence.

    Args:
        detection_ids: ids of the boxes.
        job: see `calls.ask`.
        models: names of the models to ask; without any, all that are in use.

    Raises:
        BackendError, or Refused and OSError where a stored media cannot be read any more.
    """
    asked = models or (await asyncio.to_thread(context.choose)).describing
    await describe(context, lambda: crops_of_boxes(context, detection_ids), asked, job, lane)


def unfinished(session: Session, import_id: int) -> list[int]:
    """Ids of the import's pictures that still have to be detected or described."""
    open_stages = sa.and_(_IMAGES, Media.stage.in_(OPEN_STAGES))
    rows = sa.select(Media.id).join(ListedFile).where(ListedFile.import_id == import_id, open_stages).distinct()
    return sorted(session.scalars(rows))


def fail(context: Context, media_ids: list[int], reason: str, job: str) -> None:
    """Mark those of these media that this job has taken and not finished as failed."""
    with context.survey.write() as session:
        mine = claims.claim(session, media_ids, job)
        claims.release(session, mine)
        open_ones = sa.and_(Media.id.in_(mine), Media.stage.in_(OPEN_STAGES))
        session.execute(sa.update(Media).where(open_ones).values(stage=Stage.FAILED, failure=reason))


def crops_of_boxes(context: Context, detection_ids: Sequence[int]) -> list[Crop]:
    """The crops of these boxes as they stand now, whatever their confidence."""
    with context.survey.read() as session:
        by_media: dict[int, list[BoxView]] = {}
        for box in boxes(session, detection_ids).values():
            by_media.setdefault(box.media_id, []).append(box)
        rows = list(session.scalars(sa.select(Media).where(Media.id.in_(by_media))))
    of_videos = [box.id for media in rows if media.kind == "video" for box in by_media[media.id]]
    of_pictures = [
        crop for media in rows if media.kind == "image" for crop in _stored_crops(context, media, by_media[media.id])
    ]
    return of_pictures + (crops_at(context, of_videos) if of_videos else [])


def crops_of_media(context: Context, media_ids: list[int]) -> list[Crop]:
    """The animals of detected media that are worth describing."""
    with context.survey.read() as session:
        wanted = sa.and_(Media.id.in_(media_ids), Media.stage == Stage.DETECTED)
        rows = list(session.scalars(sa.select(Media).where(wanted).order_by(Media.id)))
        found = boxes_of(session, [media.id for media in rows])
        counted = over_threshold(session, found)
    return [
        crop
        for media in rows
        for crop in _stored_crops(context, media, [box for box in found[media.id] if box.id in counted or box.touched])
    ]


def _claimed(context: Context, media_ids: list[int], job: str) -> list[int]:
    with context.survey.write() as session:
        return claims.claim(session, media_ids, job)


async def _detect(context: Context, media_ids: list[int], job: str, lane: Lane) -> None:
    detector = (await asyncio.to_thread(context.choose)).detector

    left = set(media_ids)

    def make() -> Request:
        waiting = _waiting_pictures(context, left, job)
        prepared = ((media_id, prepare(detector, picture)) for media_id, picture in waiting)
        part = first_part(context, job, [detector], prepared, lambda item: wire.estimate(item[1], detector))
        ids = [media_id for media_id, _ in part]
        return Request(ids, digest(ids), [value for _, value in part])

    while left:
        detected, answers = await ask(context, job, [detector], make, lane)
        for answer in answers:
            await asyncio.to_thread(_keep, context, detected, answer)
        left -= set(detected)
        if not answers:
            break


def _waiting_pictures(context: Context, left: set[int], job: str) -> Iterator[tuple[int, Picture]]:
    """The pictures of those of these media that have no detector's answer yet, by id.

    Those that cannot be read have failed and are left no more.
    """
    waiting = sa.and_(Media.id.in_(left), Media.stage.in_([Stage.STORED, Stage.FAILED]))
    with context.survey.read() as session:
        rows = list(session.scalars(sa.select(Media).where(waiting).order_by(Media.id)))
    for media in rows:
        try:
            picture = _stored_picture(context, media)
        except (Refused, OSError) as error:  # which the survey lists with its media
            log.debug("The picture %s cannot be read: %s", media.id, error)
            fail(context, [media.id], f"The stored file cannot be read: {error}", job)
            left.discard(media.id)
            continue
        yield media.id, picture


def _keep(context: Context, media_ids: list[int], answer: Answer) -> None:
    """Write a detector's answers for these media, in order."""
    provenance = answer.result.provenance
    with context.survey.write() as session:
        detector = results.model_version(session, Task.DETECT, provenance, threshold(provenance.model))
        for media_id, found in zip(media_ids, answer.result.values, strict=True):
            _keep_one(session, session.get_one(Media, media_id), detector, answer.call_id, found)
        session.flush()
        rescore(session, media_ids)


def _keep_one(
    session: Session, media: Media, detector: ModelVersion, call_id: int, found: list[Found] | Failure
) -> None:
    """Write a detector's answer, or that it failed, for one media."""
    media.attempts += 1
    if isinstance(found, Failure):
        media.stage, media.failure = Stage.FAILED, found.reason
        return
    media.stage, media.failure = Stage.DETECTED, None
    results.store_analysis(session, media.id, detector, call_id, found)


def _finish(context: Context, media_ids: list[int]) -> None:
    """Mark detected media as finished; their pictures are not needed any more."""
    mine = Media.id.in_(media_ids)
    with context.survey.write() as session:
        session.execute(sa.update(Media).where(mine, Media.stage == Stage.DETECTED).values(stage=Stage.READY))
        claims.release(session, media_ids)
        hashes = list(session.scalars(sa.select(Media.sha256).where(mine)))
    context.decoded.drop(hashes)


def _stored_crops(context: Context, media: Media, found: list[BoxView]) -> list[Crop]:
    """The animals among the boxes of a stored media."""
    wanted = [box for box in found if box.category == Category.ANIMAL and box.verdict != "rejected"]
    if not wanted:
        return []
    picture = _stored_picture(context, media)
    path = context.path_of(media)
    return [Crop(box.id, path, box.box, picture, media.width) for box in wanted[:CROPS_A_PICTURE]]


def _stored_picture(context: Context, media: Media) -> Picture:
    """A stored media as RGB, at a size that detectors and crops need."""
    known = context.decoded.get(media.sha256)
    if known is not None:
        return known
    return decode(context.path_of(media), at_least=context.choose().picture_side)
