"""A clip that is summarised again, after the detector or its version has changed; earlier runs stay as they are."""

from __future__ import annotations

import time
from typing import cast

from app.analysis.context import Workshop
from app.analysis.video_crops import describe_tracklets
from app.analysis.videos import Asked, store, teller, version_of, write_frames
from app.ingest.formats import Format
from app.survey.tables.media import Media, Stage
from app.survey.tables.videos import ClipRunRow, Video
from app.survey.videos import runs
from app.video.reading.probe import VideoError
from app.video.summary.summarise import DetectorFailed, SummarisedVideo, summarise_video
from modal_backend.contracts import Provenance

SAME = "Detector, version and method are those of an earlier run, whose result stands."


def summarise_again(shop: Workshop, run_id: int, job: str | None = None) -> None:
    """Bring a run to its end; may be called again. The clip's file is decoded anew. job: see clip_calls.call.

    Raises BackendError.
    """
    with shop.survey.write() as session:
        run = session.get(ClipRunRow, run_id)
        if run is None:
            return
        ended = run.summarised_at is not None or run.failure is not None
        if not ended:
            run.started_at, run.progress = time.time(), 0.0
        media, video = session.get_one(Media, run.media_id), session.get_one(Video, run.media_id)
        shows = next(((index, second) for index, second in video.looked if index == video.key_frame), None)
    if not ended:
        _look(shop, run_id, media, shows, job)
    _describe(shop, media.id, job)


def _look(shop: Workshop, run_id: int, media: Media, shows: tuple[int, float] | None, job: str | None) -> None:
    asked = Asked(shop, job)
    path = shop.store.path_of(media.sha256, cast(Format, media.format))
    try:
        on_progress = teller(shop, ClipRunRow.id == run_id, ClipRunRow)
        done = summarise_video(path, asked, shown_frame=shows, on_progress=on_progress)
    except (VideoError, DetectorFailed, MemoryError, OSError) as error:
        with shop.survey.write() as session:
            runs.fail(session, run_id, f"The clip could not be summarised again: {error}.")
        return
    assert asked.provenance is not None
    write_frames(shop, media, done)
    _keep(shop, run_id, done, asked.provenance, asked.call_id)


def _keep(shop: Workshop, run_id: int, done: SummarisedVideo, found_by: Provenance, call_id: int | None) -> None:
    with shop.survey.write() as session:
        run = session.get_one(ClipRunRow, run_id)
        version = version_of(session, found_by)
        known = {one.id for _, one in runs.finished(session, run.media_id)}
        if version.id in known:
            runs.fail(session, run_id, SAME)
        else:
            store(session, run, done, found_by, call_id)


def _describe(shop: Workshop, media_id: int, job: str | None) -> None:
    with shop.survey.read() as session:
        waits = session.get_one(Media, media_id).stage == Stage.DETECTED
    if waits:
        describe_tracklets(shop, media_id, job)
        with shop.survey.write() as session:
            session.get_one(Media, media_id).stage = Stage.READY
