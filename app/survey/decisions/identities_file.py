"""Take over who and what people saw on which image: individuals get their crops, as one decision."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.decisions import contradictions
from app.survey.decisions.boxes import drawn_row, unexamined
from app.survey.decisions.changes import Change, rows_of
from app.survey.decisions.many_boxes import WHOLE
from app.survey.decisions.refusals import BadDecision
from app.survey.detections.boxes import BoxView, boxes_of, over_threshold
from app.survey.individuals.naming import ever_given, heard
from app.survey.tables.decisions import Decision
from app.survey.tables.detections import DetectionReview, MediaReview
from app.survey.tables.individuals import Individual, Sighting
from modal_backend.contracts import Category

LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class NamedImage:
    """A line of the table whose image is in the survey.

    individual: empty where the line names none; then all animals of the image get the species. species, flank: None
    where the table does not say.
    """

    path: str
    media_id: int
    individual: str
    species: str | None = None
    flank: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """What a line would do.

    Args:
        detection_ids: the boxes that are named; none to draw a box round the whole picture.
        individual_id: whose they become; None for a new individual, or none.
        problem: why the line is left out.
    """

    line: NamedImage
    detection_ids: tuple[int, ...] = ()
    individual_id: int | None = None
    problem: str | None = None


def plan(session: Session, lines: Sequence[NamedImage]) -> list[Planned]:
    """What each line would do. Boxes that somebody has named stay as they are."""
    media_ids = sorted({line.media_id for line in lines})
    found, waiting = boxes_of(session, media_ids), unexamined(session, media_ids)
    counted = over_threshold(session, media_ids)
    blank = {row.media_id for row in rows_of(session, MediaReview, media_ids) if row.verdict == "blank"}
    known = {heard(row.name): row for row in session.scalars(sa.select(Individual))}
    formerly = {heard(name) for name in ever_given(session)} - set(known)
    planned = []
    for line in lines:
        animals = [
            box
            for box in found[line.media_id]
            if box.category == Category.ANIMAL and box.verdict != "rejected" and (box.confirmed or box.id in counted)
        ]
        owner = known.get(heard(line.individual)) if line.individual else None
        problem = _problem(line, animals, owner)
        if line.media_id in blank:
            problem = "Somebody has said that nothing is on it."
        elif line.media_id in waiting:
            problem = "It is still being looked at."
        elif line.individual and heard(line.individual) in formerly:
            problem = f"{line.individual} was the name of an individual; names are never used twice."
        boxes = tuple(box.id for box in animals)
        planned.append(Planned(line, boxes, owner.id if owner else None, problem))
    return planned


def take(session: Session, who: str, lines: Sequence[NamedImage], file: str) -> Decision:
    """Name the animals as the table says, one decision for all lines.

    Raises:
        BadDecision: nothing would change, or a line contradicts what was decided about two crops.
    """
    good = [one for one in plan(session, lines) if one.problem is None]
    if not good:
        raise BadDecision("The table says nothing new.")
    change, now = Change(session), time.time()
    spelt = [one.line.individual for one in reversed(good) if one.line.individual and one.individual_id is None]
    names = {heard(name): name for name in spelt}
    made = {key: Individual(name=name) for key, name in names.items()}
    change.add_all(made.values())
    bare = [one.line.media_id for one in good if not one.detection_ids]
    drawn = {media_id: drawn_row(who, media_id, WHOLE, Category.ANIMAL) for media_id in bare}
    change.add_all(drawn.values())
    sightings: dict[int, dict[str, Any]] = {}
    reviews: dict[int, dict[str, Any]] = {}
    for one in good:
        said = {key: value for key in ("species", "flank") if (value := getattr(one.line, key)) is not None}
        for number in one.detection_ids or (drawn[one.line.media_id].id,):
            reviews[number] = {**said, "verdict": "accepted", "who": who, "decided_at": now}
            if one.line.individual:
                owner = one.individual_id or made[heard(one.line.individual)].id
                sightings[number] = {"individual_id": owner, "who": who, "decided_at": now}
                reviews[number]["identity"] = None
    change.put_all(Sighting, sightings)
    change.put_all(DetectionReview, reviews)
    if against := contradictions.contradicted(session, set(sightings)):
        raise BadDecision(f"The table contradicts what was decided: {contradictions.link_of(against[0]).text}.")
    return change.record("identities file", who, view={"results": file, "boxes": len(reviews)})


def _problem(line: NamedImage, animals: Sequence[BoxView], owner: Individual | None) -> str | None:
    if len(line.individual) > LONGEST_NAME:
        return f"The name of the individual is longer than {LONGEST_NAME} letters."
    if other := next((box.species for box in animals if box.species and line.species not in (None, box.species)), None):
        return f"Somebody has said that it is {other}."
    if not line.individual:
        known = animals and all(box.species == line.species for box in animals)
        return "It has this species already." if known else None
    if owner is not None and owner.merged_into_id is not None:
        return f"{owner.name} has been merged into another individual."
    if len(animals) > 1:
        return f"{len(animals)} animals are on it: name this one in Identify."
    if animals and animals[0].individual:
        same = heard(animals[0].individual) == heard(line.individual)
        return "It has this name already." if same else f"Somebody has named it {animals[0].individual}."
    return None
