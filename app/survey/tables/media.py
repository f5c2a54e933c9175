"""What came in: imports, the files they listed, and the media those files hold."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.survey.tables.base import Base, Moment


class ImportState(StrEnum):
    """Where an import stands."""

    RECEIVING = "receiving"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Outcome(StrEnum):
    """What became of one listed file."""

    NEW = "new"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    LEFT_OUT = "left_out"


class Stage(StrEnum):
    """How far the jobs have come with one media."""

    STORED = "stored"
    DETECTED = "detected"
    READY = "ready"
    FAILED = "failed"


OPEN_STAGES = (Stage.STORED, Stage.DETECTED)
LOOKED_AT = (Stage.DETECTED, Stage.READY)


class ImportBatch(Base):
    """One folder, zip, file or upload. The same card imported again continues the same row, another card has its own.

    The counts of files are written when an import ends; until then they are counted. names_in is the code page of a
    zip's names, where a person has chosen one. results_id: the file of results that comes with it.
    """

    __tablename__ = "import_batch"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    root: Mapped[str] = mapped_column(String(1024), index=True)
    label: Mapped[str] = mapped_column(String(255))
    deployment_rule: Mapped[str] = mapped_column(String(16), default="folder")
    deployment_id: Mapped[int | None] = mapped_column(ForeignKey("deployment.id"))
    synthetic: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(16), default=ImportState.QUEUED, index=True)
    attempt: Mapped[int] = mapped_column(default=1)
    listed: Mapped[int | None]
    new_files: Mapped[int | None]
    duplicate_files: Mapped[int | None]
    refused_files: Mapped[int | None]
    left_out_files: Mapped[int | None]
    damaged_files: Mapped[int | None]
    untimed_files: Mapped[int | None]
    unplaced_files: Mapped[int | None]
    displaced_files: Mapped[int | None]
    clock_files: Mapped[int | None]
    names_in: Mapped[str | None] = mapped_column(String(16))
    results_id: Mapped[int | None]
    error: Mapped[str | None]
    created_at: Mapped[Moment]
    started_at: Mapped[float | None]
    finished_at: Mapped[float | None]

    files: Mapped[list[ListedFile]] = relationship(back_populates="batch")


class ListedFile(Base):
    """One path an import listed, whatever became of it; duplicates keep their path here.

    modified is when the file was last written, in nanoseconds, as its folder says; for a file in a zip, the zip's.
    """

    __tablename__ = "listed_file"
    __table_args__ = (
        UniqueConstraint("import_id", "path"),
        Index("ix_listed_file_outcome", "import_id", "outcome"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id"))
    path: Mapped[str] = mapped_column(String(1024))
    media_id: Mapped[int | None] = mapped_column(ForeignKey("media.id"), index=True)
    outcome: Mapped[str] = mapped_column(String(16))
    refusal: Mapped[str | None] = mapped_column(String(40))
    message: Mapped[str | None]
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    modified: Mapped[int | None] = mapped_column(BigInteger)
    listed_at: Mapped[Moment]

    batch: Mapped[ImportBatch] = relationship(back_populates="files")
    media: Mapped[Media | None] = relationship(back_populates="files")


def _as_taken(context: Any) -> datetime | None:
    """A new media's recorded time: the one it comes with."""
    taken_at: datetime | None = context.get_current_parameters().get("taken_at")
    return taken_at


class Media(Base):
    """One image, stored once by its content. Width and height are in pixels after EXIF rotation.

    recorded_at is what the camera's clock showed. taken_at is the time that counts: recorded_at and clock_seconds or,
    without these, the correction of the deployment's clock (see `app.survey.media.clocks`).

    animal_score, person_score and vehicle_score are the highest confidence of a box that still counts (a box a person
    confirmed counts 1, a rejected one not at all); they are derived and exist so that a threshold is one indexed query.
    analysis_id is the analysis whose boxes count; earlier ones stay in the database. damage says what is wrong with the
    file of a picture of which only a part can be read.
    """

    __tablename__ = "media"
    __table_args__ = (
        Index("ix_media_order", "deployment_id", "taken_at", "id"),
        Index("ix_media_taken", "taken_at"),
        Index("ix_media_scores", "animal_score", "person_score", "vehicle_score", "stage"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(8), default="image")
    format: Mapped[str] = mapped_column(String(8))
    bytes: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int]
    height: Mapped[int]
    taken_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime | None] = mapped_column(default=_as_taken)
    clock_seconds: Mapped[int | None]
    taken_at_source: Mapped[str | None] = mapped_column(String(16))
    utc_offset: Mapped[str | None] = mapped_column(String(8))
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    camera_make: Mapped[str | None] = mapped_column(String(80))
    camera_model: Mapped[str | None] = mapped_column(String(80))
    camera_serial: Mapped[str | None] = mapped_column(String(80))
    synthetic: Mapped[bool] = mapped_column(default=False)
    deployment_id: Mapped[int | None] = mapped_column(ForeignKey("deployment.id"))
    event_id: Mapped[int | None] = mapped_column(ForeignKey("event.id"), index=True)
    stage: Mapped[str] = mapped_column(String(16), default=Stage.STORED, index=True)
    failure: Mapped[str | None]
    damage: Mapped[str | None] = mapped_column(String(200))
    attempts: Mapped[int] = mapped_column(default=0)
    animal_score: Mapped[float] = mapped_column(default=0.0)
    person_score: Mapped[float] = mapped_column(default=0.0)
    vehicle_score: Mapped[float] = mapped_column(default=0.0)
    analysis_id: Mapped[int | None]
    created_at: Mapped[Moment]

    files: Mapped[list[ListedFile]] = relationship(back_populates="media")


class MediaClaim(Base):
    """A media that a job is at work on; see `app.survey.media.claims`. job: the id of its workflow."""

    __tablename__ = "media_claim"

    media_id: Mapped[int] = mapped_column(ForeignKey("media.id", ondelete="CASCADE"), primary_key=True)
    job: Mapped[str] = mapped_column(String(128), index=True)


class MediaLook(Base):
    """What a media looks like as a whole; see `app.ingest.look.Look`."""

    __tablename__ = "media_look"

    media_id: Mapped[int] = mapped_column(ForeignKey("media.id"), primary_key=True)
    brightness: Mapped[float]
    contrast: Mapped[float]
    colour: Mapped[float]
    scene: Mapped[bytes] = mapped_column(LargeBinary)


class MediaPlace(Base):
    """Where the survey's files of media lie, for all its processes: one row, id 1, or none where nobody shares them.

    place: the address of a storage, or "folder" and the mark of the data folder that holds them.
    """

    __tablename__ = "media_place"

    id: Mapped[int] = mapped_column(primary_key=True)
    place: Mapped[str]
    since: Mapped[Moment]
