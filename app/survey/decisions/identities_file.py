"""Take over who and what people saw on which image: individuals get their crops, as one decision."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.decisions import contradictions, stations_file
from app.survey.decisions.boxes import drawn_row, unexamined
from app.survey.decisions.changes import Change, rows_of
from app.survey.decisions.refusals import BadDecision
from app.survey.detections.boxes import BoxView, boxes_of, over_threshold
from app.survey.detections.people import WHOLE
from app.survey.individuals.naming import ever_given, heard
from app.survey.tables.decisions import Decision
from app.survey.tables.detections import DetectionReview, MediaReview
from app.survey.tables.individuals import Individual, Sighting
from app.survey.tables.results import ResultsReview
from modal_backend.contracts import Box, Category
from modal_backend.models.detectors.overlap import overlap

LONGEST_NAME = 80
SAME_BOX = 0.5  # intersection over union from which two boxes are round the same animal


Rows = dict[int, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class NamedImage:
    """A line of the table whose image is in the survey.

    Args:
        individual: empty where the line names none; then all animals of the image get the species.
        species, flank: None where the table does not say.
        box: round the animal, person or vehicle that is meant; None: the only animal of the image, or the whole.
        verdict: "blank" or "unsure" of the whole image.
        who, at: the person who said so and when; None: the person who takes the table, now.
        sex, age_class: of a new individual.
    """

    path: str
    media_id: int
    individual: str
    species: str | None = None
    flank: str | None = None
    box: Box | None = None
    category: Category = Category.ANIMAL
    verdict: str | None = None
    who: str | None = None
    at: float | None = None
    sex: str | None = None
    age_class: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """What a line would do.

    Args:
        detection_ids: the boxes that are named; none to draw a box, round the whole picture where the line gives none.
        individual_id: whose they become; None for a new individual, or none.
        problem: why the line is left out.
    """

    line: NamedImage
    detection_ids: tuple[int, ...] = ()
    individual_id: int | None = None
    problem: str | None = None


def plan(session: Session, lines: Sequence[NamedImage], coming: Collection[int] = ()) -> list[Planned]:
    """What each line would do. Boxes that somebody has named stay as they are.

    Args:
        coming: images whose boxes come with the lines: they do not wait for a model.
    """
    media_ids = sorted({line.media_id for line in lines})
    found, waiting = boxes_of(session, media_ids), unexamined(session, media_ids) - set(coming)
    counted = over_threshold(session, media_ids)
    verdicts = {row.media_id: row.verdict for row in rows_of(session, MediaReview, media_ids)}
    known = {heard(row.name): row for row in session.scalars(sa.select(Individual))}
    formerly = {heard(name) for name in ever_given(session)} - set(known)
    claimed: set[int] = set()
    planned = []
    for line in lines:
        standing = [box for box in found[line.media_id] if box.verdict != "rejected"]
        if line.box is not None:
            boxes = _meant(line, standing, claimed)
            claimed.update(box.id for box in boxes)
        else:
            boxes = [
                box for box in standing if box.category == Category.ANIMAL and (box.confirmed or box.id in counted)
            ]
        owner = known.get(heard(line.individual)) if line.individual else None
        verdict = verdicts.get(line.media_id)
        problem = _about_all(line, standing, verdict) if line.verdict else _problem(line, boxes, owner)
        if verdict == "blank" and line.verdict != "blank":
            problem = "Somebody has said that nothing is on it."
        elif line.media_id in waiting:
            problem = "It is still being looked at."
        elif line.individual and heard(line.individual) in formerly:
            problem = f"{line.individual} was the name of an individual; names are never used twice."
        ids = () if line.verdict else tuple(box.id for box in boxes)
        planned.append(Planned(line, ids, owner.id if owner else None, problem))
    return planned


def take(
    session: Session,
    who: str,
    lines: Sequence[NamedImage],
    file: str,
    stations: Sequence[stations_file.Planned] = (),
    results_id: int | None = None,
) -> Decision:
    """Name the animals as the table says, one decision for all lines.

    Args:
        stations: what the file says of deployments.
        results_id: the boxes of models that come with it, whose rows are there; None for none.

    Raises:
        BadDecision: nothing would change, or a line contradicts what was decided about two crops.
    """
    good = [planned for planned in plan(session, lines) if planned.problem is None]
    change = Change(session, who)
    stations_file.write(change, stations)
    view: dict[str, Any] = {"results": file}
    if results_id is not None and session.get(ResultsReview, results_id) is None:
        change.sign(ResultsReview, {"results_id": results_id})
        view["results_id"] = results_id
    if not good and not change.rows:
        raise BadDecision("The table says nothing new.")
    return change.record("identities file", view={**view, "boxes": _name(change, good)})


def take_part(session: Session, head: Decision, lines: Sequence[NamedImage]) -> int:
    """Take more lines of the same file, as a part of the decision that stands for it; returns how many were taken.

    Raises BadDecision when a line contradicts what was decided about two crops.
    """
    good = [planned for planned in plan(session, lines) if planned.problem is None]
    if good:
        change = Change(session, head.who)
        boxes = _name(change, good)
        view = {"results": head.view["results"], "boxes": boxes, "lines": len(good)}
        change.record("identities file", view=view, part_of=head.id)
    return len(good)


def _name(change: Change, good: Sequence[Planned]) -> int:
    """Write what lines say; returns of how many boxes."""
    made = _individuals(change, good)
    drawn = {
        place: drawn_row(
            planned.line.who or change.who, planned.line.media_id, planned.line.box or WHOLE, planned.line.category
        )
        for place, planned in enumerate(good)
        if not planned.detection_ids and not planned.line.verdict
    }
    change.add_all(drawn.values())
    boxes = {
        place: planned.detection_ids or (drawn[place].id,)
        for place, planned in enumerate(good)
        if not planned.line.verdict
    }
    sightings, reviews, verdicts = _rows(change, good, boxes, made)
    change.put_all(Sighting, sightings)
    change.put_all(DetectionReview, reviews)
    change.put_all(MediaReview, verdicts)
    if against := contradictions.contradicted(change.session, set(sightings)):
        raise BadDecision(f"The table contradicts what was decided: {contradictions.link_of(against[0]).text}.")
    return len(reviews)


def _rows(
    change: Change, good: Sequence[Planned], boxes: Mapping[int, Sequence[int]], made: Mapping[str, Individual]
) -> tuple[Rows, Rows, Rows]:
    """What the lines say of individuals, of boxes and of whole media, by detection and by media.

    Args:
        boxes: the detections of each line, by its place; of none that is about a whole media.
    """
    sightings: Rows = {}
    reviews: Rows = {}
    verdicts: Rows = {}
    for place, planned in enumerate(good):
        line, signed = planned.line, change.signature
        signed |= {"who": line.who or signed["who"], "decided_at": line.at or signed["decided_at"]}
        if line.verdict:
            verdicts[line.media_id] = {"verdict": line.verdict, **signed}
            continue
        given = {key: value for key in ("species", "flank") if (value := getattr(line, key)) is not None}
        for number in boxes[place]:
            reviews[number] = {**given, "verdict": "accepted", **signed}
            if line.individual:
                owner = planned.individual_id or made[heard(line.individual)].id
                sightings[number] = {"individual_id": owner, **signed}
                reviews[number]["identity"] = None
    return sightings, reviews, verdicts


def _individuals(change: Change, good: Sequence[Planned]) -> dict[str, Individual]:
    """New individuals by the name as it is heard; its first spelling, sex and age class stand."""
    spelt: dict[str, NamedImage] = {}
    for planned in good:
        if planned.line.individual and planned.individual_id is None:
            spelt.setdefault(heard(planned.line.individual), planned.line)
    made = {
        key: Individual(name=line.individual, sex=line.sex, age_class=line.age_class) for key, line in spelt.items()
    }
    change.add_all(made.values())
    return made


def _meant(line: NamedImage, standing: Sequence[BoxView], claimed: Collection[int]) -> list[BoxView]:
    """The box round the same animal; none where there is none yet."""
    assert line.box is not None
    shares = {
        box.id: overlap(line.box, box.box)
        for box in standing
        if box.category == line.category and box.id not in claimed
    }
    best = max(shares, key=lambda number: shares[number], default=None)
    return [box for box in standing if box.id == best and shares[box.id] >= SAME_BOX]


def _about_all(line: NamedImage, standing: Sequence[BoxView], verdict: str | None) -> str | None:
    if verdict is not None:
        return "It has this verdict already." if verdict == line.verdict else f"Somebody has said that it is {verdict}."
    return "Somebody has said what is on it." if any(box.touched for box in standing) else None


def _problem(line: NamedImage, animals: Sequence[BoxView], owner: Individual | None) -> str | None:
    if len(line.individual) > LONGEST_NAME:
        return f"The name of the individual is longer than {LONGEST_NAME} letters."
    if other := next((box.species for box in animals if box.species and line.species not in (None, box.species)), None):
        return f"Somebody has said that it is {other}."
    if not line.individual:
        known = animals and all(box.species == line.species and (box.confirmed or not line.box) for box in animals)
        if known:
            return "It has this species already." if line.species else "Its box is accepted already."
        return None
    if owner is not None and owner.merged_into_id is not None:
        return f"{owner.name} has been merged into another individual."
    if len(animals) > 1:
        return f"{len(animals)} animals are on it: name this one in Identify."
    if animals and animals[0].individual:
        same = heard(animals[0].individual) == heard(line.individual)
        return "It has this name already." if same else f"Somebody has named it {animals[0].individual}."
    return None
