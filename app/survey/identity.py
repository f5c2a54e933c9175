"""Decisions about who an animal is: same, different, unsure, new individual, unidentifiable, flank.

A person decides identity. Same and different are kept as pairs of crops, also when they assign nothing.
"""

from __future__ import annotations

import re
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.decide import Change, already_made
from app.survey.decisions import Decision
from app.survey.detections import Detection, DetectionReview
from app.survey.individuals import Individual, PairVerdict, Sighting
from app.survey.review import BadDecision
from modal_backend.contracts import Flank

KINDS = ("same", "different", "pair unsure", "new", "unidentifiable", "identity unsure", "flank")
PREFIX = "T-"


class Contradiction(Exception):
    """What was asked contradicts an earlier decision; nothing was changed. The text says which and what to do."""


def say_same(
    session: Session,
    who: str,
    query_id: int,
    candidate_id: int,
    *,
    view: dict[str, Any] | None = None,
    client_key: str | None = None,
) -> Decision:
    """The two crops show the same individual: the one without a name gets the other's, or both a new one.

    Raises Contradiction when the two are different individuals already, or were said to be different.
    """
    if known := already_made(session, client_key):
        return known
    query, candidate = _check_pair(session, query_id, candidate_id)
    ours, theirs = _individual_of(session, query.id), _individual_of(session, candidate.id)
    if ours and theirs and ours.id != theirs.id:
        raise Contradiction(
            f"These crops belong to {ours.name} and {theirs.name}. Merge them in Individuals, or take one back first."
        )
    target = theirs or ours
    if target and _said_different(session, query.id if theirs else candidate.id, target.id):
        raise Contradiction(f"This crop was said to be different from {target.name}. Undo that decision first.")
    change = Change(session)
    if target is None:
        target = change.add(Individual(name=next_name(session)))
    for detection_id, present in ((query.id, ours), (candidate.id, theirs)):
        if present is None:
            _assign(change, who, detection_id, target.id)
    _pair(change, who, query.id, candidate.id, "same")
    return _log(change, "same", who, query, target.id, candidate.id, view, client_key)


def say_pair(
    session: Session,
    who: str,
    query_id: int,
    candidate_id: int,
    verdict: str,
    *,
    view: dict[str, Any] | None = None,
    client_key: str | None = None,
) -> Decision:
    """The two crops show different individuals, or one cannot say (unsure).

    Raises Contradiction for "different" when both belong to one individual.
    """
    if verdict not in ("different", "unsure"):
        raise BadDecision(f"{verdict} cannot be said about a pair.")
    if known := already_made(session, client_key):
        return known
    query, candidate = _check_pair(session, query_id, candidate_id)
    ours, theirs = _individual_of(session, query.id), _individual_of(session, candidate.id)
    if verdict == "different" and ours and theirs and ours.id == theirs.id:
        raise Contradiction(f"Both crops belong to {ours.name}. Take one of them out of {ours.name} first.")
    change = Change(session)
    _pair(change, who, query.id, candidate.id, verdict)
    kind = "different" if verdict == "different" else "pair unsure"
    return _log(change, kind, who, query, theirs.id if theirs else None, candidate.id, view, client_key)


def new_individual(
    session: Session,
    who: str,
    query_id: int,
    *,
    name: str | None = None,
    view: dict[str, Any] | None = None,
    client_key: str | None = None,
) -> Decision:
    """The crop shows an animal nobody knows yet. Raises BadDecision for a name that was ever used."""
    if known := already_made(session, client_key):
        return known
    query = _detection(session, query_id)
    ours = _individual_of(session, query.id)
    if ours:
        raise Contradiction(f"This crop belongs to {ours.name} already. Take it out of {ours.name} first.")
    change = Change(session)
    individual = change.add(Individual(name=free_name(session, name) if name else next_name(session)))
    _assign(change, who, query.id, individual.id)
    return _log(change, "new", who, query, individual.id, None, view, client_key)


