"""Take a decision back, or make it again: its rows are turned to how they were before it, or after it.

The parts of a decision follow where it stands, newest first on the way back. The first are turned with it; where there
are many, a job turns the rest a few at a time (see `turn_parts`), so that nobody else waits long to write.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.decisions.changes import Change, already_made, settle
from app.survey.decisions.history import standing_since
from app.survey.decisions.refusals import DecisionConflict, refuse_contradiction
from app.survey.decisions.turning import turn_all
from app.survey.tables.decisions import Decision

REMEMBERED = 400
ROWS_AT_ONCE = 1000  # rows of parts turned in one transaction, or one part


def undo(session: Session, decision: Decision, who: str) -> Decision:
    """Put every row of a decision back as it was; what others have decided since in other columns stays.

    Of a decision with many parts this takes the newest back; `turn_parts` does the rest. Raises DecisionConflict when
    something newer was decided about the same thing.
    """
    if decision.undone_at is not None:
        raise DecisionConflict("This decision has been undone already.")
    if decision.part_of is not None:
        raise DecisionConflict("This is a part of a larger decision; take that back.")
    _undo(session, decision, who)
    turn_parts(session, decision)
    return decision


def turn_parts(session: Session, head: Decision) -> list[Decision]:
    """Bring the next parts of a decision to where it stands: back, or made again; returns these, none at the end.

    Raises DecisionConflict like `undo`.
    """
    stands = head.undone_at is None
    waiting = Decision.undone_at.is_not(None) if stands else Decision.undone_at.is_(None)
    views = session.execute(sa.select(Decision.id, Decision.view).where(Decision.part_of == head.id, waiting))
    as_made = {number: view.get("first", number) for number, view in views}
    turned, rows = list[Decision](), 0
    for number in sorted(as_made, key=as_made.__getitem__, reverse=not stands):
        if rows >= ROWS_AT_ONCE:
            break
        part = session.get_one(Decision, number)
        if stands:
            session.expunge(_redo(session, part, head.who, part_of=head.id))
            part.part_of = head.view["redoes"]
            session.flush()
        else:
            _undo(session, part, head.undone_by or head.who)
        rows += len(part.changes)
        session.expunge(part)
        turned.append(part)
    return turned


def _undo(session: Session, decision: Decision, who: str) -> Decision:
    steps = [(change["table"], change["after"], change["before"]) for change in reversed(decision.changes)]
    turn_all(session, steps, decision)
    refuse_contradiction(session, decision)
    decision.undone_at, decision.undone_by = time.time(), who
    session.flush()
    settle(session, decision)
    return decision


def redo(session: Session, decision: Decision, who: str, client_key: str | None = None) -> Decision:
    """Make an undone decision once more, as a new entry of the log. Raises DecisionConflict like `undo`."""
    if known := already_made(session, client_key):
        return known
    if decision.undone_at is None:
        raise DecisionConflict("This decision stands; there is nothing to do again.")
    again = _redo(session, decision, who, client_key=client_key)
    session.execute(sa.update(Decision).where(Decision.part_of == decision.id).values(part_of=again.id))
    turn_parts(session, again)
    return again


def _redo(session: Session, decision: Decision, who: str, **about: Any) -> Decision:
    steps = [(change["table"], change["before"], change["after"]) for change in decision.changes]
    turn_all(session, steps, decision)
    refuse_contradiction(session, decision)
    again = Change(session, who)
    again.rows = list(decision.changes)
    about |= {name: getattr(decision, name) for name in ("media_id", "detection_id", "individual_id")}
    return again.record(decision.kind, view={"first": decision.id, **decision.view, "redoes": decision.id}, **about)


def undo_last(session: Session, who: str, kinds: Iterable[str], media_id: int | None = None) -> Decision | None:
    """Undo this person's latest standing decision of the given kinds; None when there is none.

    media_id: only decisions about this media.
    """
    mine = sa.select(Decision).where(
        Decision.who == who, Decision.undone_at.is_(None), Decision.kind.in_(list(kinds)), Decision.part_of.is_(None)
    )
    if media_id is not None:
        mine = mine.where(Decision.media_id == media_id)
    decision = session.scalar(mine.order_by(Decision.id.desc()).limit(1))
    return undo(session, decision, who) if decision else None


def undo_once(session: Session, who: str, kinds: Iterable[str], undoes: str | None, undo_key: str) -> Decision | None:
    """Undo as a browser asked: the decision it made under the key `undoes`, or this person's last one.

    The same undo_key sent twice undoes once. Returns what was undone, None when there was nothing.
    """
    if session.scalar(sa.select(Decision.id).where(Decision.undo_key == undo_key)):
        return None
    decision = already_made(session, undoes) if undoes else None
    if decision is not None and decision.undone_at is not None:
        return None
    done = undo(session, decision, who) if decision is not None else undo_last(session, who, kinds)
    if done is not None:
        done.undo_key = undo_key
    return done


def undo_one(session: Session, decision_id: int, who: str) -> Decision:
    """Undo one decision, whoever made it. Raises DecisionConflict when something newer stands on it."""
    return undo(session, _found(session, decision_id), who)


def undo_back_to(session: Session, decision_id: int, who: str) -> list[Decision]:
    """Undo everything the person of this decision decided since, newest first, and the decision itself.

    All of it or, when something newer of somebody else stands on it (DecisionConflict), nothing.
    """
    first = _found(session, decision_id)
    return [undo_one(session, number, who) for number in standing_since(session, first.id, first.who)]


def redo_one(session: Session, decision_id: int, who: str) -> Decision:
    """Make an undone decision again, as a new entry. Raises DecisionConflict when something stands in the way."""
    if decision_id in _redone(session, who):
        raise DecisionConflict("This decision has been made again already.")
    return redo(session, _found(session, decision_id), who)


def redo_last(session: Session, who: str, kinds: Iterable[str], client_key: str | None) -> Decision | None:
    """Make again what this person undid last, unless they have decided something new since; None when there is none."""
    if known := already_made(session, client_key):
        return known
    mine = sa.select(Decision).where(Decision.kind.in_(list(kinds)), Decision.part_of.is_(None))
    undone = session.scalars(
        mine.where(Decision.undone_by == who).order_by(Decision.undone_at.desc(), Decision.id).limit(REMEMBERED)
    ).all()
    redone = _redone(session, who)
    last = next((decision for decision in undone if decision.id not in redone), None)
    newest = session.scalars(mine.where(Decision.who == who).order_by(Decision.id.desc()).limit(REMEMBERED))
    fresh = next((decision.decided_at for decision in newest if "redoes" not in decision.view), 0.0)
    if last is None or fresh > (last.undone_at or 0.0):
        return None
    return redo(session, last, who, client_key)


def _redone(session: Session, who: str) -> set[int]:
    views = session.scalars(
        sa.select(Decision.view)
        .where(Decision.who == who, Decision.part_of.is_(None))
        .order_by(Decision.id.desc())
        .limit(REMEMBERED)
    )
    return {int(view["redoes"]) for view in views if "redoes" in view}


def _found(session: Session, decision_id: int) -> Decision:
    decision = session.get(Decision, decision_id)
    if decision is None:
        raise DecisionConflict("This decision is not in the survey.")
    return decision
