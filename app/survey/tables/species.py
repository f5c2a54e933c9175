"""The species a person set for a box or a media."""

from __future__ import annotations

from sqlalchemy import String
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
