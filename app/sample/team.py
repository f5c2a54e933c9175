"""What the sample's own team decided about two of its four stations, so that every page has something to show.

They name what is drawn, not what a model answered: a box of the detector is taken for a drawn animal where the two
overlap. Every decision is signed by TEAM, stands in History and can be undone. Nothing of a person's is touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from app.sample.demo_survey import TEAM
from app.sample.plan import station_name
from app.sample.shipped import truth
from app.sample.shipped_plan import CLOCKS, MISTAKEN_FOR, TURNED, mistaken_event
from app.survey.database import Survey
from app.survey.decisions import boxes, catalogue, identity, stations, videos
from app.survey.decisions.contradictions import Contradiction
from app.survey.decisions.refusals import BadDecision, DecisionConflict
from app.survey.detections.boxes import BoxView, boxes_of
from app.survey.tables.deployments import Deployment, DeploymentReview
from app.survey.tables.detections import MediaReview
from app.survey.tables.individuals import Individual, Sighting
from app.survey.tables.media import ListedFile, Media, Stage
from app.survey.tables.videos import VideoReview
from modal_backend.contracts import Flank
from modal_backend.models.detectors.overlap import pairwise_overlap

THEIRS = (station_name(0), station_name(1))
OVERLAP = 0.4
TIGER, DEER = "Tiger", "Deer"


@dataclass(frozen=True, slots=True)
class Seen:
    """A drawn animal and the detector's box that shows it."""

    box: BoxView
    identity: str | None
    flank: str
    event: int


def decide(survey: Survey, import_id: int) -> int:
    """Make the team's decisions about the media of an import; returns how many. What somebody decided is left alone.

    Safe to run again: a media that was reviewed is passed over.
    """
    made = 0
    with survey.write() as session:
        found = _media_by_file(session, import_id)
    for file, animals in _drawn(found):
        with survey.write() as session:
            made += _review_media(session, found[file], animals)
    with survey.write() as session:
        made += _describe_individuals(session) + _set_clocks(session) + _count_videos(session, found)
    return made


def _media_by_file(session: Session, import_id: int) -> dict[str, int]:
    rows = session.execute(
        sa.select(ListedFile.path, ListedFile.media_id).where(
            ListedFile.import_id == import_id, ListedFile.media_id.is_not(None)
        )
    )
    return {PurePath(row.path).as_posix(): row.media_id for row in rows}


def _drawn(found: dict[str, int]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The pictures of the team's stations in the order they were taken, each with what is drawn on it."""
    document = truth()
    animals: dict[int, list[dict[str, Any]]] = {}
    for annotation in document["annotations"]:
        animals.setdefault(annotation["image_id"], []).append(annotation)
    for image in document["images"]:
        if image["station"] in THEIRS and image["file_name"] in found:
            yield image["file_name"], [{**animal, "image": image} for animal in animals.get(image["id"], [])]


def _review_media(session: Session, media_id: int, animals: list[dict[str, Any]]) -> int:
    """Accept the boxes of what is drawn, or say blank; then say who the tigers are."""
    if session.get(MediaReview, media_id) is not None:
        return 0
    try:
        if not animals:
            boxes.judge_media(session, TEAM, media_id, "blank")
            return 1
        seen = _matched(boxes_of(session, [media_id])[media_id], animals)
        if len(seen) < len(animals):
            return 0
        boxes.accept_media(session, TEAM, media_id, 1.0, [drawn.box.id for drawn in seen])
        for drawn in seen:
            _name(session, drawn)
    except (BadDecision, Contradiction, DecisionConflict):
        return 0
    return 1 + len(seen)


def _matched(views: list[BoxView], animals: list[dict[str, Any]]) -> list[Seen]:
    """For each drawn animal the box that covers it best, where one does."""
    if not views:
        return []
    image = animals[0]["image"]
    size = np.array((image["width"], image["height"]) * 2)
    drawn = _sides([animal["bbox"] for animal in animals]) / size
    covered = pairwise_overlap(drawn, _sides([(view.x, view.y, view.width, view.height) for view in views]))
    return [
        Seen(views[best], animal["identity"], animal["flank"], image["event"])
        for animal, row, best in zip(animals, covered, covered.argmax(axis=1), strict=True)
        if row[best] >= OVERLAP
    ]


def _sides(boxes_by_size: list[Any]) -> NDArray[np.float64]:
    """Left, top, right, bottom of boxes given by left, top, width, height."""
    found = np.array(boxes_by_size, float)
    found[:, 2:] += found[:, :2]
    return found


def _name(session: Session, seen: Seen) -> None:
    number = seen.box.id
    boxes.correct_box(session, TEAM, number, species=TIGER if seen.identity else DEER)
    if session.get(Sighting, number) is not None:
        return
    if seen.identity is None:
        identity.set_identity_state(session, TEAM, number, "unidentifiable")
        return
    identity.set_flank(session, TEAM, number, seen.flank)
    name = MISTAKEN_FOR if seen.event == mistaken_event() else seen.identity
    if name == TURNED and seen.flank == Flank.RIGHT:
        name = f"{TURNED} (right flank)"
    known = session.scalar(
        sa.select(Sighting.detection_id).join(Individual).where(Individual.name == name).order_by(Sighting.detection_id)
    )
    if known is None:
        identity.new_individual(session, TEAM, number, name=name)
    else:
        identity.say_same(session, TEAM, number, known)


def _describe_individuals(session: Session) -> int:
    undescribed = sa.select(Individual.id).where(Individual.merged_into_id.is_(None), Individual.species.is_(None))
    theirs = sa.select(Sighting.individual_id).where(Sighting.who == TEAM)
    ids = list(session.scalars(undescribed.where(Individual.id.in_(theirs))))
    for individual_id in ids:
        catalogue.describe(session, TEAM, individual_id, species=TIGER)
    return len(ids)


def _set_clocks(session: Session) -> int:
    """Correct the clock of the camera that was late."""
    names = {station_name(station): ahead for station, ahead in CLOCKS.items()}
    reviewed = sa.select(DeploymentReview.deployment_id)
    late = sa.select(Deployment).where(Deployment.name.in_(names), Deployment.id.not_in(reviewed))
    rows = list(session.scalars(late))
    for row in rows:
        stations.set_deployment(session, TEAM, row.id, clock_offset_seconds=-round(names[row.name].total_seconds()))
    return len(rows)


def _count_videos(session: Session, found: dict[str, int]) -> int:
    """Say how many animals are in the videos of the team's stations."""
    theirs = [media_id for file, media_id in found.items() if file.endswith(".MP4") and file.startswith(THEIRS)]
    counted = set(session.scalars(sa.select(VideoReview.media_id)))
    ready = [
        media_id
        for media_id in theirs
        if session.get_one(Media, media_id).stage == Stage.READY and media_id not in counted
    ]
    for media_id in ready:
        videos.correct_count(session, TEAM, media_id, 1)
    return len(ready)
