"""What models found (analysis, detection, feature) and, in rows of their own, what people decided about it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.survey.tables.base import Base, Moment


class ModelVersion(Base):
    """Backend, model, version, weights and preprocessing behind a result: one row per combination."""

    __tablename__ = "model_version"
    __table_args__ = (UniqueConstraint("task", "backend", "model", "version", "weights_sha256", "preprocessing"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(String(24))
    backend: Mapped[str] = mapped_column(String(16))
    model: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(32))
    weights_sha256: Mapped[str] = mapped_column(String(64), default="")
    preprocessing: Mapped[str] = mapped_column(String(255))
    threshold: Mapped[float | None]


class Analysis(Base):
    """A detector has looked at a media: the row that says so, also when it found nothing."""

    __tablename__ = "analysis"
    __table_args__ = (UniqueConstraint("media_id", "model_version_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    media_id: Mapped[int] = mapped_column(ForeignKey("media.id"))
    model_version_id: Mapped[int] = mapped_column(ForeignKey("model_version.id"))
    call_id: Mapped[int | None] = mapped_column(ForeignKey("call.id"))
    created_at: Mapped[Moment]


class Detection(Base):
    """A box on a media, as a model gave it (analysis_id set) or as a person drew it (drawn_by set). Never changed.

    x, y, width and height are relative to the picture, 0 to 1, top-left corner first.
    """

    __tablename__ = "detection"
    __table_args__ = (Index("ix_detection_media", "media_id", "confidence"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    media_id: Mapped[int] = mapped_column(ForeignKey("media.id"))
    analysis_id: Mapped[int | None] = mapped_column(ForeignKey("analysis.id"))
    drawn_by: Mapped[str | None] = mapped_column(String(80))
    category: Mapped[str] = mapped_column(String(16))
    confidence: Mapped[float]
    x: Mapped[float]
    y: Mapped[float]
    width: Mapped[float]
    height: Mapped[float]
    created_at: Mapped[Moment]


class DetectionReview(Base):
    """What a person decided about one detection. Empty fields leave the model's value standing.

    verdict: accepted, rejected or unsure; identity: unsure or unidentifiable while nobody is assigned.
    """

    __tablename__ = "detection_review"

    detection_id: Mapped[int] = mapped_column(ForeignKey("detection.id"), primary_key=True)
    verdict: Mapped[str | None] = mapped_column(String(16))
    category: Mapped[str | None] = mapped_column(String(16))
    species: Mapped[str | None] = mapped_column(String(120), index=True)
    flank: Mapped[str | None] = mapped_column(String(8))
    identity: Mapped[str | None] = mapped_column(String(16))
    x: Mapped[float | None]
    y: Mapped[float | None]
    width: Mapped[float | None]
    height: Mapped[float | None]
    who: Mapped[str] = mapped_column(String(80), index=True)
    decided_at: Mapped[Moment]


class BoxAside(Base):
    """A described box of an analysis that does not count any more because another one of its media does."""

    __tablename__ = "box_aside"

    detection_id: Mapped[int] = mapped_column(ForeignKey("detection.id"), primary_key=True)


class MediaReview(Base):
    """What a person decided about a whole media: accepted, blank or unsure."""

    __tablename__ = "media_review"

    media_id: Mapped[int] = mapped_column(ForeignKey("media.id"), primary_key=True)
    verdict: Mapped[str] = mapped_column(String(16))
    who: Mapped[str] = mapped_column(String(80), index=True)
    decided_at: Mapped[Moment]


class PeopleShown(Base):
    """That the people on a media need not be blurred, and who decided it."""

    __tablename__ = "people_shown"

    media_id: Mapped[int] = mapped_column(ForeignKey("media.id"), primary_key=True)
    who: Mapped[str] = mapped_column(String(80))
    decided_at: Mapped[Moment]


class Feature(Base):
    """What a model computed from one crop: an embedding (float32) or SIFT features (float32 points, uint8 descriptors).

    box is the rectangle the crop was cut with ("x,y,w,h", five decimals): when a person moves the box the feature is
    computed again.
    """

    __tablename__ = "feature"
    __table_args__ = (
        UniqueConstraint("detection_id", "model_version_id"),
        Index("ix_feature_version", "model_version_id", "id", "detection_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    detection_id: Mapped[int] = mapped_column(ForeignKey("detection.id"))
    model_version_id: Mapped[int] = mapped_column(ForeignKey("model_version.id"))
    box: Mapped[str] = mapped_column(String(48))
    count: Mapped[int]
    width: Mapped[int | None]
    height: Mapped[int | None]
    points: Mapped[bytes | None] = mapped_column(LargeBinary)
    vectors: Mapped[bytes] = mapped_column(LargeBinary)
    call_id: Mapped[int | None] = mapped_column(ForeignKey("call.id"))
    created_at: Mapped[Moment]


class Ranking(Base):
    """The last ranking of one query crop by one model: candidates with scores, best first, and the gallery it saw.

    stamp names the state of the gallery and the catalogue; another stamp means that the ranking is out of date.
    settled: whether the matcher has looked at its candidates or will not, so that no other order comes; null: not.
    """

    __tablename__ = "ranking"
    __table_args__ = (UniqueConstraint("detection_id", "model_version_id", "scope"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    detection_id: Mapped[int] = mapped_column(ForeignKey("detection.id"))
    model_version_id: Mapped[int] = mapped_column(ForeignKey("model_version.id"))
    scope: Mapped[str] = mapped_column(String(255))
    stamp: Mapped[str] = mapped_column(String(64))
    gallery_size: Mapped[int]
    in_scope: Mapped[int]
    known_probability: Mapped[float | None]
    settled: Mapped[bool | None]
    candidates: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[Moment]
