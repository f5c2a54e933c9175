"""Rows of a Camtrap DP's media and observations, read from the survey a few hundred media at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.exchange.identifiers import ExportRefused
from app.exchange.listed import AT_ONCE, left_out, media_in_parts, media_paths
from app.exchange.progress import Report, unheard
from app.exchange.safe_cells import kept_present
from app.survey.detections.boxes import BoxView, boxes_of
from app.survey.detections.people import HIDDEN_FROM
from app.survey.detections.results import threshold_of
from app.survey.individuals.species import stated_species
from app.survey.media import browse
from app.survey.media.stations import DeploymentView
from app.survey.tables.deployments import Event
from app.survey.tables.detections import Detection, DetectionReview, MediaReview
from app.survey.tables.individuals import Individual, Sighting
from app.survey.tables.media import Media, Stage
from app.survey.videos.counts import AnimalCount, counts_of, fallen
from modal_backend.contracts import Category

MEDIA = ("mediaID", "deploymentID", "timestamp", "filePath", "filePublic", "fileName", "fileMediatype")
OBSERVATIONS = (
    "observationID", "deploymentID", "mediaID", "eventID", "eventStart", "eventEnd", "observationLevel",
    "observationType", "scientificName", "count", "lifeStage", "sex", "individualID", "bboxX", "bboxY", "bboxWidth",
    "bboxHeight", "classificationMethod", "classifiedBy", "classificationTimestamp", "classificationProbability",
)  # fmt: skip
ADDRESS = re.compile(r"^https?://[^\s?#]+$")
ZONE = re.compile(r"^(Z|[+-]\d{2}:?\d{2})$")
LACKING = {
    "images without a capture time": Media.taken_at.is_(None),
    "images without a deployment": Media.deployment_id.is_(None),
}
LIFE_STAGES = {"cub": "juvenile", "subadult": "subadult", "adult": "adult"}


@dataclass(frozen=True, slots=True)
class Kept:
    """Which media are written.

    Attributes:
        stated: offset from UTC by deployment, where a person gave one.
        zones: the offset of each deployment's days.
        media: how many there are.
        media_url: the address of the folder in which others find the media; None when they stay here.
    """

    deployments: dict[int, str]
    stated: dict[int, str]
    zones: dict[int, str]
    utc_offset: str | None
    threshold: float
    classifier: str
    left_out: tuple[str, ...]
    media: int
    media_url: str | None


def kept_media(
    session: Session, deployments: list[DeploymentView], utc_offset: str | None, media_url: str | None = None
) -> Kept:
    """What can be written, and what is left out and why.

    Raises:
        ExportRefused: without an offset from UTC, or with an address that is none.
    """
    if media_url is not None and not ADDRESS.match(media_url):
        raise ExportRefused(f"{media_url} is no address of a folder: write it as https://example.org/media.")
    if utc_offset is not None and not ZONE.match(utc_offset):
        raise ExportRefused(f"{utc_offset} is no offset from UTC: write it as +05:30, -03:00 or Z.")
    where = _where()
    stated = {row.id: row.time_zone for row in deployments if row.time_zone}
    silent = sa.select(sa.func.count(Media.id)).where(
        *where, Media.utc_offset.is_(None), Media.deployment_id.not_in(stated)
    )
    without = session.scalar(silent) or 0
    if without and utc_offset is None:
        raise ExportRefused(
            f"Camtrap DP wants times with their offset from UTC, and {without:,} files do not say theirs. Say the "
            "offset the cameras' clocks were set to, as +05:30, here or for each deployment in Stations."
        )
    zones = sa.select(Media.deployment_id, sa.func.max(Media.utc_offset)).where(*where).group_by(Media.deployment_id)
    used = {row[0]: row[1] for row in session.execute(zones) if row[0] is not None}
    if not used:
        raise ExportRefused("No image has a deployment and a capture time: there is nothing to write.")
    version = browse.detector(session)
    return Kept(
        deployments={row.id: str(kept_present(row.name)) for row in deployments if row.id in used},
        stated=stated,
        zones={number: _zone(stated.get(number) or zone, utc_offset) for number, zone in used.items()},
        utc_offset=utc_offset,
        threshold=threshold_of(version),
        classifier=f"{version.model} {version.version}".strip() if version else "",
        left_out=left_out(session, LACKING),
        media_url=media_url,
        media=session.scalar(sa.select(sa.func.count(Media.id)).where(*where)) or 0,
    )


def media_rows(session: Session, kept: Kept) -> Iterator[tuple[Any, ...]]:
    """One row a media. Only what lies on a server and cannot show a person is public, whatever may be seen here."""
    for part in _parts(session):
        paths = media_paths(session, {media.id for media in part})
        for media in part:
            path = paths.get(media.id, media.sha256).replace("..", "_").lstrip("./~")
            place = f"{kept.media_url.rstrip('/')}/{quote(path)}" if kept.media_url else path
            public = "true" if kept.media_url and _shows_nobody(media) else "false"
            deployment = kept.deployments[media.deployment_id or 0]
            kind = f"{media.kind}/{media.format}"
            yield media.sha256, deployment, _moment(media, kept), place, public, path.rpartition("/")[2], kind


def observation_rows(session: Session, kept: Kept, report: Report = unheard) -> Iterator[tuple[Any, ...]]:
    """One row a box that counts; one of type blank for an image without any, unclassified before a detector saw it.

    A video has a row for each animal that is named and one for the others, with the most of them at once. The persons
    of a media are one row without a box. The rows of an event stand together.
    """
    done = 0
    for part in _parts(session):
        report(kept.media + 3 * done, 4 * kept.media)
        done += len(part)
        ids = [media.id for media in part]
        found, reviews = boxes_of(session, ids), _reviews(session, ids)
        verdicts = {
            row.media_id: row for row in session.scalars(sa.select(MediaReview).where(MediaReview.media_id.in_(ids)))
        }
        counts, gone = counts_of(session, ids), fallen(session, ids)
        spans = _spans(session, {media.event_id for media in part if media.event_id is not None})
        for media in part:
            verdict = verdicts.get(media.id)
            is_blank = verdict is not None and verdict.verdict == "blank"
            shown = [] if is_blank else [box for box in found[media.id] if box.counts(kept.threshold)]
            head = _head(media, spans, kept)
            others = [box for box in shown if box.category != Category.PERSON]
            if media.id in counts:
                rows = _of_video(counts[media.id], [box for box in others if box.id not in gone], reviews, kept)
            else:
                rows = [(box.id, *_box(box, reviews.get(box.id), kept)) for box in others]
            rows += _people(shown, reviews, kept)
            for number, *row in rows:
                yield (f"{media.sha256[:16]}-{number}", *head, *row)
            if not rows:
                yield (f"{media.sha256[:16]}-0", *head, *_empty(media, verdict, kept))


def _where() -> list[sa.ColumnElement[bool]]:
    return [Media.deployment_id.is_not(None), Media.taken_at.is_not(None)]


def _shows_nobody(media: Media) -> bool:
    return media.stage in (Stage.DETECTED, Stage.READY) and media.person_score < HIDDEN_FROM


def _parts(session: Session) -> Iterator[list[Media]]:
    """Some hundred media at a time, an event's together; those without an event at the end."""
    last, wanted = 0, sa.select(Media).where(*_where())
    while events := list(session.scalars(sa.select(Event.id).where(Event.id > last).order_by(Event.id).limit(AT_ONCE))):
        last = events[-1]
        if part := list(session.scalars(wanted.where(Media.event_id.in_(events)).order_by(Media.event_id, Media.id))):
            yield part
        session.expunge_all()
    yield from media_in_parts(session, *_where(), Media.event_id.is_(None))


