"""Videos that are stored: summarise them one by one, and make each tracklet one query for Identify.

Every function may be run again: a video whose summary is stored is passed over, one whose crops are missing gets those.
A video that is summarised again, after the detector has changed, keeps its earlier runs as they are.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, replace

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.analysis.calls import Answer, call
from app.analysis.context import Context
from app.analysis.video_crops import describe_tracklets
from app.files import frame_path, view_path
from app.ingest.picture import thumbnail
from app.storage import shared
from app.survey.detections import results
from app.survey.detections.boxes import rescore
from app.survey.media import claims
from app.survey.tables.detections import ModelVersion
from app.survey.tables.media import OPEN_STAGES, ListedFile, Media, Stage
from app.survey.tables.videos import Video, VideoRunRow
from app.survey.videos import runs
from app.survey.videos import tracklets as videos
from app.video.reading.decode import frames_at
from app.video.reading.probe import VideoError
from app.video.summary.looks import DetectorFailed
from app.video.summary.summarise import SummarisedVideo, summarise_video
from modal_backend.contracts import Category, Failure, Picture, Provenance, Tracklet
from modal_backend.contracts import Detection as Found
from modal_backend.errors import BackendError
from modal_backend.models.detectors.prepare import prepare, threshold
from modal_backend.registry import Task

log = logging.getLogger("pugmark.videos")
REPORT_SECONDS = 1.0
SAME = "Detector, version and method are those of an earlier run, whose result stands."
FRAME_SIDE = 640
FRAME_QUALITY = 78
METHOD = "clip 11: detector on up to 64 frames and 40 enlarged parts, motion at 192 px and 10/s links"
UNDER = 0.96  # of the threshold
MOST_ATTEMPTS = 2
MOST_SHOWN = 300  # frames of a run that was brought in
SET_ASIDE = (
    "The program ended twice while it read this video, so it was set aside. Analyse the failed ones again to try it."
)


class Asked:
    """Asks the detector in use, and remembers the version that answered and the ledger's last call."""

    def __init__(self, context: Context, job: str | None) -> None:
        self.context, self.job, self.model = context, job, context.choose().detector
        self._answer: Answer | None = None

    def __call__(self, pictures: Sequence[Picture]) -> Sequence[list[Found] | Failure]:
        self._answer = call(self.context, self.job, self.model, [prepare(self.model, picture) for picture in pictures])
        return self._answer.result.values

    @property
    def found_by(self) -> Provenance:
        """Where the answers come from."""
        assert self._answer is not None
        return self._answer.result.provenance

    @property
    def call_id(self) -> int | None:
        """The ledger's id of the last call."""
        return self._answer.call_id if self._answer else None


def summarise_pending(context: Context, import_id: int | None = None, job: str | None = None) -> None:
    """Summarise every stored video that is not summarised yet, then describe its tracklets; not those of another job.

    Args:
        import_id: of this import only.
        job: see `calls.ask`.

    Raises:
        BackendError. What cannot be decoded has failed, with the reason.
    """
    for media_id in _pending(context, import_id):
        with context.survey.write() as session:
            mine = claims.claim(session, [media_id], job or "")
            stage = session.get_one(Media, media_id).stage
        if not mine:
            continue
        if stage == Stage.STORED:
            _summarise(context, media_id, job)
        show_and_describe(context, media_id, job)
        with context.survey.write() as session:
            claims.release(session, mine)


def summarise_again(context: Context, run_id: int, job: str | None = None) -> None:
    """Bring a run that a person asked for to its end; the video's file is decoded anew. Raises BackendError.

    Args:
        job: see `calls.ask`.
    """
    with context.survey.write() as session:
        run = session.get(VideoRunRow, run_id)
        if run is None:
            return
        ended = run.summarised_at is not None or run.failure is not None
        if not ended:
            run.started_at, run.progress = time.time(), 0.0
        media, video = session.get_one(Media, run.media_id), session.get_one(Video, run.media_id)
        facts = runs.facts_of(runs.counting_run(session, media.id))
        shows = next(((index, second) for index, second in facts.looked if index == video.key_frame), None)
    if not ended:
        _look_again(context, run_id, media, shows, job)
    _describe(context, media.id, job)


