"""Make a decision and undo it: every change goes through `Change`, which keeps the row as it was before.

Only the tables that hold human decisions can be changed here; what a model found stays as it is.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey import constraints
from app.survey.base import Base
from app.survey.decisions import Decision
from app.survey.detections import Detection, DetectionReview, Feature, MediaReview, Ranking
from app.survey.individuals import Individual, PairVerdict, Sighting
from app.survey.naming import Naming
from app.survey.scores import rescore

HUMAN: dict[str, type[Base]] = {
    table.__tablename__: table
    for table in (Detection, DetectionReview, MediaReview, Individual, Naming, PairVerdict, Sighting)
}


class DecisionConflict(Exception):
    """Somebody decided something else about the same thing since; nothing was changed."""


class Change:
    """Collects the row changes of one decision inside a write session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.rows: list[dict[str, Any]] = []

    def put(self, table: type[Base], key: dict[str, Any], **values: Any) -> Any:
        """Insert the row with this key or update the given values; returns the row."""
        row = _find(self.session, table, key)
        before = _snapshot(row)
        if row is None:
            row = table(**key, **values)
            self.session.add(row)
        else:
            for name, value in values.items():
                setattr(row, name, value)
        self.session.flush()
        after = _snapshot(row)
        self.rows.append({"table": table.__tablename__, "before": before, "after": after})
        return row

    def add(self, row: Base) -> Any:
        """Insert a row that gets its id from the database; returns it."""
        self.session.add(row)
        self.session.flush()
        self.rows.append({"table": row.__tablename__, "before": None, "after": _snapshot(row)})
        return row

    def drop(self, table: type[Base], key: dict[str, Any]) -> None:
        """Remove the row with this key; nothing happens when there is none."""
        row = _find(self.session, table, key)
        if row is None:
            return
        self.rows.append({"table": table.__tablename__, "before": _snapshot(row), "after": None})
        self.session.delete(row)
        self.session.flush()

    def record(self, kind: str, who: str, *, view: dict[str, Any] | None = None, **about: Any) -> Decision:
        """Write the log entry. about: media_id, detection_id, individual_id, client_key."""
        decision = Decision(kind=kind, who=who, view=view or {}, changes=self.rows, **about)
        self.session.add(decision)
        self.session.flush()
        rescore(self.session, _media_of(self.session, self.rows, decision))
        return decision


def already_made(session: Session, client_key: str | None) -> Decision | None:
    """The decision a browser sent before under the same key, if it arrived."""
    if client_key is None:
        return None
    return session.scalar(sa.select(Decision).where(Decision.client_key == client_key))


def undo(session: Session, decision: Decision, who: str) -> Decision:
    """Put every row of a decision back as it was. Raises DecisionConflict when one of them has changed since."""
    if decision.undone_at is not None:
        raise DecisionConflict("This decision has been undone already.")
    media = _media_of(session, decision.changes, decision)
    for change in reversed(decision.changes):
        table = HUMAN[change["table"]]
        row = _find(session, table, _key(table, change["after"] or change["before"]))
        if _snapshot(row) != change["after"]:
            raise DecisionConflict("Something newer was decided about this; undo that first.")
        _restore(session, table, row, change["before"])
    _refuse_contradiction(session, decision.changes)
    decision.undone_at, decision.undone_by = time.time(), who
    session.flush()
    rescore(session, media)
    return decision


def undo_last(session: Session, who: str, kinds: Iterable[str]) -> Decision | None:
    """Undo this person's latest standing decision of the given kinds; None when there is none."""
    decision = session.scalar(
        sa.select(Decision)
        .where(Decision.who == who, Decision.undone_at.is_(None), Decision.kind.in_(list(kinds)))
        .order_by(Decision.id.desc())
        .limit(1)
    )
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


def _restore(session: Session, table: type[Base], row: Any, before: dict[str, Any] | None) -> None:
    if before is None:
        if table is Detection:
            session.execute(sa.delete(Feature).where(Feature.detection_id == row.id))
            session.execute(sa.delete(Ranking).where(Ranking.detection_id == row.id))
        if table is Individual:
            _refuse_when_used(session, row)
        session.delete(row)
    elif row is None:
        session.add(table(**before))
    else:
        for name, value in before.items():
            setattr(row, name, value)
    session.flush()


def _refuse_contradiction(session: Session, changes: list[dict[str, Any]]) -> None:
    """Raise DecisionConflict when what came back contradicts what was decided since."""
    for change in changes:
        back = change["before"]
        if back is None or change["table"] not in (Sighting.__tablename__, PairVerdict.__tablename__):
            continue
        ends = [back[name] for name in ("detection_id", "low_id", "high_id") if name in back]
        standing = constraints.contradicted(session, ends)
        if standing is not None:
            said = constraints.said(standing).text
            raise DecisionConflict(
                f"Undoing this would contradict what was decided since: {said}. Take that back first."
            )


def _refuse_when_used(session: Session, individual: Individual) -> None:
    """Raise DecisionConflict when an individual about to be undone has gained sightings or merges since."""
    used = sa.select(Sighting.detection_id).where(Sighting.individual_id == individual.id)
    merged = sa.select(Individual.id).where(Individual.merged_into_id == individual.id)
    if session.scalar(used.limit(1)) is not None or session.scalar(merged.limit(1)) is not None:
        raise DecisionConflict(
            f"Other crops have been assigned to {individual.name} since; undo those decisions first, or split it."
        )


def _find(session: Session, table: type[Base], key: dict[str, Any]) -> Any:
    return session.scalar(sa.select(table).filter_by(**key)) if key else None


def _key(table: type[Base], values: dict[str, Any]) -> dict[str, Any]:
    return {column.name: values[column.name] for column in sa.inspect(table).primary_key}


def _snapshot(row: Any) -> dict[str, Any] | None:
    if row is None:
        return None
    return {column.key: getattr(row, column.key) for column in sa.inspect(type(row)).column_attrs}


def _media_of(session: Session, changes: list[dict[str, Any]], decision: Decision) -> set[int]:
    media = {decision.media_id} if decision.media_id else set()
    detections = set()
    for change in changes:
        values = change["after"] or change["before"]
        if change["table"] == "detection":
            media.add(values["media_id"])
        elif change["table"] in ("detection_review", "sighting"):
            detections.add(values["detection_id"])
        elif change["table"] == "media_review":
            media.add(values["media_id"])
    media.update(session.scalars(sa.select(Detection.media_id).where(Detection.id.in_(detections))))
    return media
