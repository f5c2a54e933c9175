"""Crops of one burst, decided together: the pictures that a camera takes of one animal in one go.

Only pictures with a single animal belong together without a question; where several are in view at once each crop is
decided alone. Whoever decides sees the crops beforehand and can leave them out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.decisions.changes import Change
from app.survey.decisions.contradictions import rejection
from app.survey.detections.boxes import IS_ANIMAL, NOT_REJECTED
from app.survey.individuals.rankings import verdicts
from app.survey.tables.detections import Detection, DetectionReview, Feature
from app.survey.tables.individuals import Sighting
from app.survey.tables.media import Media

# Longest time between two pictures of a burst: cameras take them a second apart, with a slow flash up to five.
GAP = timedelta(seconds=5)


def burst_of(session: Session, detection_id: int) -> list[int]:
    """The other crops of this crop's burst that wait for an identity, in the order they were taken."""
    return bursts_of(session, [detection_id])[detection_id]


def bursts_of(session: Session, detection_ids: Collection[int]) -> dict[int, list[int]]:
    """The bursts of several crops, by their ids; see `burst_of`."""
    event_of = sa.select(Detection.id, Media.event_id).join(Media, Detection.media_id == Media.id)
    event_ids = {row.id: row.event_id for row in session.execute(event_of.where(Detection.id.in_(detection_ids)))}
    animals: dict[int, list[Any]] = {event_id: [] for event_id in event_ids.values() if event_id is not None}
    for animal in _animals(session, animals) if animals else ():
        animals[animal.event_id].append(animal)
    compared = verdicts(session, detection_ids)
    return {
        detection_id: _burst(detection_id, animals.get(event_ids.get(detection_id) or 0, []), compared[detection_id])
        for detection_id in detection_ids
    }


def _burst(detection_id: int, animals: Sequence[Any], compared: Collection[int]) -> list[int]:
    """The burst of a crop among the animals of its event, without the crops it was compared with."""
    place = next((place for place, animal in enumerate(animals) if animal.id == detection_id), None)
    if place is None:
        return []
    alone = {media for media, count in Counter(animal.media_id for animal in animals).items() if count == 1}
    burst = [*_unbroken(animals[place::-1], alone)[::-1], *_unbroken(animals[place:], alone)]
    mine = animals[place].species
    return [
        animal.id
        for animal in burst
        if animal.waits and animal.id not in compared and (mine is None or animal.species in (None, mine))
    ]


def assign(change: Change, detection_ids: Sequence[int], individual_id: int) -> None:
    """Give the crops of a burst the individual of the one that was decided.

    A crop that was said to be different from one of the individual is left out, and so is one with a name.
    """
    for detection_id in _unnamed(change.session, detection_ids):
        if rejection(change.session, detection_id, individual_id) is None:
            change.sign(Sighting, {"detection_id": detection_id}, individual_id=individual_id)


def set_state(change: Change, detection_ids: Sequence[int], state: str) -> None:
    """Say of the crops of a burst without a name what was said of the one that was decided."""
    for detection_id in _unnamed(change.session, detection_ids):
        change.sign(DetectionReview, {"detection_id": detection_id}, identity=state)


def _unnamed(session: Session, detection_ids: Sequence[int]) -> list[int]:
    named = set(session.scalars(sa.select(Sighting.detection_id).where(Sighting.detection_id.in_(detection_ids))))
    return [detection_id for detection_id in detection_ids if detection_id not in named]


def _animals(session: Session, event_ids: Collection[int]) -> Sequence[Any]:
    """The standing animals of events that a model has described: (id, media_id, event_id, taken_at, species, waits)."""
    review = DetectionReview
    waits = sa.and_(Sighting.detection_id.is_(None), review.identity.is_(None))
    return session.execute(
        sa.select(
            Detection.id, Detection.media_id, Media.event_id, Media.taken_at, review.species, waits.label("waits")
        )
        .join(Media, Media.id == Detection.media_id)
        .outerjoin(review, review.detection_id == Detection.id)
        .outerjoin(Sighting, Sighting.detection_id == Detection.id)
        .where(
            Media.event_id.in_(event_ids),
            Media.taken_at.is_not(None),
            sa.exists().where(Feature.detection_id == Detection.id),
            IS_ANIMAL,
            NOT_REJECTED,
        )
        .order_by(Media.taken_at, Media.id)
    ).all()


def _unbroken(animals: Sequence[Any], alone: Collection[int]) -> list[Any]:
    """Those after the first, as far as each is alone on its picture and taken shortly after or before the last."""
    found: list[Any] = []
    last = animals[0]
    if last.media_id not in alone:
        return []
    for animal in animals[1:]:
        if animal.media_id not in alone or abs(animal.taken_at - last.taken_at) > GAP:
            break
        found.append(animal)
        last = animal
    return found
