"""Make a decision and undo it: every change goes through `Change`, which keeps the row as it was before.

Only the tables that hold human decisions can be changed here; what a model found stays as it is.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.decisions.refusals import DecisionConflict, refuse_contradiction, refuse_when_used, what_is_newer
from app.survey.detections.boxes import rescore
from app.survey.tables.base import Base
from app.survey.tables.decisions import Decision
from app.survey.tables.deployments import DeploymentReview
from app.survey.tables.detections import Detection, DetectionReview, Feature, MediaReview, Ranking
from app.survey.tables.individuals import Individual, Naming, PairVerdict, Sighting
from app.survey.tables.notes import NoteFileReview
from app.survey.tables.plausibility import AcceptedConflict, SpeedLimit
from app.survey.tables.species import SpeciesLabel
from app.survey.tables.videos import ClipRunChoice, VideoAnswer, VideoReview
from app.survey.videos.runs import settle_chosen

HUMAN: dict[str, type[Base]] = {
    table.__tablename__: table
    for table in (
        Detection,
        DetectionReview,
        MediaReview,
        Individual,
        Naming,
        PairVerdict,
        Sighting,
        SpeciesLabel,
        VideoAnswer,
        VideoReview,
        ClipRunChoice,
        DeploymentReview,
        SpeedLimit,
        AcceptedConflict,
        NoteFileReview,
    )
}
SIGNATURE = {"who", "decided_at"}


class Change:
    """Collects the row changes of one decision inside a write session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.rows: list[dict[str, Any]] = []

    def put(self, table: type[Base], key: dict[str, Any], **values: Any) -> Any:
        """Insert the row with this key or update the given values; returns the row.

        A review of a box in which nothing is left is no row: the box is as the model gave it.
        """
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
        if table is DetectionReview and not _says_something(after):
            self.session.delete(row)
            self.session.flush()
            after = None
        if before or after:
            self.rows.append({"table": table.__tablename__, "before": before, "after": after})
        return row

    def put_all(self, table: type[Base], values: Mapping[int, Mapping[str, Any]]) -> None:
        """Insert or update many rows at once; values by the primary key, which is one column."""
        name = str(sa.inspect(table).primary_key[0].key)
        known = {getattr(row, name): row for row in _rows(self.session, table, list(values))}
        empty: dict[str, Any] = dict.fromkeys((str(one.key) for one in sa.inspect(table).column_attrs), None)
        before = {key: _snapshot(row) for key, row in known.items()}
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
            {"table": table.__tablename__, "before": before.get(key), "after": _snapshot(known[key])} for key in values
        ]

    def add(self, row: Base) -> Any:
        """Insert a row that gets its id from the database; returns it."""
        self.add_all([row])
        return row

    def add_all(self, rows: Iterable[Base]) -> None:
        """Insert rows that get their ids from the database."""
        rows = list(rows)
        self.session.add_all(rows)
        self.session.flush()
        self.rows += [{"table": row.__tablename__, "before": None, "after": _snapshot(row)} for row in rows]

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
        settle_chosen(self.session, self.rows)
        rescore(self.session, _media_of(self.session, self.rows, decision))
        return decision


def already_made(session: Session, client_key: str | None) -> Decision | None:
    """The decision a browser sent before under the same key, if it arrived."""
    if client_key is None:
        return None
    return session.scalar(sa.select(Decision).where(Decision.client_key == client_key))


def undo(session: Session, decision: Decision, who: str) -> Decision:
    """Put every row of a decision back as it was; what others have decided since in other columns stays.

    Raises DecisionConflict when something newer was decided about the same thing.
    """
    if decision.undone_at is not None:
        raise DecisionConflict("This decision has been undone already.")
    media = _media_of(session, decision.changes, decision)
    steps = [(change["table"], change["after"], change["before"]) for change in reversed(decision.changes)]
    _turn_all(session, steps, decision)
    refuse_contradiction(session, [(table, new) for table, _, new in steps])
    decision.undone_at, decision.undone_by = time.time(), who
    session.flush()
    settle_chosen(session, decision.changes)
    rescore(session, media)
    return decision


