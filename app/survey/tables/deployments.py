"""Deployments (one camera at one place for one period) and events (media of one deployment closer than a gap)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.survey.tables.base import Base, Moment


class Deployment(Base):
    """One camera at one station for one period. Latitude and longitude in degrees (WGS 84)."""

    __tablename__ = "deployment"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(1024), unique=True)
    station: Mapped[str] = mapped_column(String(1024))
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    created_at: Mapped[Moment]


class Event(Base):
    """Media of one deployment, each closer than the gap to the one before. Camera-local times."""

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(primary_key=True)
    deployment_id: Mapped[int | None] = mapped_column(ForeignKey("deployment.id"), index=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]


class DeploymentReview(Base):
    """What a person said about one deployment. Empty fields leave standing what the files say.

    first_day to broken_to are ISO dates, each day included. clock_offset_seconds is added to the camera's times.
    time_zone is how far the camera's clock was ahead of UTC, as +05:30.
    """

    __tablename__ = "deployment_review"

    deployment_id: Mapped[int] = mapped_column(ForeignKey("deployment.id"), primary_key=True)
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    first_day: Mapped[str | None] = mapped_column(String(10))
    last_day: Mapped[str | None] = mapped_column(String(10))
    broken_from: Mapped[str | None] = mapped_column(String(10))
    broken_to: Mapped[str | None] = mapped_column(String(10))
    clock_offset_seconds: Mapped[int | None]
    time_zone: Mapped[str | None] = mapped_column(String(8))
    camera: Mapped[str | None] = mapped_column(String(120))
    bait: Mapped[str | None] = mapped_column(String(120))
    notes: Mapped[str | None]
    who: Mapped[str] = mapped_column(String(80))
    decided_at: Mapped[Moment]
