"""Field notes and what was made of them: files of notes, their notes, and runs of the keyword graph."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.survey.base import Base, Moment


class RunState(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class NoteFile(Base):
    """One file of notes a person brought. columns: which of its columns holds which field; sha256: of its content and
    columns, so that the same file taken the same way is kept once."""

    __tablename__ = "note_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    columns: Mapped[dict[str, Any]]
    rows: Mapped[int]
    synthetic: Mapped[bool] = mapped_column(default=False)
    who: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[Moment]


class Note(Base):
    """One note as it was written; row: its place in the file from 1. Fields without a column are empty."""

    __tablename__ = "note"
    __table_args__ = (Index("ix_note_file", "file_id", "row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("note_file.id"))
    row: Mapped[int]
    text: Mapped[str]
    category: Mapped[str] = mapped_column(String(255), default="")
    date: Mapped[str] = mapped_column(String(64), default="")
    station: Mapped[str] = mapped_column(String(255), default="")
    individual: Mapped[str] = mapped_column(String(255), default="")


class NoteFileReview(Base):
    """A file of notes that a person deleted: the row says who and when; without one the file is there."""

    __tablename__ = "note_file_review"

    file_id: Mapped[int] = mapped_column(ForeignKey("note_file.id"), primary_key=True)
    who: Mapped[str] = mapped_column(String(80))
    decided_at: Mapped[Moment]


class NoteRun(Base):
    """One run of the keyword graph. settings: what was asked for (source, grouping and the graph's own settings);
    node, done, total: what it is doing; seconds: run time by node; note: why it waits; told: its outcome in sentences.
    """

    __tablename__ = "note_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    settings: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(12), default=RunState.QUEUED, index=True)
    attempt: Mapped[int] = mapped_column(default=1)
    backend: Mapped[str | None] = mapped_column(String(16))
    node: Mapped[str | None] = mapped_column(String(40))
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    node_started_at: Mapped[float | None]
    seconds: Mapped[dict[str, Any]] = mapped_column(default=dict)
    note: Mapped[str | None]
    error: Mapped[str | None]
    told: Mapped[list[Any]] = mapped_column(default=list)
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict)
    who: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[Moment]
    started_at: Mapped[float | None]
    finished_at: Mapped[float | None]

    @property
    def open(self) -> bool:
        """Whether it is still to be finished."""
        return self.state in (RunState.QUEUED, RunState.RUNNING)


DELETED = sa.select(NoteFileReview.file_id)


def take_file(
    session: Session,
    label: str,
    sha256: str,
    columns: dict[str, str | None],
    rows: Sequence[dict[str, Any]],
    who: str,
    *,
    synthetic: bool = False,
) -> NoteFile:
    """Keep a file of notes; the same content taken the same way is the file that is there already."""
    known = session.scalar(sa.select(NoteFile).where(NoteFile.sha256 == sha256))
    if known is not None:
        return known
    file = NoteFile(label=label[:255], sha256=sha256, columns=columns, rows=len(rows), who=who, synthetic=synthetic)
    session.add(file)
    session.flush()
    if rows:
        session.execute(sa.insert(Note), [{"file_id": file.id, **_fitted(row)} for row in rows])
    return file


def _fitted(row: dict[str, Any]) -> dict[str, Any]:
    short = {name: str(row[name])[:255] for name in ("category", "station", "individual")}
    return {"row": row["row"], "text": str(row["text"]).replace("\x00", ""), "date": str(row["date"])[:64], **short}


def files(session: Session) -> list[NoteFile]:
    """The files of notes that nobody deleted, newest first."""
    return list(session.scalars(sa.select(NoteFile).where(NoteFile.id.not_in(DELETED)).order_by(NoteFile.id.desc())))


@dataclass(frozen=True, slots=True)
class DeletedFile:
    """A file of notes that was deleted: its id and label, how many notes it has, by whom and when."""

    id: int
    label: str
    rows: int
    who: str
    decided_at: float


def deleted_files(session: Session, among: Collection[int] | None = None) -> list[DeletedFile]:
    """The files that were deleted, the latest first; among: of these only."""
    review = NoteFileReview
    columns = (NoteFile.id, NoteFile.label, NoteFile.rows, review.who, review.decided_at)
    query = sa.select(*columns).join(review, review.file_id == NoteFile.id).order_by(review.decided_at.desc())
    if among is not None:
        query = query.where(NoteFile.id.in_(among))
    return [DeletedFile(*row) for row in session.execute(query)]


def runs_with(session: Session, file_id: int) -> list[str]:
    """Names of the runs that took notes of this file, newest first."""
    return [one.name for one in runs(session, 1000) if file_id in one.settings.get("source", {}).get("files", ())]


def note_rows(session: Session, file_ids: Collection[int]) -> list[dict[str, Any]]:
    """The notes of these files in order, with `row` being the note's id; a deleted file has none."""
    wanted = sa.and_(Note.file_id.in_(file_ids), Note.file_id.not_in(DELETED))
    query = sa.select(Note).where(wanted).order_by(Note.file_id, Note.row)
    return [
        {"row": one.id, **{name: getattr(one, name) for name in ("text", "category", "date", "station", "individual")}}
        for one in session.scalars(query)
    ]


def start_run(session: Session, name: str, settings: dict[str, Any], who: str) -> NoteRun:
    """A new run that waits for the worker."""
    run = NoteRun(name=name[:120], settings=settings, who=who)
    session.add(run)
    session.flush()
    return run


def again(session: Session, run_id: int) -> None:
    """Make a failed run wait for the worker once more."""
    run = session.get_one(NoteRun, run_id)
    if not run.open:
        run.state, run.attempt, run.error, run.note = RunState.QUEUED, run.attempt + 1, None, None
        run.started_at = run.finished_at = None


def rename(session: Session, run_id: int, name: str) -> None:
    """Give a run another name; an empty one changes nothing."""
    if name.strip():
        session.get_one(NoteRun, run_id).name = name.strip()[:120]


def runs(session: Session, limit: int = 50) -> list[NoteRun]:
    """The latest runs, newest first."""
    return list(session.scalars(sa.select(NoteRun).order_by(NoteRun.id.desc()).limit(limit)))


def run_of(session: Session, run_id: int) -> NoteRun | None:
    """One run, or None when there is none with this id."""
    return session.get(NoteRun, run_id)


def progress(session: Session, run_id: int, node: str, done: int, total: int) -> None:
    """Write down what a run is doing; the time of a node that ends is kept."""
    run = session.get_one(NoteRun, run_id)
    now = time.time()
    if node != run.node:
        if run.node and run.node_started_at:
            run.seconds = {**run.seconds, run.node: round(now - run.node_started_at, 2)}
        run.node, run.node_started_at = node, now
    run.done, run.total, run.note = done, total, None


def unfinished(session: Session) -> list[tuple[int, int]]:
    """Ids and attempts of the runs that wait or run."""
    query = sa.select(NoteRun.id, NoteRun.attempt).where(NoteRun.state.in_([RunState.QUEUED, RunState.RUNNING]))
    return [(row.id, row.attempt) for row in session.execute(query)]