def _zone(own: str | None, survey_zone: str | None) -> str:
    return own if own and ZONE.match(own) else survey_zone or "Z"


def _moment(media: Media, kept: Kept, at: datetime | None = None) -> str:
    zone = kept.stated.get(media.deployment_id or 0) or media.utc_offset
    return f"{at or media.taken_at:%Y-%m-%dT%H:%M:%S}{_zone(zone, kept.utc_offset)}"


def _spans(session: Session, event_ids: set[int]) -> dict[int, tuple[datetime, datetime]]:
    rows = session.execute(sa.select(Event.id, Event.started_at, Event.ended_at).where(Event.id.in_(event_ids)))
    return {row.id: (row.started_at, row.ended_at) for row in rows}


def _head(media: Media, spans: dict[int, tuple[datetime, datetime]], kept: Kept) -> tuple[Any, ...]:
    start, end = spans.get(media.event_id or 0, (media.taken_at, media.taken_at))
    event = media.event_id if media.event_id in spans else f"media-{media.sha256[:16]}"
    moments = (_moment(media, kept, start), _moment(media, kept, end))
    return kept.deployments[media.deployment_id or 0], media.sha256, event, *moments, "media"


def _reviews(session: Session, media_ids: list[int]) -> dict[int, tuple[Any, ...]]:
    """Per detection: who decided last and when, and the individual's species, sex and age class."""
    rows = session.execute(
        sa.select(
            Detection.id,
            sa.func.coalesce(Sighting.who, DetectionReview.who, Detection.drawn_by),
            sa.func.coalesce(Sighting.decided_at, DetectionReview.decided_at, Detection.created_at),
            stated_species(),
            Individual.sex,
            Individual.age_class,
        )
        .outerjoin(DetectionReview, DetectionReview.detection_id == Detection.id)
        .outerjoin(Sighting, Sighting.detection_id == Detection.id)
        .outerjoin(Individual, Individual.id == Sighting.individual_id)
        .where(Detection.media_id.in_(media_ids))
    )
    return {row[0]: tuple(row[1:]) for row in rows}


