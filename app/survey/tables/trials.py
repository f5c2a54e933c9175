"""Trials of detectors: a second look at a share of the images, whose boxes are kept beside and do not count."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.survey.tables.base import Base, Moment


class TrialState(StrEnum):
    """Where a trial stands. Removing: a job takes its results out of the survey."""

    RUNNING = "running"
    ENDED = "ended"
    REMOVING = "removing"


class Trial(Base):
    """One detector on trial.

    model: its name. share: percent of the images, by their content. after_media: images with a higher id are looked at.
    slice: of the job that looks, counted up as each ends. attempt: counted up when its results come to count, or no
    longer. turned: id of the last image for which that is done; null while there is nothing to do. trouble: why it
    does not go on.
    """

    __tablename__ = "trial"

    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(64))
    share: Mapped[int]
    after_media: Mapped[int]
    state: Mapped[str] = mapped_column(String(16), default=TrialState.RUNNING, index=True)
    slice: Mapped[int] = mapped_column(default=1)
    attempt: Mapped[int] = mapped_column(default=0)
    turned: Mapped[int | None]
    trouble: Mapped[str | None]
    who: Mapped[str] = mapped_column(String(80))
    started_at: Mapped[Moment]
    ended_at: Mapped[float | None]
    ended_by: Mapped[str | None] = mapped_column(String(80))


class TrialImage(Base):
    """What a trial and the analysis that counted at that time found on one image.

    analysis_id: of the tried model; null where it failed. other_id: the analysis that counted. animal, other_animal:
    whether an animal was found; boxes, other_boxes: how many count by the model's own threshold; alike: boxes of both
    that agree.
    """

    __tablename__ = "trial_image"

    trial_id: Mapped[int] = mapped_column(ForeignKey("trial.id"), primary_key=True)
    media_id: Mapped[int] = mapped_column(ForeignKey("media.id"), primary_key=True, index=True)
    analysis_id: Mapped[int | None] = mapped_column(ForeignKey("analysis.id"), index=True)
    other_id: Mapped[int]
    animal: Mapped[bool | None]
    other_animal: Mapped[bool | None]
    boxes: Mapped[int] = mapped_column(default=0)
    other_boxes: Mapped[int] = mapped_column(default=0)
    alike: Mapped[int] = mapped_column(default=0)
    failure: Mapped[str | None] = mapped_column(String(500))


class TrialReview(Base):
    """That a tried model stands, and who decided it; without a row its results do not count."""

    __tablename__ = "trial_review"

    trial_id: Mapped[int] = mapped_column(ForeignKey("trial.id"), primary_key=True)
    who: Mapped[str] = mapped_column(String(80))
    decided_at: Mapped[Moment]
