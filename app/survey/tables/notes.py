"""Field notes: files, single notes, runs of the keyword graph, reviews of files by people."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.survey.tables.base import Base, Moment


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
    """One note as it was written; row: its place in the file from 1. Fields without a column are empty.

    day: of its date, as 2024-03-12; empty where the date names none, or one of two months."""

    __tablename__ = "note"
    __table_args__ = (Index("ix_note_file", "file_id", "row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("note_file.id"))
    row: Mapped[int]
    text: Mapped[str]
    category: Mapped[str] = mapped_column(String(255), default="")
    date: Mapped[str] = mapped_column(String(64), default="")
    station: Mapped[str] = mapped_column(String(255), default="")
    individual: Mapped[str] = mapped_column(String(255), default="", index=True)
    day: Mapped[str] = mapped_column(String(10), default="", index=True)


class NoteFileReview(Base):
    """A file of notes that a person deleted: the row says who and when; without one the file is there."""

    __tablename__ = "note_file_review"

    file_id: Mapped[int] = mapped_column(ForeignKey("note_file.id"), primary_key=True)
    who: Mapped[str] = mapped_column(String(80))
    decided_at: Mapped[Moment]


class NoteRun(Base):
    """One run of the keyword graph. settings: what was asked for (source, grouping and the graph's own settings);
    node, done, total: what it is doing; seconds: run time by node; note: why it waits; caveats: of its result.
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
    caveats: Mapped[list[Any]] = mapped_column("told", default=list)
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict)
    who: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[Moment]
    started_at: Mapped[float | None]
    finished_at: Mapped[float | None]

    @property
    def open(self) -> bool:
        """Whether it is still to be finished."""
        return self.state in (RunState.QUEUED, RunState.RUNNING)


class NoteClusterReview(Base):
    """What people decided about a cluster of a run: another name, hidden, or part of another cluster (`into`)."""

    __tablename__ = "note_cluster_review"
    __table_args__ = (UniqueConstraint("run_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("note_run.id"))
    number: Mapped[int]
    name: Mapped[str | None] = mapped_column(String(80))
    hidden: Mapped[bool] = mapped_column(default=False)
    into: Mapped[int | None]
    who: Mapped[str] = mapped_column(String(80))
    decided_at: Mapped[Moment]
