"""Add to and remove from the survey's list of species labels, as decisions that can be undone."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.decisions.changes import Change
from app.survey.decisions.refusals import BadDecision
from app.survey.media.species import tidy
from app.survey.tables.decisions import Decision
from app.survey.tables.species import SpeciesLabel


def add_label(session: Session, who: str, name: str, common: str = "") -> Decision:
    """Offer a label in this survey. Raises BadDecision when it is empty or on the list already."""
    tidied = tidy(name)
    if tidied is None:
        raise BadDecision("A species label needs at least one letter.")
    if _row(session, tidied) is not None:
        raise BadDecision(f"{tidied} is on the list already.")
    change = Change(session, who)
    change.add(SpeciesLabel(name=tidied, common=tidy(common) or "", **change.signature))
    return change.record("list species", view={"species": tidied})


def remove_label(session: Session, who: str, name: str) -> Decision:
    """Offer a label no longer; detections that carry it keep it. Raises BadDecision when it is not on the list."""
    row = _row(session, name)
    if row is None:
        raise BadDecision(f"{name} is not on the list.")
    change = Change(session, who)
    change.drop(SpeciesLabel, {"id": row.id})
    return change.record("unlist species", view={"species": row.name})


def _row(session: Session, name: str) -> SpeciesLabel | None:
    return session.scalar(sa.select(SpeciesLabel).where(sa.func.lower(SpeciesLabel.name) == name.lower()))
