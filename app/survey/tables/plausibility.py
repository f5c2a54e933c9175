"""What people said about plausibility: how fast a species may travel, and which conflicts are accepted and why."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.survey.tables.base import Base, Moment


class SpeedLimit(Base):
    """The fastest straight-line travel a person thinks possible for a species, in km/h; species in lower case."""

    __tablename__ = "speed_limit"

    species: Mapped[str] = mapped_column(String(120), primary_key=True)
    kmh: Mapped[float]
    reason: Mapped[str] = mapped_column(String(500))
    who: Mapped[str] = mapped_column(String(80))
    decided_at: Mapped[Moment]


class AcceptedConflict(Base):
    """A conflict a person looked at and accepted with a reason. low_id < high_id are the detections that showed it."""

    __tablename__ = "accepted_conflict"
    __table_args__ = (UniqueConstraint("kind", "low_id", "high_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(24))
    low_id: Mapped[int] = mapped_column(ForeignKey("detection.id"))
    high_id: Mapped[int] = mapped_column(ForeignKey("detection.id"))
    reason: Mapped[str] = mapped_column(String(500))
    who: Mapped[str] = mapped_column(String(80))
    decided_at: Mapped[Moment]
