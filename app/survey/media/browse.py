"""Pages of media for the Detections screen: filtered, ordered, with their boxes; and the figures beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.detections.boxes import NOT_REJECTED, BoxView, boxes_of, counts_from
from app.survey.detections.hints import media_with
from app.survey.detections.people import shown_media
from app.survey.media.unsorted import first_path, group
from app.survey.tables.deployments import Deployment
from app.survey.tables.detections import Analysis, Detection, DetectionReview, MediaReview, ModelVersion
from app.survey.tables.media import LOOKED_AT, ListedFile, Media, Stage
from app.survey.tables.videos import Video
from app.survey.videos.counts import AnimalCount, counts_of
from app.survey.videos.tracklets import frames_of

SHOWN_FLOOR = 0.05
NEWEST = [sa.select(sa.func.max(part)).scalar_subquery() for part in (ListedFile.id, Analysis.id)]
FAILED = sa.select(sa.func.count(Media.id)).where(Media.stage == Stage.FAILED).scalar_subquery()


class Show(StrEnum):
    """Which kind of media to show.

    Uncertain (not reviewed, the score nearest to the threshold first) and unreviewed stand in older addresses; a filter
    says both apart from the kind.
    """

    ALL = "all"
    ANIMAL = "animal"
    PERSON = "person"
    VEHICLE = "vehicle"
    BLANK = "blank"
    UNCERTAIN = "uncertain"
    UNREVIEWED = "unreviewed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class MediaFilter:
    """What to show: kind, threshold on the confidence, and what narrows it further; None leaves a thing open.

    since and until are camera-local days, both included.

    Attributes:
        species: of a box that counts. hint: of a box that nobody has labelled.
        reviewed_by: who decided about the media or one of its boxes.
        import_id: the import that listed it.
        unreviewed: only what nobody has reviewed.
        unsure_first: the score nearest to the threshold first, in place of the order of time.
    """

    show: Show = Show.ALL
    threshold: float = 0.5
    deployment_id: int | None = None
    event_id: int | None = None
    station: str | None = None
    species: str | None = None
    hint: str | None = None
    since: date | None = None
    until: date | None = None
    reviewed_by: str | None = None
    import_id: int | None = None
    unreviewed: bool = False
    unsure_first: bool = False

    @property
    def is_open(self) -> bool:
        """Whether only what nobody has reviewed is shown."""
        return self.unreviewed or self.show in (Show.UNCERTAIN, Show.UNREVIEWED)

    @property
    def is_by_doubt(self) -> bool:
        """Whether the most doubtful come first."""
        return self.unsure_first or self.show == Show.UNCERTAIN


@dataclass(frozen=True, slots=True)
class MediaView:
    """One media as the screens show it. taken_at is camera-local; clock_showed: what the camera said, where it differs.
    count: of a video that is summarised."""

    id: int
    sha256: str
    format: str
    width: int
    height: int
    taken_at: datetime | None
    taken_at_source: str | None
    synthetic: bool
    stage: str
    failure: str | None
    event_id: int | None
    deployment_id: int | None
    deployment: str | None
    station: str | None
    path: str | None
    camera: str | None
    verdict: str | None
    boxes: list[BoxView]
    kind: str = "image"
    count: AnimalCount | None = None
    damage: str | None = None
    people_shown: bool = False
    clock_showed: datetime | None = None


def count(session: Session, wanted: MediaFilter) -> int:
    """How many media the filter leaves."""
    found = session.scalar(sa.select(sa.func.count(Media.id)).where(*_where(wanted))) or 0
    if not wanted.is_open:
        return found
    reviewed = (
        sa.select(sa.func.count())
        .select_from(MediaReview)
        .join(Media, Media.id == MediaReview.media_id)
        .where(*_where(wanted))
    )
    return found - (session.scalar(reviewed) or 0)


def being_looked_at(session: Session, among: Sequence[int] | None = None) -> int:
    """How many media no model has looked at yet. among: of these only."""
    stored = sa.select(sa.func.count(Media.id)).where(Media.stage == Stage.STORED)
    return session.scalar(stored if among is None else stored.where(Media.id.in_(among))) or 0


def order_with_events(
    session: Session, wanted: MediaFilter, *, limit: int = 60, offset: int = 0
) -> list[tuple[int, int]]:
    """The ids of a page's media, each with its group, see `unsorted.group`."""
    ids = sa.select(Media.id, group()).where(*_where(wanted))
    if wanted.is_open:
        ids = ids.where(~sa.exists().where(MediaReview.media_id == Media.id))
    if wanted.is_by_doubt:
        ids = ids.order_by(sa.func.abs(Media.animal_score - wanted.threshold), Media.id)
    else:
        ids = ids.order_by(Media.deployment_id, Media.taken_at, Media.id)
    return [(row[0], row[1]) for row in session.execute(ids.limit(limit).offset(offset))]


