"""Videos: what was looked at, the tracklets found, the summary, and the count as a person corrected it."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.tables.detections import Detection
from app.survey.tables.videos import FrameDetection, TrackletRow, Video, VideoRunRow
from app.survey.videos.counts import count_of
from app.survey.videos.runs import counting_run, facts_of
from modal_backend.contracts import Category, FrameBox, Side, Source, Tracklet
from modal_backend.models.video.summary import Count, Sentence, VideoSummary


def put_video(session: Session, media_id: int, **values: Any) -> Video:
    """Write the video's row, or change it. values: the columns of Video."""
    row = session.get(Video, media_id)
    if row is None:
        row = Video(media_id=media_id, **values)
        session.add(row)
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()
    return row


def put_tracklet(
    session: Session, media_id: int, tracklet: Tracklet, detection_ids: Sequence[int], run_id: int | None = None
) -> TrackletRow:
    """Write a tracklet of a run.

    Args:
        detection_ids: those of its boxes, in order.
    """
    row = TrackletRow(
        media_id=media_id,
        run_id=run_id,
        category=str(tracklet.category),
        confidence=tracklet.confidence,
        source=str(tracklet.source),
        spans=[list(span) for span in tracklet.spans],
        entry=str(tracklet.entry) if tracklet.entry else None,
        exit=str(tracklet.exit) if tracklet.exit else None,
        moving=tracklet.moving,
        counted=tracklet.counted,
        note=tracklet.note,
    )
    session.add(row)
    session.flush()
    for detection_id, box in zip(detection_ids, tracklet.boxes, strict=True):
        session.add(
            FrameDetection(
                detection_id=detection_id,
                tracklet_id=row.id,
                frame_number=box.index,
                second=box.second,
                marked=box.confidence is not None,
                confidence=box.confidence,
                quality=box.quality,
            )
        )
    session.flush()
    return row


def summary_of(session: Session, media_id: int) -> VideoSummary | None:
    """The video in words, with the count as it stands; None for an image or a video that is not summarised yet."""
    run, count = counting_run(session, media_id), count_of(session, media_id)
    if run is None or count is None:
        return None
    facts = facts_of(run)
    counts = {category: Count() for category in Category}
    counts[Category.ANIMAL] = Count(count.computed, low=run.distinct_low or 0, high=run.distinct_high or 0)
    counts.update({Category(name): Count(*values) for name, values in facts.counts.items()})
    return VideoSummary(
        animals=count.animals,
        counts=counts,
        sentences=tuple(_sentence(row) for row in facts.sentences),
        uncertainty=tuple(_sentence(row) for row in facts.uncertainty),
        tracklets=tuple(tracklet for _, tracklet in tracklets_of(session, media_id)),
    )


def tracklets_of(session: Session, media_id: int, run_id: int | None = None) -> list[tuple[TrackletRow, Tracklet]]:
    """The tracklets of a video's run in the order of appearance, with their rows; boxes as people corrected them.

    Args:
        run_id: the run that counts when None.
    """
    from app.survey.detections.boxes import boxes

    video = session.get(Video, media_id)
    wanted = run_id if run_id is not None else video.run_id if video is not None else None
    mine = sa.and_(TrackletRow.media_id == media_id, TrackletRow.run_id.is_not_distinct_from(wanted))
    rows = list(session.scalars(sa.select(TrackletRow).where(mine).order_by(TrackletRow.id)))
    frames: dict[int, list[FrameDetection]] = {row.id: [] for row in rows}
    for frame in session.scalars(
        sa.select(FrameDetection).where(FrameDetection.tracklet_id.in_(frames)).order_by(FrameDetection.frame_number)
    ):
        frames[frame.tracklet_id or 0].append(frame)
    views = boxes(session, [frame.detection_id for some in frames.values() for frame in some])
    return [(row, _tracklet(row, frames[row.id], views)) for row in rows]


