"""Videos as the Videos screen lists and shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.detections.boxes import BoxView, boxes_of
from app.survey.media.unsorted import first_path
from app.survey.tables.deployments import Deployment
from app.survey.tables.detections import MediaReview
from app.survey.tables.media import OPEN_STAGES, Media
from app.survey.tables.videos import TrackletRow, Video, VideoReview, VideoRunRow
from app.survey.videos.counts import AnimalCount, counts_of
from app.survey.videos.runs import RunFacts, counting_run, facts_of
from app.survey.videos.tracklets import frames_of, tracklets_of
from modal_backend.contracts import Tracklet

COUNTS_FROM = 0.2  # the lowest threshold of a detector: a video's boxes are stored over it where they count


@dataclass(frozen=True, slots=True)
class VideoView:
    """One video in a list.

    Attributes:
        count: as it stands; None before it is summarised.
        others: how many tracklets of the run that counts are people and vehicles, by category.
    """

    media_id: int
    sha256: str
    path: str
    taken_at: datetime | None
    taken_at_source: str | None
    deployment: str | None
    stage: str
    failure: str | None
    duration: float
    lost: str
    count: AnimalCount | None
    others: dict[str, int]


@dataclass(frozen=True, slots=True)
class OpenVideo:
    """One video with everything that is known of it. drawn: boxes that people drew, with the number of their frame."""

    view: VideoView
    video: Video
    facts: RunFacts
    width: int
    height: int
    tracklets: list[tuple[TrackletRow, Tracklet]]
    drawn: list[tuple[int, BoxView]]


class Show(StrEnum):
    """Which videos to list."""

    ALL = "All"
    ANIMALS = "Animals"
    UNIDENTIFIED = "Moving, unidentified"
    NOTHING = "Nothing"


def count(session: Session, show: Show = Show.ALL) -> int:
    """How many videos the survey has of this kind."""
    return session.scalar(sa.select(sa.func.count(Media.id)).where(*_shown(show))) or 0


def _shown(show: Show) -> list[sa.ColumnElement[bool]]:
    """Which media these videos are; what people said wins (see `counts`, which also rests on single boxes)."""
    where: list[sa.ColumnElement[bool]] = [Media.kind == "video"]
    if show == Show.ALL:
        return where
    run = sa.select(VideoRunRow.id).join(Video, Video.run_id == VideoRunRow.id).where(Video.media_id == Media.id)
    where.append(run.exists())
    if show == Show.ANIMALS:
        return [*where, Media.animal_score >= COUNTS_FROM]
    counted = sa.select(VideoReview.media_id).where(VideoReview.media_id == Media.id).exists()
    blank = sa.select(MediaReview.media_id).where(MediaReview.media_id == Media.id, MediaReview.verdict == "blank")
    moving = sa.and_(run.where(VideoRunRow.unidentified.is_(True)).exists(), ~counted, ~blank.exists())
    return [*where, Media.animal_score < COUNTS_FROM, moving if show == Show.UNIDENTIFIED else ~moving]


def waiting(session: Session) -> int:
    """How many videos are not summarised yet."""
    unfinished = sa.and_(Media.kind == "video", Media.stage.in_(OPEN_STAGES))
    return session.scalar(sa.select(sa.func.count(Media.id)).where(unfinished)) or 0


def page(session: Session, *, limit: int, offset: int = 0, show: Show = Show.ALL) -> list[VideoView]:
    """Videos of this kind by deployment and time."""
    ids = sa.select(Media.id).where(*_shown(show))
    ids = ids.order_by(Media.deployment_id, Media.taken_at, Media.id).limit(limit).offset(offset)
    return _views(session, list(session.scalars(ids)))


def opened(session: Session, media_id: int) -> OpenVideo | None:
    """One video; None for an image or a media that does not exist."""
    views, video = _views(session, [media_id]), session.get(Video, media_id)
    if not views or video is None:
        return None
    media = session.get_one(Media, media_id)
    facts = facts_of(counting_run(session, media_id))
    return OpenVideo(
        views[0], video, facts, media.width, media.height, tracklets_of(session, media_id), _drawn(session, video)
    )


def _drawn(session: Session, video: Video) -> list[tuple[int, BoxView]]:
    """The boxes that people drew on a video and that stand; without a frame they are on the one that stands for it."""
    views = [view for view in boxes_of(session, [video.media_id])[video.media_id] if view.drawn]
    on = frames_of(session, [view.id for view in views])
    return [
        (on[view.id].frame_number if view.id in on else video.key_frame, view)
        for view in views
        if view.verdict != "rejected"
    ]


def _views(session: Session, media_ids: Sequence[int]) -> list[VideoView]:
    rows = session.execute(
        sa.select(Media, Video, Deployment.name, VideoRunRow, first_path(Media.id))
        .join(Video, Video.media_id == Media.id)
        .outerjoin(Deployment, Deployment.id == Media.deployment_id)
        .outerjoin(VideoRunRow, VideoRunRow.id == Video.run_id)
        .where(Media.id.in_(media_ids))
    )
    found, counts, others = {}, counts_of(session, media_ids), _others(session, media_ids)
    for media, video, deployment, run, name in rows:
        found[media.id] = VideoView(
            media_id=media.id,
            sha256=media.sha256,
            path=name or f"Video {media.id}",
            taken_at=media.taken_at,
            taken_at_source=media.taken_at_source,
            deployment=deployment,
            stage=media.stage,
            failure=media.failure,
            duration=video.duration,
            lost=facts_of(run).lost,
            count=counts.get(media.id),
            others=others[media.id],
        )
    return [found[media_id] for media_id in media_ids if media_id in found]


def _others(session: Session, media_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Tracklets that are no animals, by media and category; none where every box of the category was rejected."""
    left = sa.case((TrackletRow.category == "person", Media.person_score), else_=Media.vehicle_score)
    rows = session.execute(
        sa.select(TrackletRow.media_id, TrackletRow.category, sa.func.count())
        .join(Video, Video.run_id == TrackletRow.run_id)
        .join(Media, Media.id == TrackletRow.media_id)
        .where(TrackletRow.media_id.in_(media_ids), TrackletRow.counted.is_(True), left > 0)
        .where(TrackletRow.category.in_(["person", "vehicle"]))
        .group_by(TrackletRow.media_id, TrackletRow.category)
    )
    found: dict[int, dict[str, int]] = {media_id: {} for media_id in media_ids}
    for media_id, category, tracklets in rows:
        found[media_id][category] = tracklets
    return found
