"""Take a table of who is on which image: individuals get their crops, as one decision."""

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
    """A line of the table whose image is in the survey. species, flank: None where the table does not say."""

    path: str
    media_id: int
    individual: str
    species: str | None = None
    flank: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """What a line would do.

    Args:
        detection_id: the box that is named; None to draw a box round the whole picture.
        individual_id: whose it becomes; None for a new individual.
        problem: why the line is left out.
    """

    line: NamedImage
    detection_id: int | None = None
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
        owner = known.get(heard(line.individual))
        problem = _problem(line, animals, owner)
        if line.media_id in blank:
            problem = "Somebody has said that nothing is on it."
        elif line.media_id in waiting:
            problem = "It is still being looked at."
        elif heard(line.individual) in formerly:
            problem = f"{line.individual} was the name of an individual; names are never used twice."
        box_id = animals[0].id if len(animals) == 1 else None
        planned.append(Planned(line, box_id, owner.id if owner else None, problem))
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
    names = {heard(one.line.individual): one.line.individual for one in reversed(good) if one.individual_id is None}
    made = {name: Individual(name=spelt) for name, spelt in names.items()}
    change.add_all(made.values())
    drawn = {one.line.media_id: drawn_row(who, one.line.media_id, WHOLE, Category.ANIMAL)
             for one in good if one.detection_id is None}  # fmt: skip
    change.add_all(drawn.values())
    sightings: dict[int, dict[str, Any]] = {}
    reviews: dict[int, dict[str, Any]] = {}
    for one in good:
        number = one.detection_id or drawn[one.line.media_id].id
        owner = one.individual_id or made[heard(one.line.individual)].id
        sightings[number] = {"individual_id": owner, "who": who, "decided_at": now}
        said = {key: value for key in ("species", "flank") if (value := getattr(one.line, key)) is not None}
        reviews[number] = {**said, "verdict": "accepted", "identity": None, "who": who, "decided_at": now}
    change.put_all(Sighting, sightings)
    change.put_all(DetectionReview, reviews)
    if against := contradictions.contradicted(session, set(sightings)):
        raise BadDecision(f"The table contradicts what was decided: {contradictions.link_of(against[0]).text}.")
    return change.record("identities file", who, view={"results": file, "sightings": len(sightings)})


def _problem(line: NamedImage, animals: Sequence[BoxView], owner: Individual | None) -> str | None:
    if not line.individual or len(line.individual) > LONGEST_NAME:
        return f"The individual has no name, or one longer than {LONGEST_NAME} letters."
    if owner is not None and owner.merged_into_id is not None:
        return f"{owner.name} has been merged into another individual."
    if len(animals) > 1:
        return f"{len(animals)} animals are on it: name this one in Identify."
    if animals and animals[0].individual:
        same = heard(animals[0].individual) == heard(line.individual)
        return "It has this name already." if same else f"Somebody has named it {animals[0].individual}."
    return None
