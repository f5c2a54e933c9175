"""Turn the rows of a decision to how they were before it, or after it, if nobody has decided otherwise since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.decisions.changes import SIGNATURE, is_empty, key_of, rows_of, snapshot, write_many
from app.survey.decisions.kinds import TABLES
from app.survey.decisions.refusals import DecisionConflict, refuse_when_used, what_is_newer
from app.survey.media.events import free_events
from app.survey.tables.base import Base
from app.survey.tables.decisions import Decision
from app.survey.tables.deployments import Deployment, DeploymentReview
from app.survey.tables.detections import Detection, DetectionReview, Feature, Ranking
from app.survey.tables.individuals import Individual

DERIVED = ("latitude", "longitude")  # of a deployment, from its media
BY_COLUMN = (DetectionReview, DeploymentReview, Deployment)
Step = tuple[str, dict[str, Any] | None, dict[str, Any] | None]


def turn_all(session: Session, steps: list[Step], decision: Decision) -> None:
    """Bring rows from one state to another, in order. Raises DecisionConflict when one is in neither."""
    held, absent = _fetch(session, steps)
    _forget_features(session, steps)
    waiting = None
    try:
        for name, old, new in steps:
            kind = name, old is None, new is None
            if kind != waiting or (old and new):  # rows that come, or go, one after the other are written together
                session.flush()
            waiting = kind
            if not _turn(session, TABLES[name], old, new, decision, absent):
                raise DecisionConflict(what_is_newer(session, decision))
        session.flush()
    except IntegrityError as error:
        raise DecisionConflict("Something newer refers to it; undo that first, in History.") from error
    del held  # until here the rows stay in the session, so that each is fetched once


def _fetch(session: Session, steps: Sequence[Step]) -> tuple[list[Any], set[tuple[str, Any]]]:
    """The rows that will be turned, fetched together, and the table and key of those that are not there."""
    held, absent = list[Any](), set[tuple[str, Any]]()
    for name, table in TABLES.items():
        found = (key_of(table, old or new or {}) for changed, old, new in steps if changed == name)
        keys = {key for key in found if not isinstance(key, list)}
        rows = rows_of(session, table, sorted(keys))
        held += rows
        absent |= {(name, key) for key in keys - {key_of(table, snapshot(row) or {}) for row in rows}}
    return held, absent


def _forget_features(session: Session, steps: Sequence[Step]) -> None:
    """Remove what describes the boxes that will be gone."""
    gone = [old["id"] for name, old, new in steps if name == Detection.__tablename__ and old and new is None]
    for chunk in slices(gone):
        for table in (Feature, Ranking):
            mine = sa.delete(table).where(table.detection_id.in_(chunk))
            session.execute(mine, execution_options={"synchronize_session": False})


def _turn(
    session: Session,
    table: type[Base],
    old: dict[str, Any] | None,
    new: dict[str, Any] | None,
    decision: Decision,
    absent: set[tuple[str, Any]],
) -> bool:
    key = key_of(table, old or new or {})
    if isinstance(key, list):
        return _turn_many(session, table, key, old or {}, new or {})
    row = None if (table.__tablename__, key) in absent else session.get(table, key)
    absent.discard((table.__tablename__, key))
    now = snapshot(row)
    if _are_alike(now, old) or (table is Deployment and None in (old, new) and _are_alike(now, old, DERIVED)):
        _write(session, table, row, new)
        return True
    if table not in BY_COLUMN or (table is Deployment and None in (old, new)):
        return False
    if row is None and table is not DetectionReview:
        return False
    changed = _columns(table, old or {}, new or {})
    if decision.undone_at is None and _changed_later(session, decision, table, key, changed):
        return False
    return _turn_columns(session, table, row, now or {}, old or {}, new or {})


def _are_alike(now: dict[str, Any] | None, then: dict[str, Any] | None, derived: Sequence[str] = ()) -> bool:
    """Whether a row is as it was, derived columns aside; a column that was added since was empty then."""
    if now is None or then is None:
        return now is then
    return all(value == then.get(name) for name, value in now.items() if name not in derived)


def _turn_many(session: Session, table: type[Base], ids: list[int], old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Turn rows that a decision gave the same values, if all of them still have these."""
    key = sa.inspect(table).primary_key[0]
    values = {name: value for name, value in new.items() if name != key.name}
    held = [getattr(table, name).is_not_distinct_from(old[name]) for name in values]
    same = sum(session.scalar(sa.select(sa.func.count()).where(key.in_(chunk), *held)) or 0 for chunk in slices(ids))
    if same != len(ids):
        return False
    write_many(session, table, ids, values)
    return True


def _turn_columns(
    session: Session, table: type[Base], row: Any, now: dict[str, Any], old: dict[str, Any], new: dict[str, Any]
) -> bool:
    """Several people decide about one box or deployment: turn only the columns this decision is about."""
    own, columns = {sa.inspect(table).primary_key[0].name, *SIGNATURE}, _columns(table, old, new)
    if any(now.get(name) != old.get(name) for name in columns):
        return False
    signed = {name: value for name, value in {**old, **new}.items() if name in own}
    values = {**(now or signed), **{name: new.get(name) for name in columns}}
    _write(session, table, row, None if is_empty(values, own) else values)
    return True


def _columns(table: type[Base], old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """The columns in which two states of a row differ, its key and signature aside."""
    own = {sa.inspect(table).primary_key[0].name, *SIGNATURE}
    return [name for name in {**old, **new} if name not in own and old.get(name) != new.get(name)]


def _changed_later(session: Session, decision: Decision, table: type[Base], key: Any, columns: list[str]) -> bool:
    """Whether a newer decision that stands changed one of these columns of the row, be it back to what it was."""
    newer = sa.select(Decision.changes).where(Decision.id > decision.id, Decision.undone_at.is_(None))
    for change in (change for changes in session.scalars(newer) for change in changes):
        if change["table"] != table.__tablename__:
            continue
        before, after = change["before"] or {}, change["after"] or {}
        held = key_of(table, after or before)
        is_same = key in held if isinstance(held, list) else held == key
        if is_same and set(columns) & set(_columns(table, before, after)):
            return True
    return False


def _write(session: Session, table: type[Base], row: Any, values: dict[str, Any] | None) -> None:
    if values is None:
        if row is None:
            return
        if table is Deployment:
            free_events(session, row.id)
        if table is Individual:
            refuse_when_used(session, row)
        session.delete(row)
    elif row is None:
        session.add(table(**values))
    else:
        for name, value in values.items():
            setattr(row, name, value)
