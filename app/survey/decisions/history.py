"""The list of everything people decided, newest first, and what can be done about it: undo, undo back to here, redo."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.decisions.changes import DecisionConflict, redo, undo
from app.survey.tables.decisions import Decision
from app.survey.tables.individuals import Individual
from app.survey.tables.media import ListedFile

REMEMBERED = 400


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Which decisions to list: one person's, one kind, about one media or individual; all of them by default."""

    who: str | None = None
    kind: str | None = None
    media_id: int | None = None
    individual_id: int | None = None
    standing: bool = False


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One decision of a person. decided_at and undone_at: seconds since 1970. file: name of the media it is about.

    media_id is None for a decision about several media; those are in view["media_ids"].
    """

    id: int
    kind: str
    who: str
    decided_at: float
    media_id: int | None
    detection_id: int | None
    individual_id: int | None
    view: dict[str, Any]
    undone_at: float | None
    undone_by: str | None
    file: str | None
    individual: str | None


def entries(session: Session, wanted: HistoryFilter, *, limit: int = 50, offset: int = 0) -> list[HistoryEntry]:
    """Decisions, newest first, without the rows they changed."""
    path = (
        sa.select(sa.func.min(ListedFile.path))
        .where(ListedFile.media_id == Decision.media_id)
        .correlate(Decision)
        .scalar_subquery()
    )
    rows = session.execute(
        sa.select(
            Decision.id,
            Decision.kind,
            Decision.who,
            Decision.decided_at,
            Decision.media_id,
            Decision.detection_id,
            Decision.individual_id,
            Decision.view,
            Decision.undone_at,
            Decision.undone_by,
            path,
            Individual.name,
        )
        .outerjoin(Individual, Individual.id == Decision.individual_id)
        .where(*_where(wanted))
        .order_by(Decision.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [HistoryEntry(*tuple(row)) for row in rows]


def count(session: Session, wanted: HistoryFilter) -> int:
    """How many decisions the filter leaves."""
    return session.scalar(sa.select(sa.func.count(Decision.id)).where(*_where(wanted))) or 0


def people(session: Session) -> list[str]:
    """Everybody who has decided something, by name."""
    return sorted(session.scalars(sa.select(Decision.who).distinct()))


def kinds(session: Session) -> list[str]:
    """The kinds of decision there are, by name."""
    return sorted(session.scalars(sa.select(Decision.kind).distinct()))


def undo_one(session: Session, decision_id: int, who: str) -> Decision:
    """Undo one decision, whoever made it. Raises DecisionConflict when something newer stands on it."""
    return undo(session, _found(session, decision_id), who)


def undo_back_to(session: Session, decision_id: int, who: str) -> list[Decision]:
    """Undo everything the person of this decision decided since, newest first, and the decision itself.

    All of it or, when something newer of somebody else stands on it (DecisionConflict), nothing.
    """
    first = _found(session, decision_id)
    standing = sa.select(Decision).where(
        Decision.who == first.who, Decision.id >= first.id, Decision.undone_at.is_(None)
    )
    return [undo(session, one, who) for one in session.scalars(standing.order_by(Decision.id.desc())).all()]


def redo_one(session: Session, decision_id: int, who: str) -> Decision:
    """Make an undone decision again, as a new entry. Raises DecisionConflict when something stands in the way."""
    if decision_id in _redone(session, who):
        raise DecisionConflict("This decision has been made again already.")
    return redo(session, _found(session, decision_id), who)


def redo_last(session: Session, who: str, kinds: Iterable[str], client_key: str) -> Decision | None:
    """Make again what this person undid last, unless they have decided something new since; None when there is none."""
    if known := session.scalar(sa.select(Decision).where(Decision.client_key == client_key)):
        return known
    mine = sa.select(Decision).where(Decision.kind.in_(list(kinds)))
    undone = session.scalars(
        mine.where(Decision.undone_by == who).order_by(Decision.undone_at.desc(), Decision.id).limit(REMEMBERED)
    ).all()
    redone = _redone(session, who)
    last = next((one for one in undone if one.id not in redone), None)
    newest = session.scalars(mine.where(Decision.who == who).order_by(Decision.id.desc()).limit(REMEMBERED))
    fresh = next((one.decided_at for one in newest if "redoes" not in one.view), 0.0)
    if last is None or fresh > (last.undone_at or 0.0):
        return None
    return redo(session, last, who, client_key)


def _redone(session: Session, who: str) -> set[int]:
    views = session.scalars(
        sa.select(Decision.view).where(Decision.who == who).order_by(Decision.id.desc()).limit(REMEMBERED)
    )
    return {int(view["redoes"]) for view in views if "redoes" in view}


def _found(session: Session, decision_id: int) -> Decision:
    decision = session.get(Decision, decision_id)
    if decision is None:
        raise DecisionConflict("This decision is not in the survey.")
    return decision


def _where(wanted: HistoryFilter) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = []
    if wanted.who is not None:
        where.append(Decision.who == wanted.who)
    if wanted.kind is not None:
        where.append(Decision.kind == wanted.kind)
    if wanted.media_id is not None:
        where.append(Decision.media_id == wanted.media_id)
    if wanted.individual_id is not None:
        where.append(Decision.individual_id == wanted.individual_id)
    if wanted.standing:
        where.append(Decision.undone_at.is_(None))
    return where