def views(session: Session, media_ids: Sequence[int]) -> list[MediaView]:
    """These media, in this order, with their boxes."""
    rows = session.execute(
        sa.select(Media, Deployment.name, Deployment.station, first_path(Media.id), MediaReview.verdict)
        .outerjoin(Deployment, Deployment.id == Media.deployment_id)
        .outerjoin(MediaReview, MediaReview.media_id == Media.id)
        .where(Media.id.in_(media_ids))
    )
    found, counts = _shown_boxes(session, media_ids), counts_of(session, media_ids)
    shown = shown_media(session, media_ids)
    by_id = {row[0].id: _view(tuple(row), found[row[0].id], counts.get(row[0].id), row[0].id in shown) for row in rows}
    return [by_id[media_id] for media_id in media_ids if media_id in by_id]


def _shown_boxes(session: Session, media_ids: Sequence[int]) -> dict[int, list[BoxView]]:
    """The boxes to draw over each media's picture: of a video, those on its key frame and those a person drew."""
    found = boxes_of(session, media_ids, floor=SHOWN_FLOOR)
    rows = session.execute(sa.select(Video.media_id, Video.key_frame).where(Video.media_id.in_(media_ids)))
    keys = {row.media_id: row.key_frame for row in rows}
    on = frames_of(session, [box.id for media_id in keys for box in found[media_id]])
    for media_id, key in keys.items():
        found[media_id] = [box for box in found[media_id] if box.id not in on or on[box.id].frame_number == key]
    return found


def summary(session: Session, threshold: float, within: MediaFilter | None = None) -> dict[str, int]:
    """How many media each kind of `Show` has at this threshold, within what else a filter asks for."""
    base = replace(within or MediaFilter(), threshold=threshold)
    counts = {str(show): count(session, replace(base, show=show)) for show in Show if show != Show.UNCERTAIN}
    return {**counts, Show.UNCERTAIN: counts[Show.UNREVIEWED]}


def deployments(session: Session) -> list[tuple[int, str, int]]:
    """Deployments with the number of their media: (id, name, media)."""
    counted = sa.select(Media.deployment_id, sa.func.count()).group_by(Media.deployment_id)
    media = {row[0]: row[1] for row in session.execute(counted)}
    places = session.execute(sa.select(Deployment.id, Deployment.name).order_by(Deployment.name))
    return [(place.id, place.name, media.get(place.id, 0)) for place in places]


def detector(session: Session) -> ModelVersion | None:
    """The detector whose boxes count on the newest media that was analysed; None before the first."""
    newest = sa.select(sa.func.max(Media.id)).where(Media.analysis_id.is_not(None)).scalar_subquery()
    used = sa.select(ModelVersion).join(Analysis, Analysis.model_version_id == ModelVersion.id)
    return session.scalar(used.join(Media, Media.analysis_id == Analysis.id).where(Media.id == newest))


def change_mark(session: Session) -> str:
    """Changes when files are listed, analysed or fail; decisions are not part of it."""
    files, analyses, failed = tuple(session.execute(sa.select(*NEWEST, FAILED)).one())
    return f"{files or 0}-{analyses or 0}-{failed}"