def set_identity_state(
    session: Session, who: str, query_id: int, state: str, *, client_key: str | None = None
) -> Decision:
    """Nobody can tell who it is (unidentifiable), or not yet (unsure); the crop keeps no individual."""
    if state not in ("unsure", "unidentifiable"):
        raise BadDecision(f"{state} is not something that can be said about a crop.")
    if known := already_made(session, client_key):
        return known
    query = _detection(session, query_id)
    change = Change(session)
    change.drop(Sighting, {"detection_id": query.id})
    change.put(DetectionReview, {"detection_id": query.id}, identity=state, who=who, decided_at=time.time())
    kind = "identity unsure" if state == "unsure" else state
    return _log(change, kind, who, query, None, None, None, client_key)


def set_flank(session: Session, who: str, detection_id: int, flank: str, *, client_key: str | None = None) -> Decision:
    """Which side of the animal the crop shows."""
    if flank not in list(Flank):
        raise BadDecision(f"{flank} is not a flank: left, right, other or unknown.")
    if known := already_made(session, client_key):
        return known
    query = _detection(session, detection_id)
    change = Change(session)
    change.put(DetectionReview, {"detection_id": query.id}, flank=flank, who=who, decided_at=time.time())
    return _log(change, "flank", who, query, None, None, {"flank": flank}, client_key)


def next_name(session: Session, prefix: str = PREFIX) -> str:
    """The first unused name with this prefix after the highest number ever given, as T-001."""
    numbers = [
        int(match[1])
        for name in session.scalars(sa.select(Individual.name).where(Individual.name.startswith(prefix)))
        if (match := re.fullmatch(re.escape(prefix) + r"(\d+)", name))
    ]
    return f"{prefix}{max(numbers, default=0) + 1:03d}"


def free_name(session: Session, name: str) -> str:
    """The name, tidied. Raises BadDecision when it is empty or was ever given to an individual."""
    name = " ".join(name.split())[:80]
    if not name:
        raise BadDecision("A name needs at least one letter or number.")
    if session.scalar(sa.select(Individual.id).where(sa.func.lower(Individual.name) == name.lower())):
        raise BadDecision(f"{name} is the name of an individual already; names are never used twice.")
    return name


def _check_pair(session: Session, query_id: int, candidate_id: int) -> tuple[Detection, Detection]:
    if query_id == candidate_id:
        raise BadDecision("A crop cannot be compared with itself.")
    return _detection(session, query_id), _detection(session, candidate_id)


def _detection(session: Session, detection_id: int) -> Detection:
    detection = session.get(Detection, detection_id)
    if detection is None:
        raise BadDecision("This crop does not exist any more.")
    return detection


def _individual_of(session: Session, detection_id: int) -> Individual | None:
    return session.scalar(sa.select(Individual).join(Sighting).where(Sighting.detection_id == detection_id))


def _said_different(session: Session, detection_id: int, individual_id: int) -> bool:
    members = sa.select(Sighting.detection_id).where(Sighting.individual_id == individual_id)
    return (
        session.scalar(
            sa.select(
                sa.exists().where(
                    PairVerdict.verdict == "different",
                    sa.or_(
                        sa.and_(PairVerdict.low_id == detection_id, PairVerdict.high_id.in_(members)),
                        sa.and_(PairVerdict.high_id == detection_id, PairVerdict.low_id.in_(members)),
                    ),
                )
            )
        )
        or False
    )


def _assign(change: Change, who: str, detection_id: int, individual_id: int) -> None:
    change.put(Sighting, {"detection_id": detection_id}, individual_id=individual_id, who=who, decided_at=time.time())
    review = change.session.get(DetectionReview, detection_id)
    if review is not None and review.identity:
        change.put(DetectionReview, {"detection_id": detection_id}, identity=None)


def _pair(change: Change, who: str, first: int, second: int, verdict: str) -> None:
    key = {"low_id": min(first, second), "high_id": max(first, second)}
    change.put(PairVerdict, key, verdict=verdict, who=who, decided_at=time.time())


def _log(
    change: Change,
    kind: str,
    who: str,
    query: Detection,
    individual_id: int | None,
    candidate_id: int | None,
    view: dict[str, Any] | None,
    client_key: str | None,
) -> Decision:
    return change.record(
        kind,
        who,
        view={**(view or {}), **({"candidate_id": candidate_id} if candidate_id else {})},
        media_id=query.media_id,
        detection_id=query.id,
        individual_id=individual_id,
        client_key=client_key,
    )
