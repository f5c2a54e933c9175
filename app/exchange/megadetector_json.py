"""MegaDetector results, lila format 1.6: normalised boxes [x_min, y_min, width, height], top-left corner first.

Source: megadetector-output-format.md of the agentmorris/MegaDetector project. There is another, Microsoft's, format of
the same name (a list, pixel corners); this file writes lila's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.exchange.listed import AT_ONCE, repeated_paths
from app.exchange.progress import Report, counted, unheard
from app.survey.database import Survey
from app.survey.detections.boxes import BoxView, boxes_of
from app.survey.media import browse
from app.survey.tables.detections import MediaReview
from app.survey.tables.media import ImportBatch, ListedFile, Media, Outcome, Stage
from app.survey.tables.videos import FrameDetection, Video
from app.survey.videos import counts, runs, tracklets

FORMAT_VERSION = "1.6"
CATEGORIES = {"1": "animal", "2": "person", "3": "vehicle"}
CATEGORY_ID = {name: number for number, name in CATEGORIES.items()}


def info(detector: str, threshold: float) -> dict[str, Any]:
    """The info block.

    Args:
        threshold: the detector's default display threshold.
    """
    return {
        "format_version": FORMAT_VERSION,
        "detector": detector,
        "detection_completion_time": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "detector_metadata": {
            "megadetector_version": "unknown",
            "typical_detection_threshold": threshold,
            "conservative_detection_threshold": round(threshold / 2, 4),
        },
    }


def detection(category: str, confidence: float, x: float, y: float, width: float, height: float) -> dict[str, Any]:
    """One box: confidence with four decimals, coordinates with five."""
    return {
        "category": CATEGORY_ID[category],
        "conf": round(confidence, 4),
        "bbox": [round(value, 5) for value in (x, y, width, height)],
    }


def write_document(out: Path, header: dict[str, Any], images: Iterable[dict[str, Any]]) -> int:
    """Write info, categories and images to a file, one image at a time; returns how many images."""
    count = 0
    with out.open("w", encoding="utf-8") as file:
        head = {"info": header, "detection_categories": CATEGORIES}
        file.write(json.dumps(head, indent=1)[:-2] + ',\n "images": [')
        for count, image in enumerate(images, start=1):
            file.write(",\n" if count > 1 else "\n")
            file.write("  " + json.dumps(image, ensure_ascii=False))
        file.write("\n ]\n}\n")
    return count


def export(survey: Survey, out: Path, report: Report = unheard) -> int:
    """Write every listed file of the survey: one row a path, boxes as they stand after people's corrections.

    A refused or failed file has `failure` and no detections. Returns the number of rows.
    """
    with survey.read() as session:
        version = browse.detector(session)
        name = f"{version.model} {version.version}".strip() if version else "none"
        header = info(name, version.threshold if version and version.threshold else 0.2)
        header["pugmark"] = {"human_decisions": "applied", "weights_sha256": version.weights_sha256 if version else ""}
        total = session.scalar(sa.select(sa.func.count(ListedFile.id))) or 0
        return write_document(out, header, counted(_rows(session), total, report))


def _rows(session: Session) -> Iterator[dict[str, Any]]:
    taken = repeated_paths(session)
    last = 0
    while True:
        files = session.execute(
            sa.select(ListedFile, Media, ImportBatch.label, MediaReview.verdict)
            .join(ImportBatch, ImportBatch.id == ListedFile.import_id)
            .outerjoin(Media, Media.id == ListedFile.media_id)
            .outerjoin(MediaReview, MediaReview.media_id == Media.id)
            .where(ListedFile.id > last)
            .order_by(ListedFile.id)
            .limit(AT_ONCE)
        ).all()
        if not files:
            return
        found = boxes_of(session, {media.id for _, media, _, _ in files if media is not None})
        videos = {media.id for _, media, _, _ in files if media is not None and media.kind == "video"}
        frames = tracklets.frames_of(session, [box.id for media_id in videos for box in found[media_id]])
        for file, media, label, verdict in files:
            path = f"{label}/{file.path}" if file.path in taken else file.path
            row = _row(path, file, media, found.get(media.id, []) if media else [], verdict)
            if media is not None and media.id in videos and row["detections"] is not None:
                _add_frames(row, session, media.id, found[media.id], frames)
            yield row
        last = files[-1][0].id
        session.expunge_all()


def _row(path: str, file: ListedFile, media: Media | None, boxes: list[BoxView], verdict: str | None) -> dict[str, Any]:
    if file.outcome in (Outcome.REFUSED, Outcome.LEFT_OUT) or media is None:
        return {"file": path, "failure": file.message or file.refusal or "not read", "detections": None}
    if media.stage in (Stage.FAILED, Stage.STORED):
        return {"file": path, "failure": media.failure or "not analysed yet", "detections": None}
    kept = [box for box in boxes if box.verdict != "rejected"] if verdict != "blank" else []
    row: dict[str, Any] = {"file": path, "detections": [_box(box) for box in kept]}
    if media.taken_at is not None:
        row["datetime"] = media.taken_at.strftime("%Y-%m-%d %H:%M:%S")
    return row


def _add_frames(
    row: dict[str, Any], session: Session, media_id: int, boxes: list[BoxView], frames: dict[int, FrameDetection]
) -> None:
    """What the format asks of a video: its rate, the frames processed, and on every detection its frame.

    A box that a person drew without a frame is on the one that was shown, the key frame.
    """
    video = session.get_one(Video, media_id)
    row["frame_rate"] = video.frame_rate
    facts = runs.facts_of(runs.counting_run(session, media_id))
    row["frames_processed"] = [index for index, _ in facts.looked]
    count, gone = counts.count_of(session, media_id), counts.fallen(session, [media_id])
    if count is not None:
        row["pugmark"] = {"max_at_once": count.animals, "distinct_low": count.low, "distinct_high": count.high}
    kept = [box for box in boxes if box.verdict != "rejected" and box.id not in gone] if row["detections"] else []
    row["detections"] = [_box(box) for box in kept]
    for found, box in zip(row["detections"], kept, strict=True):
        found["frame_number"] = frames[box.id].frame_number if box.id in frames else video.key_frame
    row["detections"].sort(key=lambda found: found["frame_number"])


def _box(box: BoxView) -> dict[str, Any]:
    confidence = 1.0 if box.drawn else box.confidence
    return detection(box.category, confidence, box.x, box.y, box.width, box.height)