def without_query(session: Session, media_id: int) -> list[int]:
    """Ids of the animal tracklets of a video, of any run, that count and have no query yet."""
    animals = sa.and_(TrackletRow.category == Category.ANIMAL, TrackletRow.counted)
    mine = sa.and_(TrackletRow.media_id == media_id, animals)
    return list(session.scalars(sa.select(TrackletRow.id).where(mine, TrackletRow.query_id.is_(None))))


def set_aside() -> sa.Select[Any]:
    """Queries of tracklets that do not count, because another run of their video does."""
    other = sa.and_(TrackletRow.query_id.is_not(None), TrackletRow.run_id != Video.run_id)
    return sa.select(TrackletRow.query_id).join(Video, Video.media_id == TrackletRow.media_id).where(other)


def detections_of(session: Session, tracklet_id: int) -> list[FrameDetection]:
    """A tracklet's detections, best seen first."""
    rows = sa.select(FrameDetection).where(FrameDetection.tracklet_id == tracklet_id)
    return list(session.scalars(rows.order_by(FrameDetection.quality.desc(), FrameDetection.frame_number)))


def frames_of(session: Session, detection_ids: Collection[int]) -> dict[int, FrameDetection]:
    """On which frame these detections are; images' detections are not in it."""
    found: dict[int, FrameDetection] = {}
    for some in slices(sorted(detection_ids)):
        rows = sa.select(FrameDetection).where(FrameDetection.detection_id.in_(some))
        found.update({row.detection_id: row for row in session.scalars(rows)})
    return found


def on_other_frames(session: Session, media_id: int) -> set[int]:
    """The boxes of a video that are not on the frame that stands for it; none of an image."""
    video = session.get(Video, media_id)
    if video is None:
        return set()
    mine = sa.select(FrameDetection.detection_id).join(Detection, Detection.id == FrameDetection.detection_id)
    return set(
        session.scalars(mine.where(Detection.media_id == media_id, FrameDetection.frame_number != video.key_frame))
    )


@dataclass(frozen=True, slots=True)
class VideoProgress:
    """How far the video under way is.

    Attributes:
        eta_seconds: None while it cannot be told.
    """

    media_id: int
    share: float
    eta_seconds: float | None


def under_way(session: Session, now: float | None = None) -> list[VideoProgress]:
    """The videos being summarised."""
    now = now or time.time()
    rows = session.execute(
        sa.select(VideoRunRow.media_id, VideoRunRow.progress, VideoRunRow.started_at).where(
            VideoRunRow.started_at.is_not(None),
            VideoRunRow.summarised_at.is_(None),
            VideoRunRow.failure.is_(None),
            VideoRunRow.asked_by.is_(None),
        )
    )
    out = []
    for row in rows:
        spent = now - row.started_at
        eta = spent * (1 - row.progress) / row.progress if row.progress > 0.02 else None
        out.append(VideoProgress(row.media_id, row.progress, eta))
    return out


def _sentence(values: list[Any]) -> Sentence:
    return Sentence(values[0], values[1], values[2], tuple(values[3]))


def as_rows(sentences: Sequence[Sentence]) -> list[Any]:
    """Sentences as they are stored."""
    return [
        [sentence.text, sentence.first_second, sentence.last_second, list(sentence.frames)] for sentence in sentences
    ]


def _tracklet(row: TrackletRow, frames: Sequence[FrameDetection], views: dict[int, Any]) -> Tracklet:
    return Tracklet(
        category=Category(row.category),
        confidence=row.confidence,
        source=Source(row.source),
        spans=tuple((span[0], span[1]) for span in row.spans),
        boxes=tuple(
            FrameBox(frame.frame_number, frame.second, views[frame.detection_id].box, frame.confidence, frame.quality)
            for frame in frames
        ),
        entry=Side(row.entry) if row.entry else None,
        exit=Side(row.exit) if row.exit else None,
        moving=row.moving,
        counted=row.counted,
        note=row.note,
    )
