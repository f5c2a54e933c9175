"""Files of the survey that people have had written."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.survey.tables.base import Base, Moment


class ExportState(StrEnum):
    """Where an export stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNDER_WAY = (ExportState.QUEUED, ExportState.RUNNING)


class ExportFile(Base):
    """One file that was asked for.

    format: its key. settings: what was chosen, as `exchange.wishes.wish_of` takes it. file: its name, once it is
    written. done, total: how far the worker is. holds: what is in it, in words. mark: the state of the survey when the
    worker began. rate, measured_at: see `app.survey.pace`.
    """

    __tablename__ = "export_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    format: Mapped[str] = mapped_column(String(24))
    settings: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(12), default=ExportState.QUEUED, index=True)
    file: Mapped[str | None] = mapped_column(String(255))
    mark: Mapped[str | None] = mapped_column(String(120))
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    holds: Mapped[str | None]
    error: Mapped[str | None]
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    who: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[Moment]
    started_at: Mapped[float | None]
    rate: Mapped[float | None]
    measured_at: Mapped[float | None]
    finished_at: Mapped[float | None]
