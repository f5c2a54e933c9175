"""Results of other tools that a person brings in."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.survey.tables.base import Base, Moment


class ResultsState(StrEnum):
    """Where a file of results stands. Counting: its boxes come to count, or no longer, before more of it is taken."""

    READING = "reading"
    READY = "ready"
    TAKING = "taking"
    COUNTING = "counting"
    DONE = "done"
    FAILED = "failed"


UNDER_WAY = (ResultsState.READING, ResultsState.TAKING, ResultsState.COUNTING)  # a job is at it


class ResultsFile(Base):
    """One file of another tool's results; the same content is kept once.

    path: where the file lies until it has been read. model_version_id: whose boxes these are, once it has been read.
    entries: images that the file names; matched: those of them that are in the survey; taken: those whose boxes are
    stored. rate, measured_at: see `app.survey.pace`.
    """

    __tablename__ = "results_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    path: Mapped[str] = mapped_column(String(1024))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    format: Mapped[str] = mapped_column(String(40), default="")
    model_version_id: Mapped[int | None] = mapped_column(ForeignKey("model_version.id"))
    state: Mapped[str] = mapped_column(String(16), default=ResultsState.READING, index=True)
    attempt: Mapped[int] = mapped_column(default=1)
    entries: Mapped[int | None]
    matched: Mapped[int | None]
    taken: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    who: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[Moment]
    started_at: Mapped[float | None]
    rate: Mapped[float | None]
    measured_at: Mapped[float | None]
    finished_at: Mapped[float | None]


class ResultsReview(Base):
    """That a file of results counts, and who decided it; without a row its boxes do not."""

    __tablename__ = "results_review"

    results_id: Mapped[int] = mapped_column(ForeignKey("results_file.id"), primary_key=True)
    who: Mapped[str] = mapped_column(String(80))
    decided_at: Mapped[Moment]
