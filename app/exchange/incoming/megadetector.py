"""Results of detectors: MegaDetector JSON (lila 1.0 to 1.6), SpeciesNet's predictions, PytorchWildlife's list.

Sources: megadetector-output-format.md of agentmorris/MegaDetector, which AddaxAI and EcoAssist write too, with species
among the detection categories; README of google/cameratrapai, "Output format"; PytorchWildlife/utils/post_process.py of
microsoft/CameraTraps, save_detection_json, and microsoft.github.io/MegaDetector/output_format: corners in pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from app.exchange.incoming.entries import (
    MOST_BOXES,
    NOTHING,
    BadEntry,
    Entry,
    Found,
    Frames,
    Source,
    Species,
    category_of,
    detection,
    entry_of,
    species_name,
    usable_path,
)
from app.exchange.incoming.json_files import Outline, entries
from modal_backend.contracts import Category

# The detectors' own typical thresholds, where a file does not say one: MegaDetector 5 and PytorchWildlife 0.2.
USUAL_THRESHOLD = 0.2
LAST_FRAME, MOST_FRAMES_A_SECOND = 10_000_000, 1000
STANDARD = {"1": "animal", "2": "person", "3": "vehicle"}
PYTORCH_WILDLIFE = {"0": "animal", "1": "person", "2": "vehicle"}


@dataclass(frozen=True, slots=True)
class Names:
    """What a file calls things.

    Args:
        detector: whose boxes these are.
        categories: names of the detector's categories, which may be species.
        classifier: whose species these are; species: the names of its categories.
    """

    detector: str
    categories: Mapping[str, str]
    classifier: str = ""
    species: Mapping[str, str] = field(default_factory=dict)


def megadetector(path: Path, top: Outline) -> Source | None:
    """The lila format, also as AddaxAI writes it; None for another."""
    first = top.first.get("images")
    if not isinstance(first, dict) or not {"file", "detections", "failure"} & first.keys() or "file" not in first:
        return None
    info = _map(top.values.get("info"))
    about = _map(info.get("detector_metadata"))
    model = str(info.get("detector") or "MegaDetector").removesuffix(".pt")
    labels = _texts(top.values.get("classification_categories"))
    described = _texts(top.values.get("classification_category_descriptions"))
    names = Names(
        model,
        _texts(top.values.get("detection_categories")) or STANDARD,
        str(info.get("classifier") or "classifier").removeprefix("kaggle:google/"),
        {key: species_name(described.get(key, "")) if _is_taxon(described.get(key)) else species_name(label)
         for key, label in labels.items()},
    )  # fmt: skip
    return Source(
        "MegaDetector JSON",
        model,
        _known(about.get("megadetector_version")),
        _threshold(about.get("typical_detection_threshold")),
        partial(_read, path, "images.item", partial(_lila, names)),
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
        partial(_read, path, "predictions.item", partial(_speciesnet, Names("SpeciesNet", STANDARD))),
    )


def pytorch_wildlife(path: Path, top: Outline) -> Source | None:
    """PytorchWildlife's list of boxes in pixels, at the top or under "annotations"; None for another."""
    for place, prefix in (("annotations", "annotations.item"), ("", "item")):
        first = top.first.get(place)
        if isinstance(first, dict) and {"img_id", "bbox"} <= first.keys():
            names = Names("PytorchWildlife", _texts(top.values.get("categories")) or PYTORCH_WILDLIFE)
            make = partial(_corners, names)
            return Source(
                "PytorchWildlife list", "PytorchWildlife", "", USUAL_THRESHOLD, partial(_read, path, prefix, make)
            )
    return None


def bare_list(path: Path, top: Outline) -> Source | None:
    """A list of the lila format's images without what goes round them, or Microsoft's; None for another."""
    first = top.first.get("")
    if not isinstance(first, dict) or not {"file", "detections"} <= first.keys():
        return None
    make = partial(_lila, Names("MegaDetector", STANDARD))
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
            yield Entry(name, problem=problem.sentence)


def _lila(names: Names, value: Mapping[str, Any]) -> Entry:
    found = value.get("detections")
    if value.get("failure") or found is None:
        raise BadEntry(f"the file says that it failed: {str(value.get('failure') or 'no detections')[:200]}")
    boxes = _boxes(found)
    if any("confidence" in box and "conf" not in box for box in boxes):
        return _corners(names, {
            "img_id": value["file"], "bbox": [box.get("bbox") for box in boxes],
            "category": [box.get("category") for box in boxes], "confidence": [box.get("confidence") for box in boxes],
        })  # fmt: skip
    if {"frame_rate", "frames_processed"} & value.keys() or any("frame_number" in box for box in boxes):
        return _video(names, value, boxes)
    return entry_of(value["file"], [detected for box in boxes if (detected := _box(names, box)) is not None])


