"""Results of detectors: MegaDetector JSON (lila 1.0 to 1.6), SpeciesNet's predictions, PytorchWildlife's list.

Sources: megadetector-output-format.md of agentmorris/MegaDetector, which AddaxAI and EcoAssist write too, with species
among the detection categories; README of google/cameratrapai, "Output format"; PytorchWildlife/utils/post_process.py of
microsoft/CameraTraps, save_detection_json: corners in pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from app.exchange.incoming.entries import MOST_BOXES, BadEntry, Entry, Source, category_of, detection, usable_path
from app.exchange.incoming.json_files import Outline, entries
from modal_backend.contracts import Category

# The detectors' own typical thresholds, where a file does not say one: MegaDetector 5 and PytorchWildlife 0.2.
USUAL_THRESHOLD = 0.2
STANDARD = {"1": Category.ANIMAL, "2": Category.PERSON, "3": Category.VEHICLE}
PYTORCH_WILDLIFE = {"0": Category.ANIMAL, "1": Category.PERSON, "2": Category.VEHICLE}
Categories = Mapping[str, Category]


def megadetector(path: Path, top: Outline) -> Source | None:
    """The lila format, also as AddaxAI writes it; None for another."""
    first = top.first.get("images")
    if not isinstance(first, dict) or not {"file", "detections", "failure"} & first.keys() or "file" not in first:
        return None
    info = _map(top.values.get("info"))
    about = _map(info.get("detector_metadata"))
    named = _map(top.values.get("detection_categories"))
    categories = {str(key): category_of(str(name)) for key, name in named.items()} or STANDARD
    return Source(
        "MegaDetector JSON",
        str(info.get("detector") or "MegaDetector").removesuffix(".pt"),
        _known(about.get("megadetector_version")),
        _threshold(about.get("typical_detection_threshold")),
        partial(_read, path, "images.item", partial(_lila, categories)),
    )


def speciesnet(path: Path, top: Outline) -> Source | None:
    """SpeciesNet's predictions.json, of 4.x and 5.x; None for another."""
    first = top.first.get("predictions")
    if not isinstance(first, dict) or "filepath" not in first:
        return None
    return Source(
        "SpeciesNet predictions",
        "SpeciesNet",
        _known(first.get("model_version")),
        USUAL_THRESHOLD,
        partial(_read, path, "predictions.item", _speciesnet),
    )


def pytorch_wildlife(path: Path, top: Outline) -> Source | None:
    """PytorchWildlife's list of boxes in pixels, at the top or under "annotations"; None for another."""
    for place, prefix in (("annotations", "annotations.item"), ("", "item")):
        first = top.first.get(place)
        if isinstance(first, dict) and {"img_id", "bbox"} <= first.keys():
            named = _map(top.values.get("categories"))
            categories = {str(key): category_of(str(name)) for key, name in named.items()} or PYTORCH_WILDLIFE
            make = partial(_corners, categories)
            return Source(
                "PytorchWildlife list", "PytorchWildlife", "", USUAL_THRESHOLD, partial(_read, path, prefix, make)
            )
    return None


def bare_list(path: Path, top: Outline) -> Source | None:
    """A list of the lila format's images without what goes round them; None for another."""
    first = top.first.get("")
    if not isinstance(first, dict) or not {"file", "detections"} <= first.keys():
        return None
    make = partial(_lila, STANDARD)
    return Source("MegaDetector list", "MegaDetector", "", USUAL_THRESHOLD, partial(_read, path, "item", make))


def _read(path: Path, prefix: str, make: Callable[[Mapping[str, Any]], Entry]) -> Iterator[Entry]:
    for number, value in enumerate(entries(path, prefix), start=1):
        name = f"entry {number:,}"
        try:
            if not isinstance(value, dict):
                raise BadEntry("the entry is no object")
            name = usable_path(value.get("file") or value.get("filepath") or value.get("img_id"))
            yield make(value)
        except BadEntry as problem:
            yield Entry(name, problem=f"{problem}.".capitalize())


def _lila(categories: Categories, value: Mapping[str, Any]) -> Entry:
    found = value.get("detections")
    if value.get("failure") or found is None:
        raise BadEntry(f"the file says that it failed: {str(value.get('failure') or 'no detections')[:200]}")
    boxes = [detection(_category(categories, box), box.get("conf"), box.get("bbox")) for box in _boxes(found)]
    return Entry(str(value["file"]), tuple(boxes))


def _speciesnet(value: Mapping[str, Any]) -> Entry:
    if "detections" not in value:
        failed = ", ".join(map(str, value.get("failures") or [])) or "no detections"
        raise BadEntry(f"the file says that it failed: {failed[:200]}")
    found = value.get("detections") or []
    boxes = [detection(_category(STANDARD, box), box.get("conf"), box.get("bbox")) for box in _boxes(found)]
    return Entry(str(value["filepath"]), tuple(boxes))


def _corners(categories: Categories, value: Mapping[str, Any]) -> Entry:
    given = [value.get(name) for name in ("bbox", "category", "confidence")]
    columns = [column for column in given if isinstance(column, list)]
    if len(columns) != len(given) or len({len(column) for column in columns}) != 1:
        raise BadEntry("boxes, categories and confidences are not equally many")
    boxes = []
    for corners, category, confidence in zip(*columns, strict=True):
        if not isinstance(corners, list) or len(corners) != 4 or not all(isinstance(x, int | float) for x in corners):
            raise BadEntry("a box or its confidence is not made of numbers")
        left, top, right, bottom = corners
        kind = _category(categories, {"category": category})
        boxes.append(detection(kind, confidence, [left, top, right - left, bottom - top], pixels=True))
    return Entry(str(value["img_id"]), tuple(boxes), pixels=True)


def _boxes(found: Any) -> list[dict[str, Any]]:
    if not isinstance(found, list) or not all(isinstance(box, dict) for box in found):
        raise BadEntry("its detections are no list of boxes")
    if len(found) > MOST_BOXES:
        raise BadEntry(f"it has more than {MOST_BOXES:,} boxes")
    if any(box.get("frame_number") is not None for box in found):
        raise BadEntry("it is a video: boxes on its frames are not taken over, Pugmark follows its animals by itself")
    return found


def _category(categories: Categories, box: Mapping[str, Any]) -> Category:
    key = str(box.get("category"))
    if key not in categories:
        raise BadEntry(f"the file does not say what category {key[:40]} is")
    return categories[key]


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _known(value: Any) -> str:
    return "" if value in (None, "unknown") else str(value)


def _threshold(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and 0 < value < 1 else USUAL_THRESHOLD
