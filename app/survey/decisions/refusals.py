"""Why a decision cannot be taken back or made again: something newer stands in the way."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.decisions import contradictions
from app.survey.tables.decisions import Decision
from app.survey.tables.individuals import Individual, PairVerdict, Sighting


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


def refuse_contradiction(session: Session, came: list[tuple[str, dict[str, Any] | None]]) -> None:
    """Raise DecisionConflict when rows that came back (table, values) contradict what was decided since."""
    for table, back in came:
        if back is None or table not in (Sighting.__tablename__, PairVerdict.__tablename__):
            continue
        ends = [back[name] for name in ("detection_id", "low_id", "high_id") if name in back]
        standing = contradictions.contradicted(session, ends)
        if standing is not None:
            said = contradictions.said(standing).text
            raise DecisionConflict(
                f"Undoing this would contradict what was decided since: {said}. Take that back first."
            )


def refuse_when_used(session: Session, individual: Individual) -> None:
    """Raise DecisionConflict when an individual about to be undone has gained sightings or merges since."""
    used = sa.select(Sighting.detection_id).where(Sighting.individual_id == individual.id)
    merged = sa.select(Individual.id).where(Individual.merged_into_id == individual.id)
    if session.scalar(used.limit(1)) is not None or session.scalar(merged.limit(1)) is not None:
        raise DecisionConflict(
            f"Other crops have been assigned to {individual.name} since; undo those decisions first, or split it."
        )