def show_and_describe(context: Context, media_id: int, job: str | None = None) -> None:
    """Write the frames that were looked at, where they lack, and describe tracklets. Raises BackendError, VideoError.

    Args:
        job: see `calls.ask`.
    """
    with context.survey.read() as session:
        media = session.get_one(Media, media_id)
        looked = runs.facts_of(runs.counting_run(session, media_id)).looked
    places = {second: frame_path(context.survey.data_dir, media.sha256, index) for index, second in looked}
    data_dir = context.survey.data_dir
    lacking = [second for second, place in places.items() if not shared.is_here(data_dir, place)][:MOST_SHOWN]
    found = frames_at(context.path_of(media), lacking) if lacking else {}
    for second, picture in found.items():
        shared.write_jpeg(data_dir, places[second], picture, FRAME_SIDE, FRAME_QUALITY)
    _describe(context, media_id, job)


def _pending(context: Context, import_id: int | None) -> list[int]:
    """Videos that are stored and not finished."""
    wanted = sa.select(Media.id).where(Media.kind == "video", Media.stage.in_(OPEN_STAGES))
    if import_id is not None:
        wanted = wanted.where(Media.id.in_(sa.select(ListedFile.media_id).where(ListedFile.import_id == import_id)))
    with context.survey.read() as session:
        return list(session.scalars(wanted.order_by(Media.id)))


def _summarise(context: Context, media_id: int, job: str | None) -> None:
    with context.survey.write() as session:
        media = session.get_one(Media, media_id)
        run = runs.open_run(session, media_id) or runs.begin(session, media_id, None)
        run.started_at, run.progress = time.time(), 0.0
        if media.attempts >= MOST_ATTEMPTS:
            _fail(session, media_id, run.id, SET_ASIDE)
            return
        media.attempts += 1  # kept where this process does not live to write down how it ended
    try:
        done, asked = _summary(context, media, job, None, _reporter(context, run.id))
    except (VideoError, DetectorFailed, MemoryError) as error:
        with context.survey.write() as session:
            _fail(session, media_id, run.id, f"The video could not be summarised: {error}.")
        return
    except (BackendError, OSError, SQLAlchemyError):  # nothing is wrong with the video
        with context.survey.write() as session:
            session.get_one(Media, media_id).attempts = 0
        raise
    with context.survey.write() as session:
        _store(session, session.get_one(VideoRunRow, run.id), done, asked)


def _fail(session: Session, media_id: int, run_id: int, reason: str) -> None:
    row = session.get_one(Media, media_id)
    row.stage, row.failure, row.attempts = Stage.FAILED, reason, 0
    runs.fail(session, run_id, reason)


def _look_again(context: Context, run_id: int, media: Media, shows: tuple[int, float] | None, job: str | None) -> None:
    try:
        done, asked = _summary(context, media, job, shows, _reporter(context, run_id))
    except (VideoError, DetectorFailed, MemoryError, OSError) as error:
        with context.survey.write() as session:
            runs.fail(session, run_id, f"The video could not be summarised again: {error}.")
        return
    with context.survey.write() as session:
        run = session.get_one(VideoRunRow, run_id)
        known = {version.id for _, version in runs.finished(session, run.media_id)}
        if _version_of(session, asked.found_by).id in known:
            runs.fail(session, run_id, SAME)
        else:
            _store(session, run, done, asked)


def _summary(
    context: Context,
    media: Media,
    job: str | None,
    shows: tuple[int, float] | None,
    report: Callable[[float], None],
) -> tuple[SummarisedVideo, Asked]:
    """Summarise a video with the detector in use, and write the frames it looked at."""
    asked = Asked(context, job)
    path = context.path_of(media)
    try:
        done = summarise_video(path, asked, shown_frame=shows, sure=threshold(asked.model), on_progress=report)
    except (VideoError, DetectorFailed, MemoryError, OSError, BackendError, SQLAlchemyError):
        raise
    except Exception as error:  # of a reader, met by a file that nobody has seen: it ends alone
        log.exception("The video %s could not be summarised", media.sha256)
        raise VideoError(f"{type(error).__name__}: {error}") from error
    _write_frames(context, media, done)
    return done, asked


