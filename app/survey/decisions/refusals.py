"""Why a decision is refused: it cannot be as asked, or something newer stands in the way of taking it back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.decisions import contradictions
from app.survey.tables.decisions import Decision
from app.survey.tables.individuals import Individual, PairVerdict, Sighting


class BadDecision(ValueError):
    """The decision cannot be made as asked; the text says why."""


class DecisionConflict(Exception):
    """Somebody decided something else about the same thing since; nothing was changed."""


def what_is_newer(session: Session, decision: Decision) -> str:
    """Why a decision cannot be turned, with who stands in the way."""
    about = [
        column == value
        for column, value in (
            (Decision.detection_id, decision.detection_id),
            (Decision.media_id, decision.media_id),
            (Decision.individual_id, decision.individual_id),
        )
        if value is not None
    ]
    newer = session.execute(
        sa.select(Decision.who, Decision.kind, Decision.decided_at)
        .where(Decision.id > decision.id, Decision.undone_at.is_(None), sa.or_(sa.false(), *about))
        .order_by(Decision.id)
        .limit(1)
    ).first()
    by = f" ({newer.kind}, by {newer.who} at {datetime.fromtimestamp(newer.decided_at):%H:%M})" if newer else ""
    return f"Something newer was decided about this{by}; undo that first, in History."


def refuse_contradiction(session: Session, decision: Decision) -> None:
    """Raise DecisionConflict when rows that a decision had changed came back and contradict what was decided since.

    A contradiction that stood when the decision was made (a merge may make one knowingly) is as it was then: no reason
    to refuse.
    """
    standing = contradictions.contradicted(session, _crops_of(decision))
    if not standing:
        return
    moved = {key for changes in _changed_since(session, decision) for key in _keys(changes)}
    for pair in standing:
        if moved & {pair.low_id, pair.high_id, (pair.low_id, pair.high_id)}:
            verdict = contradictions.link_of(pair).text
            raise DecisionConflict(f"This would contradict what was decided since: {verdict}. Take that back first.")


def _crops_of(decision: Decision) -> set[int]:
    """The crops whose individual, or what was said about them, a decision changed."""
    keys = _keys(decision.changes)
    return {crop for key in keys for crop in (key if isinstance(key, tuple) else (key,))}


def _keys(changes: list[dict[str, Any]]) -> set[int | tuple[int, int]]:
    """The crops whose sighting was changed, and the pairs whose verdict was."""
    keys: set[int | tuple[int, int]] = set()
    for change in changes:
        row = change["after"] or change["before"]
        if change["table"] == Sighting.__tablename__:
            keys.add(row["detection_id"])
        elif change["table"] == PairVerdict.__tablename__:
            keys.add((row["low_id"], row["high_id"]))
    return keys


def _changed_since(session: Session, decision: Decision) -> list[list[dict[str, Any]]]:
    """The rows changed by decisions that stand now and did not when this one was made, or the other way round.

    A decision that was undone and made again stands now as it did then.
    """
    fell = sa.and_(Decision.id < decision.id, Decision.undone_at > decision.decided_at)
    came = sa.and_(Decision.id > decision.id, Decision.undone_at.is_(None))
    found = session.scalars(sa.select(Decision).where(sa.or_(fell, came)).order_by(Decision.id)).all()
    by_origin: dict[int, list[Decision]] = {}
    for other in found:
        by_origin.setdefault(_origin(session, other), []).append(other)
    by_origin.pop(_origin(session, decision), None)
    return [some[0].changes for some in by_origin.values() if len({entry.undone_at is None for entry in some}) == 1]


def _origin(session: Session, decision: Decision) -> int:
    """The id of the decision as it was made first, before it was undone and made again."""
    first: Decision | None = decision
    while first is not None and "redoes" in first.view:
        decision, first = first, session.get(Decision, int(first.view["redoes"]))
    return first.id if first is not None else decision.id


def refuse_when_used(session: Session, individual: Individual) -> None:
    """Raise DecisionConflict when an individual about to be undone has gained sightings or merges since."""
    used = sa.select(Sighting.detection_id).where(Sighting.individual_id == individual.id)
    merged = sa.select(Individual.id).where(Individual.merged_into_id == individual.id)
    if session.scalar(used.limit(1)) is not None or session.scalar(merged.limit(1)) is not None:
        raise DecisionConflict(
            f"Other crops have been assigned to {individual.name} since; undo those decisions first, or split it."
        )
