"""Everything a person decides: an append-only log whose entries carry what they changed, so that each can be undone."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.survey.tables.base import Base, Moment


class Decision(Base):
    """One decision: who, when, about what, from which view and model figures, and the rows it changed.

    changes: list of {table, before, after}; before or after is None where the row did not exist. The ids of detections
    and individuals are no foreign keys: the log outlives a drawn box or a new individual that was undone.

    part_of: the decision that this one continues; both are taken back together.
    """

    __tablename__ = "decision"
    __table_args__ = (Index("ix_decision_who", "who", "id"), Index("ix_decision_undone_at", "undone_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(24), index=True)
    who: Mapped[str] = mapped_column(String(80))
    decided_at: Mapped[Moment]
    media_id: Mapped[int | None] = mapped_column(ForeignKey("media.id"), index=True)
    detection_id: Mapped[int | None] = mapped_column(index=True)
    individual_id: Mapped[int | None] = mapped_column(index=True)
    view: Mapped[dict[str, Any]] = mapped_column(default=dict)
    changes: Mapped[list[Any]] = mapped_column(default=list)
    client_key: Mapped[str | None] = mapped_column(String(64), unique=True)
    undone_at: Mapped[float | None]
    undone_by: Mapped[str | None] = mapped_column(String(80))
    undo_key: Mapped[str | None] = mapped_column(String(64), unique=True)
    part_of: Mapped[int | None] = mapped_column(index=True)


class AuditEntry(Base):
    """What was done that is no decision, and by whom; see `app.survey.audit`."""

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[Moment] = mapped_column(index=True)
    who: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(24))
    about: Mapped[str] = mapped_column(String(400))
