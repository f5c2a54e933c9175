"""The survey's own list of species labels, offered beside those already used; a person adds and removes entries."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.tables.detections import DetectionReview
from app.survey.tables.species import LONGEST, SpeciesLabel


@dataclass(frozen=True, slots=True)
class SpeciesChoice:
    """A label to offer.

    Attributes:
        used: on how many detections it stands.
        listed: whether it is on the survey's list.
    """

    name: str
    common: str
    used: int
    listed: bool


def choices(session: Session) -> list[SpeciesChoice]:
    """Labels used in this survey, the most used first, then the rest of the survey's list by name."""
    counted = (
        sa.select(DetectionReview.species, sa.func.count())
        .where(DetectionReview.species.is_not(None))
        .group_by(DetectionReview.species)
    )
    used = {row[0]: row[1] for row in session.execute(counted)}
    listed = {row[0]: row[1] for row in session.execute(sa.select(SpeciesLabel.name, SpeciesLabel.common))}
    found = [
        SpeciesChoice(name, listed.get(name, ""), used.get(name, 0), name in listed)
        for name in {*used, *listed}
        if name
    ]
    return sorted(found, key=lambda label: (-label.used, label.name.lower()))


def tidy(name: str | None) -> str | None:
    """A label without stray spaces; None when nothing is left of it."""
    return " ".join((name or "").split())[:LONGEST] or None
