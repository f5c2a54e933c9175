"""The ledger: one row per model call, and the workers that make them. Every live figure is a query over these rows."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.survey.tables.base import Base, Moment


class Call(Base):
    """One call of a model: times are seconds since 1970, outcome is empty while it runs.

    job: the workflow and step that made it, so that a step that is run again finds it. remote_id: the id Modal gave
    it, function_id that of the function it was sent to. The time between started_at and finished_at is cold start, run
    and, what is left, waiting. attempts counts submissions. note: what is worth knowing while it waits.
    """

    __tablename__ = "call"
    __table_args__ = (Index("ix_call_finished", "finished_at", "model"), Index("ix_call_outcome", "outcome"))

    id: Mapped[int] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(String(24))
    model: Mapped[str] = mapped_column(String(64))
    backend: Mapped[str] = mapped_column(String(16))
    executor_id: Mapped[str | None] = mapped_column(String(64))
    items: Mapped[int]
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    queued_at: Mapped[Moment]
    started_at: Mapped[float | None]
    finished_at: Mapped[float | None]
    cold_start_seconds: Mapped[float | None]
    run_seconds: Mapped[float | None]
    job: Mapped[str | None] = mapped_column(String(128), index=True)
    remote_id: Mapped[str | None] = mapped_column(String(64))
    function_id: Mapped[str | None] = mapped_column(String(64))
    note: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=1)
    outcome: Mapped[str | None] = mapped_column(String(12))
    error: Mapped[str | None]


class Worker(Base):
    """A worker process and when it was last alive; its executor id is never used by another process.

    waits_for: what all its work waits for, as a sentence.
    """

    __tablename__ = "worker"

    executor_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    pid: Mapped[int]
    host: Mapped[str] = mapped_column(String(255))
    started_at: Mapped[Moment]
    heartbeat_at: Mapped[float]
    recovered_by: Mapped[str | None] = mapped_column(String(64))
    waits_for: Mapped[str | None]
