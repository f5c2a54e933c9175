"""Decisions about who an animal is: same, different, unsure, new individual, unidentifiable, flank.

A person decides identity. Same and different are kept as pairs of crops, also when they assign nothing, and hold as
constraints: what contradicts them raises `Contradiction` with the chain of decisions and the ways out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.decisions import bursts, contradictions
from app.survey.decisions.changes import Change
from app.survey.decisions.contradictions import Contradiction, WayOut
from app.survey.decisions.refusals import BadDecision
from app.survey.individuals import naming
from app.survey.individuals.naming import next_name
from app.survey.tables.decisions import Decision
from app.survey.tables.detections import Detection, DetectionReview
from app.survey.tables.individuals import Individual, Naming, PairVerdict, Sighting
from modal_backend.contracts import Flank


def say_same(
    session: Session,
    who: str,
    query_id: int,
    candidate_id: int,
    *,
    join: bool = False,
    together: Sequence[int] = (),
    view: dict[str, Any] | None = None,
) -> Decision:
    """The two crops show the same individual: the one without a name gets the other's, or both a new one.

    join: make two individuals one, named as the one known longer; without it that is a contradiction.
    together: crops of the query's burst that get the same name, as far as nothing was said against it. Raises
    Contradiction when they are two individuals already, or were said to be different.
    """
    query, candidate = _check_pair(session, query_id, candidate_id)
    ours, theirs = _individual_of(session, query.id), _individual_of(session, candidate.id)
    change = Change(session, who)
    target: Individual | None
    if ours and theirs and ours.id != theirs.id:
        target = _joined(change, query.id, candidate.id, ours, theirs, join)
    else:
        target = theirs or ours
        contradictions.check_rejections(session, query.id, candidate.id, ours, theirs)
        target = target or change.add(Individual(name=next_name(session)))
        for detection_id, present in ((query.id, ours), (candidate.id, theirs)):
            if present is None:
                _assign(change, detection_id, target.id)
    _pair(change, query.id, candidate.id, "same")
    bursts.assign(change, [other for other in together if other != candidate.id], target.id)
    return _log(change, "same", query, target.id, candidate.id, view)


def say_pair(
    session: Session,
    who: str,
    query_id: int,
    candidate_id: int,
    verdict: str,
    *,
    replace: bool = False,
    view: dict[str, Any] | None = None,
) -> Decision:
    """The two crops show different individuals, or one cannot say (unsure).

    Raises Contradiction when both belong to one individual, and when somebody else has said "different" about them
    and this would make it "unsure", unless replace is set.
    """
    if verdict not in ("different", "unsure"):
        raise BadDecision(f"{verdict} cannot be said about a pair.")
    query, candidate = _check_pair(session, query_id, candidate_id)
    ours, theirs = _individual_of(session, query.id), _individual_of(session, candidate.id)
    if ours and theirs and ours.id == theirs.id:
        raise contradictions.one_already(session, query.id, candidate.id, ours)
    standing = contradictions.verdict_of(session, query.id, candidate.id)
    if standing and standing.verdict == "different" and verdict == "unsure" and standing.who != who and not replace:
        raise Contradiction(
            f"{standing.who} has said that these crops are different; your “unsure” has not been saved over it.",
            [contradictions.link_of(standing)],
            [WayOut("replace", "say unsure in its place")],
        )
    change = Change(session, who)
    _pair(change, query.id, candidate.id, verdict)
    kind = "different" if verdict == "different" else "pair unsure"
    return _log(change, kind, query, theirs.id if theirs else None, candidate.id, view)


def new_individual(
    session: Session,
    who: str,
    query_id: int,
    *,
    name: str | None = None,
    together: Sequence[int] = (),
    view: dict[str, Any] | None = None,
) -> Decision:
    """The crop, and those of its burst, show an animal nobody knows yet. Raises BadDecision for a name ever used."""
    query = _detection(session, query_id)
    if ours := _individual_of(session, query.id):
        raise contradictions.named_already(session, query.id, ours)
    change = Change(session, who)
    individual = change.add(Individual(name=free_name(session, name) if name else next_name(session)))
    _assign(change, query.id, individual.id)
    bursts.assign(change, together, individual.id)
    return _log(change, "new", query, individual.id, None, view)


def set_identity_state(
    session: Session,
    who: str,
    query_id: int,
    state: str,
    *,
    together: Sequence[int] = (),
    view: dict[str, Any] | None = None,
) -> Decision:
    """Nobody can tell who it is (unidentifiable), or not yet (unsure); the same for those of its burst.

    Raises Contradiction for a crop that belongs to an individual: it has to be taken out first.
    """
    if state not in ("unsure", "unidentifiable"):
        raise BadDecision(f"{state} is not something that can be said about a crop.")
    query = _detection(session, query_id)
    if ours := _individual_of(session, query.id):
        raise contradictions.named_already(session, query.id, ours)
    change = Change(session, who)
    change.sign(DetectionReview, {"detection_id": query.id}, identity=state)
    bursts.set_state(change, together, state)
    kind = "identity unsure" if state == "unsure" else state
    return _log(change, kind, query, None, None, view)


def set_flank(
    session: Session,
    who: str,
    detection_id: int,
    flank: str,
    *,
    shown: str | None = None,
    view: dict[str, Any] | None = None,
) -> Decision:
    """Which side of the animal the crop shows.

    shown: the flank this person saw when deciding; raises Contradiction when somebody set another one meanwhile.
    """
    if flank not in list(Flank):
        raise BadDecision(f"{flank} is not a flank: left, right, other or unknown.")
    query = _detection(session, detection_id)
    review = session.get(DetectionReview, detection_id)
    now = (review.flank if review else None) or "unknown"
    if shown is not None and now not in (shown, flank) and review is not None and review.who != who:
        raise Contradiction(f"{review.who} has set the {now} flank meanwhile. Press the key again to change it.")
    change = Change(session, who)
    change.sign(DetectionReview, {"detection_id": query.id}, flank=flank)
    return _log(change, "flank", query, None, None, {"flank": flank, **(view or {})})


def set_naming(session: Session, who: str, prefix: str, digits: int = naming.DIGITS) -> Decision:
    """Choose prefix and digits of the names to come; names that exist stay.

    Raises BadDecision for a prefix that is too long or ends in a figure, and for too many digits.
    """
    prefix = prefix.strip()
    if len(prefix) > 20:
        raise BadDecision("A prefix has at most 20 letters.")
    if prefix[-1:].isdigit():
        raise BadDecision(
            f"The prefix {prefix} ends in a figure, so that numbers would run into it; end it with - or a letter."
        )
    if not 1 <= digits <= 6:
        raise BadDecision("Numbers have one to six digits.")
    change = Change(session, who)
    change.sign(Naming, {"id": naming.ONLY}, prefix=prefix, digits=digits)
    return change.record("naming", view={"prefix": prefix, "digits": digits})


def free_name(session: Session, name: str) -> str:
    """The name, tidied.

    Raises BadDecision when it is empty, or when an individual ever had it or one that differs only by case, spaces or
    hyphens.
    """
    name = " ".join(name.split())[:80]
    if not name:
        raise BadDecision("A name needs at least one letter or number.")
    if given := naming.alike(name, naming.ever_given(session)):
        raise BadDecision(f"{given} is or was the name of an individual; names are never used twice.")
    return name


def unite(change: Change, keep: Individual, other: Individual) -> list[int]:
    """Make every sighting of the other individual one of the kept; returns their detections. Part of a decision."""
    members = sa.select(Sighting.detection_id).where(Sighting.individual_id == other.id)
    moved = list(change.session.scalars(members.order_by(Sighting.detection_id)))
    for detection_id in moved:
        change.sign(Sighting, {"detection_id": detection_id}, individual_id=keep.id)
    change.put(Individual, {"id": other.id}, merged_into_id=keep.id)
    return moved


def _joined(
    change: Change, query_id: int, candidate_id: int, ours: Individual, theirs: Individual, join: bool
) -> Individual:
    """Make two individuals one. Raises Contradiction without `join`, or when their crops were said to be different."""
    session = change.session
    apart = contradictions.rejection_between(session, ours.id, theirs.id)
    chain = [*contradictions.assigned(session, query_id), *contradictions.assigned(session, candidate_id)]
    if apart is not None:
        raise Contradiction(
            f"These crops belong to {ours.name} and {theirs.name}, and crops of the two were said to be different.",
            [*chain, contradictions.link_of(apart)],
            [
                *contradictions.take_back(session, apart),
                contradictions.take_out(ours, query_id),
                contradictions.take_out(theirs, candidate_id),
            ],
        )
    if not join:
        raise Contradiction(
            f"These crops belong to {ours.name} and {theirs.name}. Make them one individual, or take a crop out first.",
            chain,
            [
                contradictions.join(ours, theirs),
                contradictions.take_out(ours, query_id),
                contradictions.take_out(theirs, candidate_id),
            ],
        )
    keep, other = sorted((ours, theirs), key=lambda individual: individual.id)
    unite(change, keep, other)
    return keep


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


def _assign(change: Change, detection_id: int, individual_id: int) -> None:
    change.sign(Sighting, {"detection_id": detection_id}, individual_id=individual_id)
    review = change.session.get(DetectionReview, detection_id)
    if review is not None and review.identity:
        change.put(DetectionReview, {"detection_id": detection_id}, identity=None)


def _pair(change: Change, first: int, second: int, verdict: str) -> None:
    key = {"low_id": min(first, second), "high_id": max(first, second)}
    change.sign(PairVerdict, key, verdict=verdict)


def _log(
    change: Change,
    kind: str,
    query: Detection,
    individual_id: int | None,
    candidate_id: int | None,
    view: dict[str, Any] | None,
) -> Decision:
    return change.record(
        kind,
        view={**(view or {}), **({"candidate_id": candidate_id} if candidate_id else {})},
        media_id=query.media_id,
        detection_id=query.id,
        individual_id=individual_id,
    )
