"""An individual known by its left flank alone and one known by its right alone, joined by a person who says why.

Nothing in the patterns can tell: a tiger's flanks are two patterns. What can is a picture or an event that shows both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.decisions import contradictions
from app.survey.decisions.catalogue import both
from app.survey.decisions.changes import Change
from app.survey.decisions.contradictions import Contradiction
from app.survey.decisions.identity import unite
from app.survey.decisions.refusals import BadDecision
from app.survey.individuals.catalogue import family
from app.survey.individuals.flanks import one_sided
from app.survey.tables.decisions import Decision
from app.survey.tables.detections import Detection
from app.survey.tables.individuals import Individual, Sighting
from modal_backend.contracts import OPPOSITE

KIND = "join flanks"
LONGEST_REASON = 400


@dataclass(frozen=True, slots=True)
class FlankJoin:
    """A join that stands: `name` brought the flank `side`. decided_at: seconds since 1970."""

    decision_id: int
    name: str
    side: str
    reason: str
    who: str
    decided_at: float


def join(
    session: Session, who: str, keep_id: int, other_id: int, reason: str, *, seen_on: Iterable[int] = ()
) -> Decision:
    """Two individuals, each known by one flank, are one animal: the kept one gets the other's sightings.

    reason: how the person knows. seen_on: detections that show it. Raises BadDecision without a reason or when the two
    are not known by opposite flanks alone, Contradiction when decisions or a picture say that they are two animals.
    """
    why = " ".join(reason.split())[:LONGEST_REASON]
    if not why:
        raise BadDecision("Say how you know that both flanks belong to one animal.")
    keep, other = both(session, keep_id, other_id)
    sides = one_sided(session, (keep.id, other.id))
    if keep.id not in sides or sides[keep.id] != OPPOSITE.get(sides.get(other.id)):
        raise BadDecision(
            f"{keep.name} and {other.name} are not known by opposite flanks alone: compare their crops in Identify, "
            "or merge them."
        )
    refuse_two_animals(session, keep, other)
    change = Change(session, who)
    moved = unite(change, keep, other)
    view = {
        "merged": other.name,
        "merged_id": other.id,
        "sightings": len(moved),
        "flank": sides[other.id],
        "reason": why,
        "seen_on": sorted(set(seen_on)) or None,
    }
    return change.record(KIND, individual_id=keep.id, view=view)


def refuse_two_animals(session: Session, keep: Individual, other: Individual) -> None:
    """Raise Contradiction when crops of the two were said to be different, or one picture shows both."""
    apart = contradictions.rejection_between(session, keep.id, other.id)
    if apart is not None:
        raise Contradiction(
            f"Crops of {keep.name} and {other.name} were said to be different animals. Take that back first.",
            [contradictions.link_of(apart)],
            contradictions.take_back(session, apart),
        )
    pictured = shared_media(session, keep.id, other.id)
    if pictured:
        raise Contradiction(
            f"{keep.name} and {other.name} are side by side on one picture, so they are two animals; "
            "if one of the boxes is wrong, delete it or take its crop out first."
        )


def shared_media(session: Session, first_id: int, second_id: int) -> list[int]:
    """Media on which both individuals are boxed."""
    first = sa.select(Detection.media_id).join(Sighting).where(Sighting.individual_id == first_id)
    second = sa.select(Detection.media_id).join(Sighting).where(Sighting.individual_id == second_id)
    return list(session.scalars(first.where(Detection.media_id.in_(second)).distinct()))


def joins(session: Session, individual_id: int) -> list[FlankJoin]:
    """The joins that made this individual, as far as sightings they brought are still its own; oldest first."""
    standing = sa.select(Decision).where(
        Decision.kind == KIND, Decision.undone_at.is_(None), Decision.individual_id.in_(family(session, individual_id))
    )
    mine = set(session.scalars(sa.select(Sighting.detection_id).where(Sighting.individual_id == individual_id)))
    return [
        FlankJoin(made.id, made.view["merged"], made.view["flank"], made.view["reason"], made.who, made.decided_at)
        for made in session.scalars(standing.order_by(Decision.id))
        if mine & {(change["after"] or {}).get("detection_id") for change in made.changes}
    ]