def stations(session: Session) -> list[str]:
    """The stations there are, by name."""
    return sorted(session.scalars(sa.select(Deployment.station).distinct()))


def reviewers(session: Session) -> list[str]:
    """Everybody who has decided about a media or a box, by name."""
    media = set(session.scalars(sa.select(MediaReview.who).distinct()))
    return sorted(media | set(session.scalars(sa.select(DetectionReview.who).distinct())))


def period(session: Session) -> tuple[date, date] | None:
    """The first and the last day on which a media was taken; None without any capture time."""
    first = session.scalar(sa.select(sa.func.min(Media.taken_at)))
    last = session.scalar(sa.select(sa.func.max(Media.taken_at)))
    return (first.date(), last.date()) if first and last else None


def _where(wanted: MediaFilter) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = []
    if wanted.deployment_id is not None:
        where.append(Media.deployment_id == wanted.deployment_id)
    if wanted.event_id is not None:
        where.append(Media.event_id == wanted.event_id)
    where += _narrower(wanted)
    looked_at = Media.stage.in_(LOOKED_AT)
    score = {Show.ANIMAL: Media.animal_score, Show.PERSON: Media.person_score, Show.VEHICLE: Media.vehicle_score}
    least = {show: counts_from(show, wanted.threshold) for show in score}
    if wanted.show in score:
        where.append(score[wanted.show] >= least[wanted.show])
    elif wanted.show == Show.BLANK:
        where += [looked_at, *(column < least[show] for show, column in score.items())]
    elif wanted.show == Show.FAILED:
        where.append(Media.stage == Stage.FAILED)
    if wanted.is_open and wanted.show != Show.FAILED:
        where.append(looked_at)
    return where


def _narrower(wanted: MediaFilter) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = []
    if wanted.station is not None:
        where.append(Media.deployment_id.in_(sa.select(Deployment.id).where(Deployment.station == wanted.station)))
    if wanted.species is not None:
        named = sa.select(Detection.media_id).join(DetectionReview, DetectionReview.detection_id == Detection.id)
        where.append(Media.id.in_(named.where(DetectionReview.species == wanted.species, NOT_REJECTED)))
    if wanted.hint is not None:
        where.append(Media.id.in_(media_with(wanted.hint)))
    if wanted.since is not None:
        where.append(Media.taken_at >= datetime.combine(wanted.since, time.min))
    if wanted.until is not None:
        where.append(Media.taken_at < datetime.combine(wanted.until + timedelta(days=1), time.min))
    if wanted.import_id is not None:
        listed = sa.select(ListedFile.media_id).where(ListedFile.import_id == wanted.import_id)
        where.append(Media.id.in_(listed.where(ListedFile.media_id.is_not(None))))
    if wanted.reviewed_by is not None:
        by = wanted.reviewed_by
        boxes = sa.select(Detection.media_id).join(DetectionReview, DetectionReview.detection_id == Detection.id)
        whole = sa.select(MediaReview.media_id).where(MediaReview.who == by)
        where.append(sa.or_(Media.id.in_(whole), Media.id.in_(boxes.where(DetectionReview.who == by))))
    return where


def _view(row: tuple[Any, ...], boxes: list[BoxView], count: AnimalCount | None, people_shown: bool) -> MediaView:
    media, deployment, station, path, verdict = row
    return MediaView(
        id=media.id,
        sha256=media.sha256,
        format=media.format,
        width=media.width,
        height=media.height,
        taken_at=media.taken_at,
        taken_at_source=media.taken_at_source,
        synthetic=media.synthetic,
        stage=media.stage,
        failure=media.failure,
        event_id=media.event_id,
        deployment_id=media.deployment_id,
        deployment=deployment,
        station=station,
        path=path,
        camera=" ".join(part for part in (media.camera_make, media.camera_model) if part) or None,
        verdict=verdict,
        boxes=boxes,
        kind=media.kind,
        count=count,
        damage=media.damage,
        people_shown=people_shown,
        clock_showed=media.recorded_at if media.recorded_at != media.taken_at else None,
    )
