"""How good a crop is for telling who it is: a score that orders crops and never hides one, shown as words."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.detections.boxes import BoxView, boxes_of
from app.survey.tables.evidence import CropQuality
from app.survey.tables.media import Media
from modal_backend.models.detectors.overlap import area_of, shared_area

AT_EDGE = 0.004
LARGE, SMALL = 400.0, 120.0
COVERED = 0.15


def score(quality: CropQuality) -> float:
    """All of it as one figure, 0 to 1: the product of what each flaw leaves over."""
    size = min(max((quality.pixels - 40) / (LARGE - 40), 0.0), 1.0)
    light = min(quality.contrast / 0.12, 1.0) * (1 - min(quality.clipped, 0.8))
    edge = 0.7 if quality.at_edge else 1.0
    return round((0.15 + 0.85 * quality.sharpness) * (0.2 + 0.8 * size) * light * edge * (1 - 0.6 * quality.covered), 3)


def words(quality: CropQuality) -> list[str]:
    """What a person should know about the crop, worst first; "good" when there is nothing to say."""
    words = []
    if quality.sharpness < 0.4:
        words.append("blurred")
    elif quality.sharpness < 0.65:
        words.append("a little soft")
    if quality.brightness < 0.13:
        words.append("very dark")
    elif quality.clipped > 0.25 and quality.brightness > 0.5:
        words.append("overexposed")
    elif quality.contrast < 0.06:
        words.append("low contrast")
    if quality.pixels < SMALL:
        words.append("small")
    if quality.at_edge:
        words.append("cut off at the edge")
    if quality.covered > COVERED:
        words.append("partly behind another animal")
    return words or ["good view"]


def of(session: Session, detection_ids: Collection[int]) -> dict[int, CropQuality]:
    """The quality known of these crops."""
    rows = session.scalars(sa.select(CropQuality).where(CropQuality.detection_id.in_(detection_ids)))
    return {row.detection_id: row for row in rows}


def unmeasured(session: Session, detection_ids: Sequence[int]) -> list[int]:
    """Of these crops, those nobody has measured, in order."""
    known = of(session, detection_ids)
    return [number for number in detection_ids if number not in known]


def place_of(session: Session, box: BoxView) -> tuple[float, bool, float]:
    """Size of a box in pixels of the original, whether it touches the picture's edge, and its share under others."""
    media = session.get_one(Media, box.media_id)
    pixels = (box.width * media.width * box.height * media.height) ** 0.5
    at_edge = min(box.x, box.y) <= AT_EDGE or max(box.x + box.width, box.y + box.height) >= 1 - AT_EDGE
    whole = box.width >= 1 - 2 * AT_EDGE and box.height >= 1 - 2 * AT_EDGE
    others = [other for other in boxes_of(session, [media.id], floor=0.5)[media.id] if other.id != box.id]
    covered = max(
        (
            shared_area(box.box, other.box) / max(area_of(box.box), 1e-9)
            for other in others
            if other.category == "animal" and other.verdict != "rejected"
        ),
        default=0,
    )
    return pixels, at_edge and not whole, round(covered, 3)


def by_quality(session: Session, detection_ids: Sequence[int]) -> list[int]:
    """The crops best first; those nobody has measured come after the measured ones, in the order given."""
    scores = {number: known.score for number, known in of(session, detection_ids).items()}
    return sorted(detection_ids, key=lambda number: -scores.get(number, -1.0))