def _describe(context: Context, media_id: int, job: str | None) -> None:
    with context.survey.read() as session:
        waits = session.get_one(Media, media_id).stage == Stage.DETECTED
    if waits:
        describe_tracklets(context, media_id, job)
        with context.survey.write() as session:
            session.get_one(Media, media_id).stage = Stage.READY


def _reporter(context: Context, run_id: int) -> Callable[[float], None]:
    """Writes down how far a run is, at most once a second."""
    written_at = time.monotonic()

    def report(share: float) -> None:
        nonlocal written_at
        if time.monotonic() - written_at >= REPORT_SECONDS:
            written_at = time.monotonic()
            with context.survey.write() as session:
                session.get_one(VideoRunRow, run_id).progress = round(share, 4)

    return report


def _version_of(session: Session, found_by: Provenance) -> ModelVersion:
    """The row of the detector, its version and the method that a run rests on."""
    with_method = replace(found_by, preprocessing=f"{METHOD}; {found_by.preprocessing}"[:255])
    return results.model_version(session, Task.DETECT, with_method, threshold(found_by.model))


def _store(session: Session, run: VideoRunRow, done: SummarisedVideo, asked: Asked) -> None:
    """Write the result of a run with its tracklets and their boxes, and let the right run of the video count."""
    media_id = run.media_id
    summary, tracklets, sure = done.summary, done.summary.tracklets, threshold(asked.model)
    boxes = [
        Found(tracklet.category, _standing(tracklet, sure), box.box) for tracklet in tracklets for box in tracklet.boxes
    ]
    version = _version_of(session, asked.found_by)
    ids = iter(results.store_analysis(session, media_id, version, asked.call_id, boxes))
    for tracklet in tracklets:
        videos.put_tracklet(session, media_id, tracklet, [next(ids) for _ in tracklet.boxes], run.id)
    played, seen = done.played, done.coverage
    videos.put_video(
        session,
        media_id,
        duration=round(played.duration, 3),
        frame_rate=round(1 / played.usual_step, 4),
        frames=played.frames,
        key_frame=done.key_frame,
    )
    facts = runs.RunFacts(
        lost=seen.lost,
        looked=[[index, round(second, 3)] for index, second in seen.sampled],
        compared=done.compared,
        unlooked=[[round(a, 3), round(b, 3)] for a, b in seen.unsampled],
        night=seen.night,
        carried=seen.carried,
        sentences=videos.as_rows(summary.sentences),
        uncertainty=videos.as_rows(summary.uncertainty),
        counts={str(category): list(astuple(count)) for category, count in summary.counts.items()},
    )
    runs.finish(session, run, version.id, summary.counts[Category.ANIMAL], bool(summary.unidentified), facts)
    row = session.get_one(Media, media_id)
    row.stage, row.failure, row.attempts = Stage.DETECTED, None, 0
    row.width, row.height = played.width, played.height
    session.flush()
    rescore(session, [media_id])


def _standing(tracklet: Tracklet, sure: float) -> float:
    """The confidence its boxes are stored with: at the detector's threshold or over it exactly where it counts."""
    if tracklet.counted:
        return max(tracklet.confidence, sure)
    return min(tracklet.confidence, UNDER * sure)


def _write_frames(context: Context, media: Media, done: SummarisedVideo) -> None:
    """The frames looked at as small pictures, and the key frame as thumbnail and large picture."""
    data_dir, sha256 = context.survey.data_dir, media.sha256
    for look in done.sampled:
        shared.write_jpeg(data_dir, frame_path(data_dir, sha256, look.index), look.picture, FRAME_SIDE, FRAME_QUALITY)
    key = next(look.picture for look in done.sampled if look.index == done.key_frame)
    shared.write_jpeg(data_dir, view_path(data_dir, sha256), key, max(key.shape), 85)
    context.store.replace_thumb(sha256, thumbnail(key))
