"""Decisions about the catalogue of individuals: rename, describe, merge, split, take out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.survey.decisions.changes import Change
from app.survey.decisions.contradictions import Contradiction
from app.survey.decisions.identity import free_name, unite
from app.survey.decisions.refusals import BadDecision
from app.survey.individuals.naming import heard, next_name
from app.survey.tables.decisions import Decision
from app.survey.tables.individuals import Individual, Sighting

DESCRIPTION = ("species", "sex", "age_class", "life_status", "notes")
SEXES = ("unknown", "female", "male")
AGE_CLASSES = ("unknown", "cub", "subadult", "adult")
LIFE_STATES = ("unknown", "alive", "dead")
CHOICES = {"sex": SEXES, "age_class": AGE_CLASSES, "life_status": LIFE_STATES}
LONGEST_NOTES = 4000


def rename(session: Session, who: str, individual_id: int, name: str) -> Decision:
    """Give an individual another name; the old one stays taken by a row that points to it.

    Raises BadDecision when the name was ever used, Contradiction when the individual was merged away.
    """
    individual = _listed(session, individual_id)
    old, tidy = individual.name, " ".join(name.split())[:80]
    change = Change(session, who)
    if tidy and heard(tidy) == heard(old):
        if tidy == old:
            raise BadDecision(f"It is called {old} already.")
        change.put(Individual, {"id": individual_id}, name=tidy)
    else:
        try:
            change.put(Individual, {"id": individual_id}, name=free_name(session, name))
        except IntegrityError as error:  # somebody else gave the name at the same moment (PostgreSQL)
            raise BadDecision(f"{tidy} was given to another individual a moment ago.") from error
        change.add(Individual(name=old, merged_into_id=individual_id))
    return change.record("rename", individual_id=individual_id, view={"from": old, "to": individual.name})


def describe(
    session: Session, who: str, individual_id: int, *, seen: dict[str, Any] | None = None, **values: Any
) -> Decision:
    """Set species, sex, age_class, life_status or notes.

    seen: the values the person had before their eyes. Raises Contradiction when somebody changed one of the fields
    since, BadDecision for a field or value that does not exist or when nothing changes.
    """
    if unknown := set(values) - set(DESCRIPTION):
        raise BadDecision(f"An individual has no {', '.join(sorted(unknown))}.")
    individual = _listed(session, individual_id)
    wanted = {name: _tidy(name, value) for name, value in values.items()}
    changed = {name: value for name, value in wanted.items() if value != _tidy(name, getattr(individual, name))}
    for name in changed:
        if seen is not None and name in seen and _tidy(name, seen[name]) != _tidy(name, getattr(individual, name)):
            raise Contradiction(
                f"Somebody set {name.replace('_', ' ')} of {individual.name} to "
                f"{getattr(individual, name) or 'nothing'} meanwhile. Look at it and save again."
            )
    if not changed:
        raise BadDecision("Nothing was changed.")
    change = Change(session, who)
    before = {name: getattr(individual, name) for name in changed}
    change.put(Individual, {"id": individual_id}, **changed)
    return change.record("describe", individual_id=individual_id, view={**changed, "before": before})


def merge(session: Session, who: str, keep_id: int, other_id: int) -> Decision:
    """All sightings of the other individual become sightings of the kept one; the other's name stays taken.

    Raises Contradiction when one of the two has been merged away already.
    """
    keep, other = both(session, keep_id, other_id)
    change = Change(session, who)
    moved = unite(change, keep, other)
    view = {"merged": other.name, "merged_id": other.id, "sightings": len(moved)}
    return change.record("merge", individual_id=keep.id, view=view)


def split(session: Session, who: str, individual_id: int, detection_ids: Collection[int]) -> Decision:
    """Move some sightings of an individual to a new one. Raises BadDecision unless they are some, not all, of its."""
    individual = _listed(session, individual_id)
    mine = set(session.scalars(sa.select(Sighting.detection_id).where(Sighting.individual_id == individual_id)))
    if set(detection_ids) - mine:
        raise BadDecision(
            f"Some of these crops do not belong to {individual.name} any more. Look again and choose anew."
        )
    if not detection_ids or set(detection_ids) == mine:
        raise BadDecision("Choose some, but not all, of this individual's sightings to split off.")
    change = Change(session, who)
    new = change.add(Individual(name=next_name(session), species=individual.species))
    for detection_id in sorted(set(detection_ids)):
        change.sign(Sighting, {"detection_id": detection_id}, individual_id=new.id)
    view = {"new": new.name, "new_id": new.id, "sightings": len(set(detection_ids))}
    return change.record("split", individual_id=individual_id, view=view)


def take_out(session: Session, who: str, detection_id: int, *others: int, individual_id: int | None = None) -> Decision:
    """Take sightings out of their individual; the crops wait for a decision again.

    individual_id: whose they were when the person looked; Contradiction when they belong to somebody else by now.
    """
    change = Change(session, who)
    owner: int | None = None
    for number in (detection_id, *others):
        sighting = session.get(Sighting, number)
        if sighting is None:
            raise BadDecision("This crop belongs to no individual.")
        if individual_id is not None and sighting.individual_id != individual_id:
            raise Contradiction("One of these crops belongs to another individual by now. Look again.")
        owner = sighting.individual_id
        change.drop(Sighting, {"detection_id": number})
    view = {"sightings": 1 + len(others)}
    return change.record("take out", detection_id=detection_id, individual_id=owner, view=view)


def _tidy(name: str, value: Any) -> str | None:
    text = str(value).strip() if value is not None else ""
    if name in CHOICES:
        if text not in ("", *CHOICES[name]):
            raise BadDecision(f"{text} is not a {name.replace('_', ' ')}: {', '.join(CHOICES[name])}.")
        return None if text in ("", "unknown") else text
    return text[: LONGEST_NOTES if name == "notes" else 120] or None


def both(session: Session, keep_id: int, other_id: int) -> tuple[Individual, Individual]:
    """Two individuals that are about to become one, locked in the order of their ids.

    Raises BadDecision when both are the same, Contradiction when one has been merged away already.
    """
    if keep_id == other_id:
        raise BadDecision("An individual cannot be merged with itself.")
    found = {number: _listed(session, number) for number in sorted((keep_id, other_id))}
    return found[keep_id], found[other_id]


def _listed(session: Session, individual_id: int) -> Individual:
    individual = session.get(Individual, individual_id, with_for_update=True)
    if individual is None:
        raise BadDecision("This individual does not exist any more.")
    if individual.merged_into_id is not None:
        raise Contradiction(f"{individual.name} has been merged already. Undo that merge first.")
    return individual
