"""Make a decision: every change goes through `Change`, which keeps each row as it was before and as it is after.

Only the tables of the decision's kind can be changed (see `kinds`); what a model found stays as it is.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.decisions import kinds
from app.survey.detections.boxes import rescore
from app.survey.media.events import free_events
from app.survey.tables.base import Base
from app.survey.tables.decisions import Decision
from app.survey.tables.deployments import Deployment
from app.survey.tables.detections import Detection, DetectionReview

SIGNATURE = {"who", "decided_at"}
BOX_SIGNED = frozenset({"detection_id", *SIGNATURE})


class Change:
    """Collects the row changes of one decision of a person inside a write session."""

    def __init__(self, session: Session, who: str) -> None:
        self.session, self.who = session, who
        self.rows: list[dict[str, Any]] = []

    @property
    def signature(self) -> dict[str, Any]:
        """Who decides, and when: now."""
        return {"who": self.who, "decided_at": time.time()}

    def sign(self, table: type[Base], key: dict[str, Any], **values: Any) -> Any:
        """`put` of a row that says who decided, and when."""
        return self.put(table, key, **values, **self.signature)

    def put(self, table: type[Base], key: dict[str, Any], **values: Any) -> Any:
        """Insert the row with this key or update the given values; returns the row.

        A review of a box in which nothing is left is no row: the box is as the model gave it.
        """
        row = _find(self.session, table, key)
        before = snapshot(row)
        if row is None:
            row = table(**key, **values)
            self.session.add(row)
        else:
            for name, value in values.items():
                setattr(row, name, value)
        self.session.flush()
        after = snapshot(row)
        if table is DetectionReview and is_empty(after):
            self.session.delete(row)
            self.session.flush()
            after = None
        if before or after:
            self.rows.append({"table": table.__tablename__, "before": before, "after": after})
        return row

    def put_all(self, table: type[Base], values: Mapping[int, Mapping[str, Any]]) -> None:
        """Insert or update many rows at once; values by the primary key, which is one column."""
        name = str(sa.inspect(table).primary_key[0].key)
        known = {getattr(row, name): row for row in rows_of(self.session, table, list(values))}
        empty: dict[str, Any] = dict.fromkeys((str(column.key) for column in sa.inspect(table).column_attrs), None)
        before = {key: snapshot(row) for key, row in known.items()}
        for key, new in values.items():
            row = known.get(key)
            if row is None:
                known[key] = table(**{**empty, **new, name: key})
                self.session.add(known[key])
                continue
            for field, value in new.items():
                setattr(row, field, value)
        self.session.flush()
        self.rows += [
            {"table": table.__tablename__, "before": before.get(key), "after": snapshot(known[key])} for key in values
        ]

    def put_many(self, table: type[Base], ids: Iterable[int], **values: Any) -> None:
        """Give many rows the same values. The log keeps the ids together, by what the rows held before."""
        key = sa.inspect(table).primary_key[0]
        columns = [getattr(table, name) for name in values]
        before: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for chunk in slices(sorted(ids)):
            for row in self.session.execute(sa.select(key, *columns).where(key.in_(chunk))):
                before[tuple(row[1:])].append(row[0])
        for held, keys in before.items():
            if held == tuple(values.values()):
                continue
            write_many(self.session, table, keys, values)
            old = dict(zip(values, held, strict=True))
            name = table.__tablename__
            self.rows.append({"table": name, "before": {key.name: keys, **old}, "after": {key.name: keys, **values}})

    def add(self, row: Base) -> Any:
        """Insert a row that gets its id from the database; returns it."""
        self.add_all([row])
        return row

    def add_all(self, rows: Iterable[Base]) -> None:
        """Insert rows that get their ids from the database."""
        rows = list(rows)
        self.session.add_all(rows)
        self.session.flush()
        self.rows += [{"table": row.__tablename__, "before": None, "after": snapshot(row)} for row in rows]

    def drop(self, table: type[Base], key: dict[str, Any]) -> None:
        """Remove the row with this key; nothing happens when there is none."""
        row = _find(self.session, table, key)
        if row is None:
            return
        self.rows.append({"table": table.__tablename__, "before": snapshot(row), "after": None})
        if isinstance(row, Deployment):
            free_events(self.session, row.id)
        self.session.delete(row)
        self.session.flush()

    def record(self, kind: str, *, view: dict[str, Any] | None = None, **about: Any) -> Decision:
        """Write the log entry. about: media_id, detection_id, individual_id, client_key, part_of.

        Raises ValueError for a kind that is not registered, or a row in a table that its kind may not change.
        """
        family = kinds.FAMILY_OF.get(kind)
        if family is None:
            raise ValueError(f"{kind} is no kind of decision: register it in app/survey/decisions/kinds.py.")
        allowed = {table.__tablename__ for table in family.tables}
        if others := {row["table"] for row in self.rows} - allowed:
            raise ValueError(f"A decision of the kind {kind} may not change {', '.join(sorted(others))}.")
        decision = Decision(kind=kind, who=self.who, view=view or {}, changes=self.rows, **about)
        self.session.add(decision)
        self.session.flush()
        settle(self.session, decision)
        return decision


def settle(session: Session, decision: Decision) -> None:
    """Do what has to follow when a decision was made or taken back, and score its media again."""
    kinds.settle(session, decision)
    rescore(session, media_of(session, decision))


def already_made(session: Session, client_key: str | None) -> Decision | None:
    """The decision a browser sent before under the same key, if it arrived."""
    if client_key is None:
        return None
    return session.scalar(sa.select(Decision).where(Decision.client_key == client_key))


def is_empty(review: Mapping[str, Any] | None, signed: Collection[str] = BOX_SIGNED) -> bool:
    """Whether nothing is left in a review besides its key and who signed it."""
    return all(value is None for name, value in (review or {}).items() if name not in signed)


def rows_of(session: Session, table: type[Base], keys: list[Any]) -> list[Any]:
    """The rows with these primary keys."""
    column = sa.inspect(table).primary_key[0]
    return [row for chunk in slices(keys) for row in session.scalars(sa.select(table).where(column.in_(chunk)))]


def write_many(session: Session, table: type[Base], ids: Sequence[int], values: Mapping[str, Any]) -> None:
    """Give the rows with these primary keys the same values."""
    key = sa.inspect(table).primary_key[0]
    for chunk in slices(ids):
        session.execute(sa.update(table).where(key.in_(chunk)).values(**values))


def key_of(table: type[Base], values: Mapping[str, Any]) -> Any:
    """The primary key in a row's values; a list where the values are those of many rows."""
    return values[sa.inspect(table).primary_key[0].name]


def snapshot(row: Any) -> dict[str, Any] | None:
    """A row's values by column; None for no row."""
    if row is None:
        return None
    return {column.key: getattr(row, column.key) for column in sa.inspect(type(row)).column_attrs}


def media_of(session: Session, decision: Decision) -> set[int]:
    """The media a decision is about: its own, and those its changed rows name by media_id or detection_id."""
    rows = [row["after"] or row["before"] for row in decision.changes]
    media = {int(row["media_id"]) for row in rows if row.get("media_id")}
    detections = sorted({row["detection_id"] for row in rows if "detection_id" in row})
    media.update(row.media_id for row in rows_of(session, Detection, detections))
    return media | ({decision.media_id} if decision.media_id else set())


def _find(session: Session, table: type[Base], key: dict[str, Any]) -> Any:
    return session.scalar(sa.select(table).filter_by(**key)) if key else None
