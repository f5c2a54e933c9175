"""What is kept about models: the calibration of their scores, and which profile of RAPID a survey uses."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.survey.tables.base import Base, Moment


class Calibration(Base):
    """One fit of one model's curve; the newest counts.

    kind: start, updated, logistic (a model without a start curve); isotonic of earlier versions. curve: {knots, slope,
    bias, weight}. queries, same, different: decided queries and pairs behind it. brier, brier_line: mean squared error
    on queries left out of the fit, and that of a logistic line through the raw score. reliability: [[mean probability,
    share that was the same, pairs], ...]. decision_id: the last decision it knows.
    """

    __tablename__ = "calibration"

    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(64), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    curve: Mapped[dict[str, Any]]
    queries: Mapped[int]
    same: Mapped[int]
    different: Mapped[int]
    brier: Mapped[float | None]
    brier_line: Mapped[float | None]
    reliability: Mapped[list[Any]] = mapped_column(default=list)
    decision_id: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Moment]


class LocalProfile(Base):
    """The profile of RAPID that this survey uses: one row, id 1, or none before the first crop.

    model: describes new crops and ranks. since: when it was chosen. next_model: the profile that takes over once it has
    described every crop.
    """

    __tablename__ = "local_profile"

    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(64))
    since: Mapped[Moment]
    next_model: Mapped[str | None] = mapped_column(String(64))
