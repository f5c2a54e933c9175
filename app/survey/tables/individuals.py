"""The catalogue: individuals, the detections assigned to them (sightings), and what was said about pairs."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.survey.tables.base import Base, Moment


class Individual(Base):
    """One animal a person has named. A name is never used twice; a merged individual keeps its row and name."""

    __tablename__ = "individual"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    species: Mapped[str | None] = mapped_column(String(120))
    sex: Mapped[str | None] = mapped_column(String(8))
    age_class: Mapped[str | None] = mapped_column(String(16))
    life_status: Mapped[str | None] = mapped_column(String(8))
    notes: Mapped[str | None]
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("individual.id"))
    created_at: Mapped[Moment]


class Sighting(Base):
    """A detection assigned to an individual by a person. One individual per detection."""

    __tablename__ = "sighting"

    detection_id: Mapped[int] = mapped_column(ForeignKey("detection.id"), primary_key=True)
    individual_id: Mapped[int] = mapped_column(ForeignKey("individual.id"), index=True)
    who: Mapped[str] = mapped_column(String(80))
    decided_at: Mapped[Moment]


class PairVerdict(Base):
    """What a person said about two crops: same, different or unsure. low_id < high_id are detections."""

    __tablename__ = "pair_verdict"
    __table_args__ = (UniqueConstraint("low_id", "high_id"), Index("ix_pair_verdict_high", "high_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    low_id: Mapped[int] = mapped_column(ForeignKey("detection.id"))
    high_id: Mapped[int] = mapped_column(ForeignKey("detection.id"))
    verdict: Mapped[str] = mapped_column(String(16))
    who: Mapped[str] = mapped_column(String(80))
    decided_at: Mapped[Moment]


class Naming(Base):
    """The naming scheme a person chose; one row, id 1, or none while it is T-001, T-002 and so on."""

    __tablename__ = "naming"

    id: Mapped[int] = mapped_column(primary_key=True)
    prefix: Mapped[str] = mapped_column(String(20))
    digits: Mapped[int]
    who: Mapped[str] = mapped_column(String(80))
    decided_at: Mapped[Moment]
