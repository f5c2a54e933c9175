"""Videos: facts, runs over them, tracklets with their boxes, reviews by people, answers of a language model."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.survey.tables.base import Base, Moment


class Video(Base):
    """A video of the survey, as its container states it. Seconds count from its first frame.

    key_frame: number of the frame that stands for the video. run_id: the run that counts, which
    holds what was found.
    """

    __tablename__ = "video"

    media_id: Mapped[int] = mapped_column(ForeignKey("media.id"), primary_key=True)
    duration: Mapped[float]
    frame_rate: Mapped[float]
    frames: Mapped[int]
    codec: Mapped[str] = mapped_column(String(24))
    container: Mapped[str] = mapped_column(String(48))
    key_frame: Mapped[int] = mapped_column(default=0)
    run_id: Mapped[int | None]


class TrackletRow(Base):
    """A tracklet as a run computed it; see contracts.Tracklet. spans: [[first, last], ...] in seconds."""

    __tablename__ = "tracklet"

    id: Mapped[int] = mapped_column(primary_key=True)
    media_id: Mapped[int] = mapped_column(ForeignKey("media.id"), index=True)
    category: Mapped[str] = mapped_column(String(16))
    confidence: Mapped[float]
    source: Mapped[str] = mapped_column(String(24))
    spans: Mapped[list[Any]] = mapped_column(default=list)
    entry: Mapped[str | None] = mapped_column(String(8))
    exit: Mapped[str | None] = mapped_column(String(8))
    moving: Mapped[float]
    counted: Mapped[bool]
    note: Mapped[str] = mapped_column(default="")
    query_id: Mapped[int | None]
    run_id: Mapped[int | None]
    created_at: Mapped[Moment]


class FrameDetection(Base):
    """Which frame of a video a detection is on, and which tracklet it belongs to (none where a person drew it).

    marked: whether the detector itself gave the box; otherwise it comes from motion. quality: 0 to 1.
    """

    __tablename__ = "frame_detection"
    __table_args__ = (Index("ix_frame_detection_tracklet", "tracklet_id", "frame_number"),)

    detection_id: Mapped[int] = mapped_column(ForeignKey("detection.id"), primary_key=True)
    tracklet_id: Mapped[int | None] = mapped_column(ForeignKey("tracklet.id"))
    frame_number: Mapped[int]
    second: Mapped[float]
    marked: Mapped[bool]
    confidence: Mapped[float | None]
    quality: Mapped[float]


class VideoReview(Base):
    """The most animals at once in a video, as a person says."""

    __tablename__ = "video_review"

    media_id: Mapped[int] = mapped_column(ForeignKey("media.id"), primary_key=True)
    animals: Mapped[int]
    who: Mapped[str] = mapped_column(String(80))
    decided_at: Mapped[Moment]


class VideoRunRow(Base):
    """One run over a video. asked_by: empty for the run of the import.

    progress: 0 to 1 since started_at. It has ended when summarised_at is set, or failure, which says why there is no
    result of its own. animals: the most seen at once; distinct_low, distinct_high: how many different ones there may
    be; unidentified: whether something moves that the detector does not mark. facts: see runs.RunFacts.
    """

    __tablename__ = "clip_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    media_id: Mapped[int] = mapped_column(ForeignKey("media.id"), index=True)
    analysis_id: Mapped[int | None] = mapped_column(ForeignKey("analysis.id"))
    asked_by: Mapped[str | None] = mapped_column(String(80))
    asked_at: Mapped[Moment]
    started_at: Mapped[float | None]
    progress: Mapped[float] = mapped_column(default=0.0)
    summarised_at: Mapped[float | None]
    failure: Mapped[str | None]
    animals: Mapped[int | None]
    distinct_low: Mapped[int | None]
    distinct_high: Mapped[int | None]
    unidentified: Mapped[bool | None]
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)


class VideoRunChoice(Base):
    """The run of a video that counts because a person said so."""

    __tablename__ = "clip_run_choice"

    media_id: Mapped[int] = mapped_column(ForeignKey("media.id"), primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("clip_run.id"))
    who: Mapped[str] = mapped_column(String(80))
    decided_at: Mapped[Moment]


class VideoAnswer(Base):
    """One question about a video, and the answer.

    kind: key of a prepared question, or "own". outcome: empty while it is under way, then "done", "cut short" (the
    token limit) or "failed" with the reason in error. through: "direct" or "modal". sent: what of the video was sent,
    in words; frame_seconds: times of the frames. count_claimed: the number of animals the answer names. cost_dollars:
    from the tokens and the configured prices, empty where either is not known.
    """

    __tablename__ = "video_answer"
    # an id is never given twice: jobs are named after it, and a deleted answer can come back
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 (SQLAlchemy declares it)

    id: Mapped[int] = mapped_column(primary_key=True)
    media_id: Mapped[int] = mapped_column(ForeignKey("media.id"), index=True)
    kind: Mapped[str] = mapped_column(String(24))
    question: Mapped[str]
    prompt_version: Mapped[str] = mapped_column(String(16))
    model: Mapped[str] = mapped_column(String(120))
    endpoint_host: Mapped[str] = mapped_column(String(255))
    through: Mapped[str] = mapped_column(String(16))
    sent: Mapped[str | None] = mapped_column(String(120))
    frame_seconds: Mapped[list[Any]] = mapped_column(default=list)
    answer: Mapped[str | None]
    count_claimed: Mapped[int | None]
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    cost_dollars: Mapped[float | None]
    attempts: Mapped[int] = mapped_column(default=0)
    asked_by: Mapped[str] = mapped_column(String(80))
    asked_at: Mapped[Moment]
    answered_at: Mapped[float | None]
    outcome: Mapped[str | None] = mapped_column(String(12), index=True)
    error: Mapped[str | None]