def _box(box: BoxView, review: tuple[Any, ...] | None, kept: Kept) -> tuple[Any, ...]:
    who, at, species, sex, age = review or (None, None, None, None, None)
    width, height = min(box.width, 1 - box.x), min(box.height, 1 - box.y)
    human = box.confirmed
    return (
        "vehicle" if box.category == Category.VEHICLE else "animal",
        box.species or species, 1, LIFE_STAGES.get(age or ""), sex, kept_present(box.individual),
        *(round(max(value, 0.0), 6) for value in (box.x, box.y, width, height)),
        "human" if human else "machine", who if human else kept.classifier,
        _utc(at) if human else "", 1 if human else round(box.confidence, 4),
    )  # fmt: skip


def _people(boxes: list[BoxView], reviews: dict[int, tuple[Any, ...]], kept: Kept) -> list[tuple[Any, ...]]:
    """How many persons there are among these boxes that count, as one row without their boxes."""
    shown = [box for box in boxes if box.category == Category.PERSON]
    if not shown:
        return []
    best = max(shown, key=lambda box: (box.confirmed, box.confidence))
    method = _box(best, reviews.get(best.id), kept)[10:]
    return [(best.id, "human", None, len(shown), *(None,) * 7, *method)]


def _of_video(
    count: AnimalCount, boxes: list[BoxView], reviews: dict[int, tuple[Any, ...]], kept: Kept
) -> list[tuple[Any, ...]]:
    """The rows of a video, each after a number of its own: named animals, the other animals, vehicles."""
    best: dict[tuple[str, int | None], BoxView] = {}
    for box in boxes:
        best.setdefault((box.category, box.individual_id), box)
    animals = {who: box for (category, who), box in best.items() if category == Category.ANIMAL}
    others = count.animals - sum(who is not None for who in animals)
    rows = []
    for who, box in [*animals.items(), *((None, box) for (kind, _), box in best.items() if kind == Category.VEHICLE)]:
        many = 1 if who is not None or box.category == Category.VEHICLE else others
        if many > 0:
            kind, species, _, stage, sex, name, *rest = _box(box, reviews.get(box.id), kept)
            method, by, at, sure = rest[4:]
            if count.who and who is None and kind == "animal":
                method, by, sure = "human", count.who, 1
            rows.append((box.id, kind, species, many, stage, sex, name, *(None,) * 4, method, by, at, sure))
    if others > 0 and None not in animals:
        rows.append((1, "animal", None, others, *(None,) * 7, "human" if count.who else "machine", count.who, "", None))
    return rows


def _empty(media: Media, verdict: MediaReview | None, kept: Kept) -> tuple[Any, ...]:
    nothing = (None,) * 9
    if verdict is not None and verdict.verdict == "unsure":
        return "unknown", *nothing, "human", verdict.who, _utc(verdict.decided_at), None
    if verdict is not None:
        return "blank", *nothing, "human", verdict.who, _utc(verdict.decided_at), 1
    if media.stage in (Stage.DETECTED, Stage.READY):
        return "blank", *nothing, "machine", kept.classifier, "", None
    return "unclassified", *nothing, "", "", "", None


def _utc(seconds: float | None) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}" if seconds is not None else ""
