"""Videos as the Videos screen lists and shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.tables.deployments import Deployment
from app.survey.tables.media import ListedFile, Media, Stage
from app.survey.tables.videos import TrackletRow, Video, VideoReview
from app.survey.videos.tracklets import tracklets_of
from modal_backend.contracts import Tracklet


@dataclass(frozen=True, slots=True)
class VideoView:
    """One video in a list.

    Attributes:
        animals: as a person corrected the count, else as computed; None before it is summarised.
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
    animals: int | None
    computed: int | None
    corrected_by: str | None


@dataclass(frozen=True, slots=True)
class OpenVideo:
    """One video with everything that is known of it."""

    view: VideoView
    video: Video
    width: int
    height: int
    tracklets: list[tuple[TrackletRow, Tracklet]]


def count(session: Session) -> int:
    """How many videos the survey has."""
    return session.scalar(sa.select(sa.func.count(Video.media_id))) or 0


def waiting(session: Session) -> int:
    """How many videos are not summarised yet."""
    unfinished = sa.and_(Media.kind == "video", Media.stage.in_([Stage.STORED, Stage.DETECTED]))
    return session.scalar(sa.select(sa.func.count(Media.id)).where(unfinished)) or 0


def page(session: Session, *, limit: int, offset: int = 0) -> list[VideoView]:
    """Videos by deployment and time."""
    ids = sa.select(Media.id).where(Media.kind == "video")
    ids = ids.order_by(Media.deployment_id, Media.taken_at, Media.id).limit(limit).offset(offset)
    return _views(session, list(session.scalars(ids)))


def opened(session: Session, media_id: int) -> OpenVideo | None:
    """One video; None for an image or a media that does not exist."""
    views, video = _views(session, [media_id]), session.get(Video, media_id)
    if not views or video is None:
        return None
    media = session.get_one(Media, media_id)
    return OpenVideo(views[0], video, media.width, media.height, tracklets_of(session, media_id))


def _views(session: Session, media_ids: Sequence[int]) -> list[VideoView]:
    path = (
        sa.select(sa.func.min(ListedFile.path))
        .where(ListedFile.media_id == Media.id)
        .correlate(Media)
        .scalar_subquery()
    )
    rows = session.execute(
        sa.select(Media, Video, Deployment.name, VideoReview.animals, VideoReview.who, path)
        .join(Video, Video.media_id == Media.id)
        .outerjoin(Deployment, Deployment.id == Media.deployment_id)
        .outerjoin(VideoReview, VideoReview.media_id == Media.id)
        .where(Media.id.in_(media_ids))
    )
    found = {}
    for media, video, deployment, corrected, who, name in rows:
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
            lost=video.lost,
            animals=video.animals if corrected is None else corrected,
            computed=video.animals,
            corrected_by=who,
        )
    return [found[media_id] for media_id in media_ids if media_id in found]