def redo(session: Session, decision: Decision, who: str, client_key: str | None = None) -> Decision:
    """Make an undone decision once more, as a new entry of the log. Raises DecisionConflict like `undo`."""
    if known := already_made(session, client_key):
        return known
    if decision.undone_at is None:
        raise DecisionConflict("This decision stands; there is nothing to do again.")
    steps = [(change["table"], change["before"], change["after"]) for change in decision.changes]
    _turn_all(session, steps, decision)
    refuse_contradiction(session, [(table, new) for table, _, new in steps])
    again = Change(session)
    again.rows = list(decision.changes)
    about = {"media_id": decision.media_id, "detection_id": decision.detection_id}
    view = {**decision.view, "redoes": decision.id}
    return again.record(
        decision.kind, who, view=view, individual_id=decision.individual_id, client_key=client_key, **about
    )


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


Step = tuple[str, dict[str, Any] | None, dict[str, Any] | None]


def _turn_all(session: Session, steps: list[Step], decision: Decision) -> None:
    """Bring rows from one state to another, in order. Raises DecisionConflict when one is in neither."""
    held = [
        _rows(session, table, [_id(table, old or new or {}) for one, old, new in steps if one == name])
        for name, table in HUMAN.items()
    ]
    try:
        for name, old, new in steps:
            if not _turn(session, HUMAN[name], old, new):
                raise DecisionConflict(what_is_newer(session, decision))
    except IntegrityError as error:
        raise DecisionConflict("Something newer refers to it; undo that first, in History.") from error
    del held  # until here the rows stay in the session, so that each is fetched once


def _turn(session: Session, table: type[Base], old: dict[str, Any] | None, new: dict[str, Any] | None) -> bool:
    row = session.get(table, _id(table, old or new or {}))
    now = _snapshot(row)
    if now == old:
        _write(session, table, row, new)
        return True
    if table is not DetectionReview:
        return False
    return _turn_columns(session, row, now or {}, old or {}, new or {})


def _turn_columns(session: Session, row: Any, now: dict[str, Any], old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Several people decide about one box: turn only the columns this decision is about."""
    own = {"detection_id", *SIGNATURE}
    columns = [name for name in {**old, **new} if name not in own and old.get(name) != new.get(name)]
    if any(now.get(name) != old.get(name) for name in columns):
        return False
    signed = {name: value for name, value in {**old, **new}.items() if name in own}
    values = {**(now or signed), **{name: new.get(name) for name in columns}}
    _write(session, DetectionReview, row, values if _says_something(values) else None)
    return True


def _says_something(review: dict[str, Any] | None) -> bool:
    signed = {"detection_id", *SIGNATURE}
    return any(value is not None for name, value in (review or {}).items() if name not in signed)


def _write(session: Session, table: type[Base], row: Any, values: dict[str, Any] | None) -> None:
    if values is None:
        if row is None:
            return
        if table is Detection:
            session.execute(sa.delete(Feature).where(Feature.detection_id == row.id))
            session.execute(sa.delete(Ranking).where(Ranking.detection_id == row.id))
        if table is Individual:
            refuse_when_used(session, row)
        session.delete(row)
    elif row is None:
        session.add(table(**values))
    else:
        for name, value in values.items():
            setattr(row, name, value)
    session.flush()


def _rows(session: Session, table: type[Base], keys: list[Any]) -> list[Any]:
    column = sa.inspect(table).primary_key[0]
    return [row for chunk in slices(keys) for row in session.scalars(sa.select(table).where(column.in_(chunk)))]


def _id(table: type[Base], values: dict[str, Any]) -> Any:
    return values[sa.inspect(table).primary_key[0].name]


def _find(session: Session, table: type[Base], key: dict[str, Any]) -> Any:
    return session.scalar(sa.select(table).filter_by(**key)) if key else None


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
    known = sorted(detections)
    for chunk in slices(known):
        media.update(session.scalars(sa.select(Detection.media_id).where(Detection.id.in_(chunk))))
    return media