def _video(names: Names, value: Mapping[str, Any], boxes: Sequence[Mapping[str, Any]]) -> Entry:
    """A video: each box says its frame, and the file which frames were looked at."""
    kept = [(detected, box.get("frame_number")) for box in boxes if (detected := _box(names, box)) is not None]
    looked = [number for number in _list(value.get("frames_processed")) if _is_frame(number)]
    if not all(_is_frame(number) for _, number in kept):
        raise BadEntry("a box of a video does not say its frame")
    rate = value.get("frame_rate")
    rate = float(rate) if isinstance(rate, int | float) and 0 < rate <= MOST_FRAMES_A_SECOND else None
    frames = Frames(tuple(int(number or 0) for _, number in kept), tuple(looked), rate)
    return replace(entry_of(value["file"], [detected for detected, _ in kept]), frames=frames)


def _is_frame(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= LAST_FRAME


def _speciesnet(names: Names, value: Mapping[str, Any]) -> Entry:
    """Its classifier looks at the surest box alone: that one gets the name.

    `prediction` is what its ensemble makes of detector, classifier and place, rolled up to a higher rank where it is
    not sure of the species; without it the classifier's first answer counts.
    """
    if "detections" not in value:
        failures = value.get("failures")
        failed = ", ".join(map(str, failures)) if isinstance(failures, list) and failures else "no detections"
        raise BadEntry(f"the file says that it failed: {failed[:200]}")
    found = [detected for box in _boxes(value.get("detections") or []) if (detected := _box(names, box)) is not None]
    label, score = value.get("prediction"), value.get("prediction_score")
    classes = _map(value.get("classifications"))
    answers, scores = classes.get("classes"), classes.get("scores")
    if label is None and isinstance(answers, list) and isinstance(scores, list) and answers and scores:
        label, score = answers[0], scores[0]
    species = _species(species_name(str(label or "")), score, names.detector)
    surest = max(found, key=lambda detected: detected[0].confidence, default=None)
    if species is not None and surest is not None and surest[0].category == Category.ANIMAL:
        found[found.index(surest)] = (surest[0], species)
    return entry_of(value["filepath"], found)


def _corners(names: Names, value: Mapping[str, Any]) -> Entry:
    """Boxes as left, top, right, bottom in pixels."""
    given = [value.get(name) for name in ("bbox", "category", "confidence")]
    columns = [column for column in given if isinstance(column, list)]
    if len(columns) != len(given) or len({len(column) for column in columns}) != 1:
        raise BadEntry("boxes, categories and confidences are not equally many")
    found = []
    for corners, category, confidence in zip(*columns, strict=True):
        if not isinstance(corners, list) or len(corners) != 4 or not all(isinstance(x, int | float) for x in corners):
            raise BadEntry("a box or its confidence is not made of numbers")
        left, top, right, bottom = corners
        box = {"category": category, "conf": confidence, "bbox": [left, top, right - left, bottom - top]}
        if (detected := _box(names, box, pixels=True)) is not None:
            found.append(detected)
    return entry_of(value["img_id"], found, pixels=True)


def _boxes(found: Any) -> list[dict[str, Any]]:
    if not isinstance(found, list) or not all(isinstance(box, dict) for box in found):
        raise BadEntry("its detections are no list of boxes")
    if len(found) > MOST_BOXES:
        raise BadEntry(f"it has more than {MOST_BOXES:,} boxes")
    return found


def _box(names: Names, box: Mapping[str, Any], *, pixels: bool = False) -> Found | None:
    """A box with the species that the file says; None for a category that means nothing is there."""
    key = str(box.get("category"))
    name = names.categories.get(key) or (key if key in names.categories.values() else None)
    if name is None:
        raise BadEntry(f"the file does not say what category {key[:40]} is")
    if name.strip().casefold() in NOTHING:
        return None
    found = detection(category_of(name), box.get("conf"), box.get("bbox"), pixels=pixels)
    if found.category != Category.ANIMAL:
        return found, None
    return found, _classified(names, box) or _species(species_name(name), found.confidence, names.detector)


def _classified(names: Names, box: Mapping[str, Any]) -> Species | None:
    """The first of a classifier's answers; they come with the surest first."""
    answers = box.get("classifications")
    first = answers[0] if isinstance(answers, list) and answers else None
    if not isinstance(first, list) or len(first) < 2:
        return None
    return _species(names.species.get(str(first[0]), ""), first[1], names.classifier)


def _species(name: str, score: Any, classifier: str) -> Species | None:
    if not name or isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        return None
    return Species(name[:120], round(float(score), 4), classifier[:64])


def _is_taxon(label: str | None) -> bool:
    """Whether a description names the ranks apart, as SpeciesNet does."""
    return (label or "").count(";") == 6


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> dict[str, str]:
    return {str(key): str(name) for key, name in _map(value).items()}


def _known(value: Any) -> str:
    return "" if value in (None, "unknown") else str(value)


def _threshold(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and 0 < value < 1 else USUAL_THRESHOLD
