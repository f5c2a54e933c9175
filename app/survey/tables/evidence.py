"""What is kept about crops beside their features: matches and evidence of pairs, outlines, quality."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.survey.tables.base import Base, Moment


class PairEvidence(Base):
    """Matches of two crops as their boxes stood; low_id < high_id.

    lines: [low x, low y, high x, high y, weight, kind], places in thousandths of the crop, weight in hundredths, kind 0
    on the animal, 1 on the background, 2 not consistent. whole, animal, background: consistent matches. problem: why
    there are none. matcher: the same figures and lines by the matcher, and how alike it finds the animals (alike);
    null while it has not compared the two.
    """

    __tablename__ = "pair_evidence"
    __table_args__ = (UniqueConstraint("low_id", "high_id"), Index("ix_pair_evidence_high", "high_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    low_id: Mapped[int] = mapped_column(ForeignKey("detection.id", ondelete="CASCADE"))
    high_id: Mapped[int] = mapped_column(ForeignKey("detection.id", ondelete="CASCADE"))
    low_box: Mapped[str] = mapped_column(String(48))
    high_box: Mapped[str] = mapped_column(String(48))
    version: Mapped[str] = mapped_column(String(16))
    lines: Mapped[list[Any]] = mapped_column(default=list)
    whole: Mapped[int]
    animal: Mapped[int]
    background: Mapped[int]
    on_background: Mapped[bool]
    problem: Mapped[str | None]
    matcher: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[Moment]


class PairMatch(Base):
    """What the matcher found for two crops as their boxes stood; low_id < high_id.

    model_version_id: of the matcher. score: 0 and up. matches: see `detections.matches`.
    """

    __tablename__ = "pair_match"
    __table_args__ = (UniqueConstraint("low_id", "high_id"), Index("ix_pair_match_high", "high_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    low_id: Mapped[int] = mapped_column(ForeignKey("detection.id", ondelete="CASCADE"))
    high_id: Mapped[int] = mapped_column(ForeignKey("detection.id", ondelete="CASCADE"))
    low_box: Mapped[str] = mapped_column(String(48))
    high_box: Mapped[str] = mapped_column(String(48))
    model_version_id: Mapped[int] = mapped_column(ForeignKey("model_version.id"))
    score: Mapped[float]
    matches: Mapped[bytes] = mapped_column(LargeBinary)
    call_id: Mapped[int | None] = mapped_column(ForeignKey("call.id"))
    created_at: Mapped[Moment]


class CropOutline(Base):
    """Where in a crop the animal is (mask: 24 x 24 bytes) and what its mirror image differs in (mirror: float16)."""

    __tablename__ = "crop_outline"

    detection_id: Mapped[int] = mapped_column(ForeignKey("detection.id", ondelete="CASCADE"), primary_key=True)
    box: Mapped[str] = mapped_column(String(48))
    version: Mapped[str] = mapped_column(String(16))
    mask: Mapped[bytes] = mapped_column(LargeBinary)
    mirror: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Moment]


class CropQuality(Base):
    """Quality of a crop as its box stood. sharpness 0 to 1; brightness, clipped, contrast as in `crop_quality`.

    pixels: the square root of the crop's area in pixels of the original. at_edge: whether the box touches the edge of
    the picture. covered: share of the box under another animal's box. score: 0 to 1, all of it together.
    """

    __tablename__ = "crop_quality"

    detection_id: Mapped[int] = mapped_column(ForeignKey("detection.id", ondelete="CASCADE"), primary_key=True)
    box: Mapped[str] = mapped_column(String(48))
    version: Mapped[str] = mapped_column(String(16))
    sharpness: Mapped[float]
    brightness: Mapped[float]
    clipped: Mapped[float]
    contrast: Mapped[float]
    pixels: Mapped[float]
    at_edge: Mapped[bool]
    covered: Mapped[float]
    score: Mapped[float]
    created_at: Mapped[Moment]
