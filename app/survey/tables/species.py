"""The labels a person gives to boxes, and what the hint model holds an animal for."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.survey.tables.base import Base, Moment

LONGEST = 120


class SpeciesLabel(Base):
    """One entry of the list: a label as it is written to detections, and the common name it can be found by."""

    __tablename__ = "species_label"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST), unique=True)
    common: Mapped[str] = mapped_column(String(LONGEST), default="")
    who: Mapped[str] = mapped_column(String(80))
    decided_at: Mapped[Moment]


class SpeciesHint(Base):
    """What the hint model holds the animal in a box for, also where its score is too low to be shown.

    feature_id: the embedding it was read from; no key, for a box that is described again gets another. version: of the
    hint model. source: the classifier whose answer came in with a file of results; it stands instead of the own one.
    """

    __tablename__ = "species_hint"
    __table_args__ = (
        Index("ix_species_hint_version", "version", "feature_id"),
        Index("ix_species_hint_name", "name", "score"),
    )

    detection_id: Mapped[int] = mapped_column(ForeignKey("detection.id", ondelete="CASCADE"), primary_key=True)
    feature_id: Mapped[int]
    version: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(LONGEST))
    score: Mapped[float]
    source: Mapped[str | None] = mapped_column(String(64))
