"""Clips that are stored: summarise them one by one, and make each tracklet one query for Identify.

Every function may be run again: a clip whose summary is stored is passed over, one whose crops are missing gets those.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.analysis.clip_calls import call
from app.analysis.context import Workshop
from app.analysis.video_crops import describe_tracklets
from app.files import frame_path, view_path, write_jpeg
from app.ingest.formats import Format
from app.ingest.picture import thumbnail
from app.survey.detections import results
from app.survey.detections.boxes import rescore
from app.survey.tables.detections import ModelVersion
from app.survey.tables.media import ListedFile, Media, Stage
from app.survey.tables.videos import ClipRunRow, Video
from app.survey.videos import runs
from app.survey.videos import tracklets as videos
from app.video.reading.probe import VideoError
from app.video.summary.summarise import DetectorFailed, SummarisedVideo, summarise_video
from modal_backend.contracts import Detection as Found
from modal_backend.contracts import Failure, Picture, Provenance
from modal_backend.models.detectors.prepare import prepare
from modal_backend.registry import Task

TELL_SECONDS = 1.0
FRAME_SIDE = 640
FRAME_QUALITY = 78
METHOD = "clip 3: motion at 192 px and 10/s, detector on up to 64 frames"


class Asked:
    """Asks the detector in use and remembers where the answers come from. job: the workflow it does so for."""

    def __init__(self, shop: Workshop, job: str | None = None) -> None:
        self.shop, self.job = shop, job
        self.provenance: Provenance | None = None
        self.call_id: int | None = None

    def __call__(self, pictures: Sequence[Picture]) -> Sequence[list[Found] | Failure]:
        model = self.shop.choose().detector
        prepared = [prepare(model, picture) for picture in pictures]
        result, self.call_id = call(self.shop, self.job, model, prepared, pictures)
        self.provenance = result.provenance
        return result.values


def summarise_pending(shop: Workshop, import_id: int | None = None, job: str | None = None) -> None:
    """Summarise every stored clip that is not summarised yet (of one import, or all), then describe its tracklets.

    job: the workflow that does it; run again, it collects the calls it has sent. Raises BackendError; what cannot be
    decoded has failed, with the reason.
    """
    for media_id in pending(shop, import_id):
        with shop.survey.read() as session:
            stage = session.get_one(Media, media_id).stage
        if stage == Stage.STORED:
            _summarise(shop, media_id, job)
        with shop.survey.read() as session:
            stage = session.get_one(Media, media_id).stage
        if stage == Stage.DETECTED:
            describe_tracklets(shop, media_id, job)
            with shop.survey.write() as session:
                session.get_one(Media, media_id).stage = Stage.READY


def pending(shop: Workshop, import_id: int | None = None) -> list[int]:
    """Clips that are stored and not finished."""
    wanted = sa.select(Media.id).where(Media.kind == "video", Media.stage.in_([Stage.STORED, Stage.DETECTED]))
    if import_id is not None:
        mine = sa.select(ListedFile.media_id).where(ListedFile.import_id == import_id)
        wanted = wanted.where(Media.id.in_(mine))
    with shop.survey.read() as session:
        return list(session.scalars(wanted.order_by(Media.id)))


def retry_failed(shop: Workshop) -> None:
    """Look again at every clip whose summary failed."""
    failed = sa.and_(Media.kind == "video", Media.stage == Stage.FAILED)
    summarised = Media.id.in_(sa.select(Video.media_id).where(Video.animals.is_not(None)))
    with shop.survey.write() as session:
        session.execute(sa.update(Media).where(failed, summarised).values(stage=Stage.DETECTED, failure=None))
        session.execute(sa.update(Media).where(failed).values(stage=Stage.STORED, failure=None))
    summarise_pending(shop)


def _summarise(shop: Workshop, media_id: int, job: str | None) -> None:
    with shop.survey.write() as session:
        media = session.get_one(Media, media_id)
        media.attempts += 1
        session.execute(
            sa.update(Video)
            .where(Video.media_id == media_id)
            .values(started_at=time.time(), progress=0.0, summarised_at=None)
        )
    asked = Asked(shop, job)
    path = shop.store.path_of(media.sha256, cast(Format, media.format))
    try:
        done = summarise_video(path, asked, on_progress=teller(shop, Video.media_id == media_id, Video))
    except (VideoError, DetectorFailed, MemoryError) as error:
        with shop.survey.write() as session:
            row = session.get_one(Media, media_id)
            row.stage, row.failure = Stage.FAILED, f"The clip could not be summarised: {error}."
            session.execute(sa.update(Video).where(Video.media_id == media_id).values(started_at=None))
        return
    write_frames(shop, media, done)
    assert asked.provenance is not None
    with shop.survey.write() as session:
        run = runs.begin(session, media_id, None)
        store(session, run, done, asked.provenance, asked.call_id)


def teller(
    shop: Workshop, which: sa.ColumnElement[bool], table: type[Video] | type[ClipRunRow]
) -> Callable[[float], None]:
    """Writes down how far a clip is, at most once a second, in this row of a table."""
    told = [time.monotonic()]

    def tell(share: float) -> None:
        if time.monotonic() - told[0] >= TELL_SECONDS:
            told[0] = time.monotonic()
            with shop.survey.write() as session:
                session.execute(sa.update(table).where(which).values(progress=round(share, 4)))

    return tell


def version_of(session: Session, found_by: Provenance) -> ModelVersion:
    """The row of the detector, its version and the method that a run rests on."""
    from modal_backend.models.detectors.pocket_detector import PocketDetector

    said = replace(found_by, preprocessing=f"{METHOD}; {found_by.preprocessing}"[:255])
    return results.model_version(session, Task.DETECT, said, PocketDetector.THRESHOLD)


def store(session: Session, run: ClipRunRow, done: SummarisedVideo, found_by: Provenance, call_id: int | None) -> None:
    """Write the result of a run with its tracklets and their boxes, and let the right run of the clip count."""
    media_id = run.media_id
    tracklets = done.summary.tracklets
    boxes = [
        Found(one.category, one.confidence if one.counted else box.confidence or one.confidence, box.box)
        for one in tracklets
        for box in one.boxes
    ]
    version = version_of(session, found_by)
    ids = iter(results.store_analysis(session, media_id, version, call_id, boxes))
    for one in tracklets:
        videos.put_tracklet(session, media_id, one, [next(ids) for _ in one.boxes], run.id)
    played, seen = done.played, done.coverage
    videos.put_facts(
        session,
        media_id,
        duration=round(played.duration, 3),
        frame_rate=round(1 / played.usual_step, 4),
        frames=played.frames,
        progress=1.0,
        key_frame=done.key_frame,
    )
    facts = {
        "lost": seen.lost,
        "looked": [[index, round(second, 3)] for index, second in seen.sampled],
        "compared": done.compared,
        "unlooked": [[round(a, 3), round(b, 3)] for a, b in seen.unsampled],
        "night": seen.night,
        "animals": done.summary.computed,
        "sentences": videos.as_rows(done.summary.sentences),
        "uncertainty": videos.as_rows(done.summary.uncertainty),
    }
    runs.finish(session, run, version.id, facts)
    row = session.get_one(Media, media_id)
    row.stage, row.failure = Stage.DETECTED, None
    row.width, row.height = played.width, played.height
    session.flush()
    rescore(session, [media_id])


def write_frames(shop: Workshop, media: Media, done: SummarisedVideo) -> None:
    """The frames looked at as small pictures, and the key frame as thumbnail and large picture."""
    data_dir: Path = shop.survey.data_dir
    for look in done.sampled:
        write_jpeg(frame_path(data_dir, media.sha256, look.index), look.picture, FRAME_SIDE, FRAME_QUALITY)
    key = next(look.picture for look in done.sampled if look.index == done.key_frame)
    write_jpeg(view_path(data_dir, media.sha256), key, max(key.shape), 85)
    shop.store.replace_thumb(media.sha256, thumbnail(key))
