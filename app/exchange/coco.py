"""COCO (detection layout, with the fields of COCO Camera Traps): images, boxes in pixels, categories, who it is.

Sources: the COCO data format (cocodataset.org, "Object Detection") and the COCO Camera Traps README of LILA (datetime,
location, seq_id). A box is [x, y, width, height] in pixels from the top-left corner after EXIF rotation. COCO has no
field for individuals: they are in `attributes` of an annotation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.exchange.identifiers import ExportRefused
from app.exchange.listed import (
    AT_ONCE,
    blank_among,
    left_out,
    media_in_parts,
    media_paths,
    repeated_paths,
    station_of_each,
)
from app.exchange.progress import Report, counted, unheard
from app.survey.detections.boxes import BoxView, boxes_of
from app.survey.detections.people import HIDDEN_FROM
from app.survey.detections.results import threshold_of
from app.survey.individuals.species import species_of, stated_species
from app.survey.media import browse
from app.survey.tables.detections import DetectionReview, MediaReview
from app.survey.tables.individuals import Individual
from app.survey.tables.media import Media, Stage
from modal_backend.contracts import Category

ANIMAL, VEHICLE = str(Category.ANIMAL), str(Category.VEHICLE)


@dataclass(frozen=True, slots=True)
class Written:
    """How much was written, and what was left out, in words."""

    images: int
    annotations: int
    left_out: tuple[str, ...]


def write(session: Session, out: Path, report: Report = unheard) -> Written:
    """Write the file.

    Boxes as people left them: rejected ones and those under the detector's display threshold that nobody confirmed are
    not written; an image without annotations is blank. Videos, images with a person, and images that have not been
    analysed are left out, which info.left_out says.

    Raises:
        ExportRefused: no image has been analysed.
    """
    images = session.scalar(sa.select(sa.func.count(Media.id)).where(*_where())) or 0
    lacking = _left_out(session)
    if not images:
        raise ExportRefused("No image without a person has been analysed: there is nothing to write.")
    names = _categories(session)
    with out.open("w", encoding="utf-8") as file:
        head = json.dumps({"info": _info(lacking), "licenses": []}, indent=1, ensure_ascii=False)
        file.write(head.removesuffix("\n}"))
        _list(file, "categories", names.values())
        _list(file, "images", counted(_images(session), 2 * images, report))
        ids = {name: category["id"] for name, category in names.items()}
        count = _list(file, "annotations", _annotations(session, ids, report, images))
        file.write("\n}\n")
    return Written(images, count, lacking)


def _info(lacking: tuple[str, ...]) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "description": "Camera-trap survey",
        "version": "1.0",
        "year": now.year,
        "contributor": "Pugmark",
        "date_created": f"{now:%Y-%m-%d %H:%M:%S}",
        "boxes": "x, y, width, height in pixels of the image after EXIF rotation",
        "times": "camera-local, corrections of clocks included",
        "left_out": list(lacking),
    }


def _list(file: TextIO, name: str, rows: Iterable[dict[str, Any]]) -> int:
    file.write(f',\n "{name}": [')
    count = 0
    for count, row in enumerate(rows, start=1):
        file.write(",\n  " if count > 1 else "\n  ")
        file.write(json.dumps(row, ensure_ascii=False))
    file.write("\n ]" if count else "]")
    return count


def _where() -> list[sa.ColumnElement[bool]]:
    return [Media.kind == "image", Media.person_score < HIDDEN_FROM, _analysed()]


def _analysed() -> sa.ColumnElement[bool]:
    reviewed = sa.select(MediaReview.media_id)
    return sa.or_(Media.stage.in_([Stage.DETECTED, Stage.READY]), Media.id.in_(reviewed))


def _left_out(session: Session) -> tuple[str, ...]:
    image = Media.kind == "image"
    unseen = sa.and_(image, Media.person_score < HIDDEN_FROM, ~_analysed())
    reasons = {
        "videos and their frames": ~image,
        "images with a person": sa.and_(image, Media.person_score >= HIDDEN_FROM),
        "images not analysed yet, or whose analysis failed": unseen,
    }
    return left_out(session, reasons)


def _categories(session: Session) -> dict[str, dict[str, Any]]:
    """Categories by name in small letters: animal and vehicle, then every species that was said."""
    labels = sa.union(
        sa.select(DetectionReview.species).where(DetectionReview.species.is_not(None)),
        sa.select(stated_species()).select_from(Individual),
    )
    names = {ANIMAL: ANIMAL, VEHICLE: VEHICLE}
    for name in sorted(row[0] for row in session.execute(labels) if row[0] is not None):
        names.setdefault(name.casefold(), name)
    return {
        key: {"id": number, "name": name, "supercategory": VEHICLE if key == VEHICLE else ANIMAL}
        for number, (key, name) in enumerate(names.items(), start=1)
    }


def _images(session: Session) -> Iterator[dict[str, Any]]:
    repeated, stations = repeated_paths(session), station_of_each(session)
    for part in media_in_parts(session, *_where()):
        paths = media_paths(session, [media.id for media in part], repeated)
        for media in part:
            row: dict[str, Any] = {
                "id": str(media.id),
                "file_name": paths.get(media.id, media.sha256),
                "width": media.width,
                "height": media.height,
                "sha256": media.sha256,
            }
            if media.taken_at is not None:
                taken = f"{media.taken_at:%Y-%m-%d %H:%M:%S}"
                row |= {"date_captured": taken, "datetime": taken}
            if media.deployment_id is not None:
                row["location"] = stations[media.deployment_id]
            if media.event_id is not None:
                row["seq_id"] = str(media.event_id)
            yield row


def _annotations(
    session: Session, category_ids: dict[str, int], report: Report, images: int
) -> Iterator[dict[str, Any]]:
    threshold = threshold_of(browse.detector(session))
    species = species_of(session)
    for number, part in enumerate(media_in_parts(session, *_where())):
        report(min(images + number * AT_ONCE, 2 * images), 2 * images)
        ids = [media.id for media in part]
        blank, found = blank_among(session, ids), boxes_of(session, ids)
        for media in part:
            for box in [] if media.id in blank else found[media.id]:
                known = box.species or species.get(box.individual_id or 0)
                rectangle = _pixels(box, media)
                if rectangle is not None and box.category != Category.PERSON and box.counts(threshold):
                    yield _annotation(box, rectangle, category_ids[(known or box.category).casefold()])


def _pixels(box: BoxView, media: Media) -> list[float] | None:
    """The part of the box on the image, in pixels; None when nothing of it is."""
    left, top = max(box.x, 0.0), max(box.y, 0.0)
    right, bottom = min(box.x + box.width, 1.0), min(box.y + box.height, 1.0)
    x, y = round(left * media.width, 2), round(top * media.height, 2)
    wide, high = round(right * media.width - x, 2), round(bottom * media.height - y, 2)
    return [x, y, wide, high] if wide > 0 and high > 0 else None


def _annotation(box: BoxView, rectangle: list[float], category_id: int) -> dict[str, Any]:
    attributes: dict[str, Any] = {"decided_by": "human" if box.confirmed else "machine"}
    if not box.drawn:
        attributes["confidence"] = round(box.confidence, 4)
    if box.flank:
        attributes["flank"] = box.flank
    if box.individual_id is not None:
        attributes |= {"individual_id": box.individual_id, "individual": box.individual}
    return {
        "id": str(box.id),
        "image_id": str(box.media_id),
        "category_id": category_id,
        "bbox": rectangle,
        "area": round(rectangle[2] * rectangle[3], 2),
        "iscrowd": 0,
        "attributes": attributes,
    }
