"""Scores of a detector's boxes against checked ones.

Predictions: lila MegaDetector JSON (relative x, y, width, height). Truth: COCO JSON (pixels). Pictures are matched by
file name, the last part of the path. Average precision is the area under the interpolated precision-recall curve, every
box matched greedily by confidence to the best free one of its picture (Everingham et al., IJCV 2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.survey.detections.boxes import counts_from
from modal_backend.contracts import Category
from modal_backend.models.detectors.overlap import pairwise_overlap

Array = NDArray[np.float64]
STRICTNESS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
DEFAULT_THRESHOLD = 0.5
CALIBRATED_FROM = 0.1
LARGE = 0.01


@dataclass(frozen=True, slots=True)
class _Picture:
    """The true and the predicted boxes of one picture.

    Attributes:
        truth: (m, 4), boxes: (n, 4), others: (k, 4), marked as another category: left, top, right, bottom in pixels.
        size: width x height.
        confidence: (n), best first.
        overlap: (n, m).
    """

    truth: Array
    boxes: Array
    confidence: Array
    overlap: Array
    others: Array
    size: int


def evaluate_detection(predictions: dict[str, Any], truth: dict[str, Any]) -> dict[str, Any]:
    """Scores of the boxes in `predictions` against `truth`: those of animals, and below "person" and "vehicle" the same
    for these where the truth has such a category.

    Gives pictures, answered, failed, boxes, threshold; ap50 and ap (mean over IoU 0.5 to 0.95) over all boxes;
    recall_iou30, recall_iou50, recall_large (IoU 0.5, boxes over 1 % of the picture), false_per_picture (IoU < 0.5 with
    every free checked box), empty_with_box (share), taken_for (share of other boxes found as this) at the threshold in
    the file's detector metadata (0.5 when it has none; people from a lower one); ece: expected calibration error of ten
    equal bins from 0.1 up at IoU 0.5 (Guo et al., ICML 2017). A share of nothing is None.

    Raises:
        ValueError: two pictures of the truth share a name.
    """
    metadata = predictions.get("info", {}).get("detector_metadata", {})
    threshold = float(metadata.get("typical_detection_threshold", DEFAULT_THRESHOLD))
    marked = {category["name"] for category in truth.get("categories", [])}
    others = [name for name in (Category.PERSON, Category.VEHICLE) if name in marked]
    return _scores(predictions, truth, Category.ANIMAL, threshold) | {
        str(name): _scores(predictions, truth, name, counts_from(name, threshold)) for name in others
    }


def _scores(predictions: dict[str, Any], truth: dict[str, Any], category: Category, threshold: float) -> dict[str, Any]:
    pictures, answered, failed = _matched(predictions, truth, category)
    total = sum(len(picture.truth) for picture in pictures)
    confidence, hits = _hits(pictures, 0.5)
    empty = [picture for picture in pictures if not len(picture.truth) and not len(picture.others)]
    return {
        "pictures": len(pictures),
        "answered": answered,
        "failed": failed,
        "boxes": total,
        "threshold": threshold,
        "ap50": _average_precision(confidence, hits, total),
        "ap": _mean_precision(pictures, total),
        "recall_iou30": _recall(pictures, threshold, 0.3, total),
        "recall_iou50": _recall(pictures, threshold, 0.5, total),
        "recall_large": _recall_large(pictures, threshold),
        "false_per_picture": _share(int(np.sum(~hits & (confidence >= threshold))), len(pictures)),
        "empty": len(empty),
        "empty_with_box": _share(sum(bool((p.confidence >= threshold).any()) for p in empty), len(empty)),
        "taken_for": _taken_for(pictures, threshold),
        "ece": _calibration_error(confidence, hits),
    }


def _matched(predictions: dict[str, Any], truth: dict[str, Any], category: Category) -> tuple[list[_Picture], int, int]:
    """The pictures of the truth with their predicted boxes; how many are named in the predictions; how many failed."""
    names = {image["id"]: PurePath(image["file_name"]).name for image in truth["images"]}
    if len(set(names.values())) < len(names):
        raise ValueError("Two pictures of the truth have the same file name; score them apart.")
    named = {entry["id"]: entry["name"] for entry in truth.get("categories", [])}
    checked: dict[str, list[list[float]]] = {name: [] for name in names.values()}
    others: dict[str, list[list[float]]] = {name: [] for name in names.values()}
    for note in truth["annotations"]:
        x, y, width, height = note["bbox"]
        mine = named.get(note.get("category_id"), Category.ANIMAL) == category
        (checked if mine else others)[names[note["image_id"]]].append([x, y, x + width, y + height])
    categories = predictions.get("detection_categories", {"1": "animal"})
    wanted = {key for key, name in categories.items() if name == category}
    answers = {PurePath(image["file"]).name: image for image in predictions["images"]}
    pictures, answered, failed = [], 0, 0
    for image in truth["images"]:
        name = names[image["id"]]
        detections = answers.get(name, {}).get("detections")
        answered += name in answers
        failed += name in answers and detections is None
        chosen = [note for note in detections or [] if note["category"] in wanted]
        pictures.append(_picture(checked[name], others[name], chosen, image["width"], image["height"]))
    return pictures, answered, failed


def _picture(
    checked: list[list[float]],
    others: list[list[float]],
    detections: list[dict[str, Any]],
    width: int,
    height: int,
) -> _Picture:
    ordered = sorted(detections, key=lambda note: -note["conf"])
    boxes = np.array([note["bbox"] for note in ordered], float).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    boxes *= [width, height, width, height]
    truth = np.array(checked, float).reshape(-1, 4)
    confidence = np.array([note["conf"] for note in ordered], float)
    other = np.array(others, float).reshape(-1, 4)
    return _Picture(truth, boxes, confidence, pairwise_overlap(boxes, truth), other, width * height)


def _hits(pictures: list[_Picture], strictness: float) -> tuple[Array, NDArray[np.bool_]]:
    """Confidence of every predicted box, best first over all pictures, and whether it hits a checked box of its own."""
    confidence, hits = [], []
    for picture in pictures:
        free = np.ones(len(picture.truth), bool)
        for value, overlap in zip(picture.confidence, picture.overlap, strict=True):
            left = np.where(free, overlap, -1.0)
            best = int(np.argmax(left)) if len(left) else -1
            hit = best >= 0 and bool(left[best] >= strictness)
            if hit:
                free[best] = False
            confidence.append(value)
            hits.append(hit)
    order = np.argsort(-np.array(confidence, float), kind="stable")
    return np.array(confidence, float)[order], np.array(hits, bool)[order]


def _average_precision(confidence: Array, hits: NDArray[np.bool_], total: int) -> float | None:
    if not total:
        return None
    if not len(confidence):
        return 0.0
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(best_from_here[hits]) / total)


def _mean_precision(pictures: list[_Picture], total: int) -> float | None:
    values = [_average_precision(*_hits(pictures, strictness), total) for strictness in STRICTNESS]
    return float(np.mean([value for value in values if value is not None])) if total else None


def _recall(pictures: list[_Picture], threshold: float, strictness: float, total: int) -> float | None:
    found = 0
    for picture in pictures:
        shown = picture.overlap[picture.confidence >= threshold]
        if len(shown):
            found += int(np.sum(shown.max(axis=0) >= strictness))
    return _share(found, total)


def _recall_large(pictures: list[_Picture], threshold: float) -> float | None:
    found = total = 0
    for picture in pictures:
        large = np.prod(picture.truth[:, 2:] - picture.truth[:, :2], axis=1) > LARGE * picture.size
        shown = picture.overlap[picture.confidence >= threshold][:, large]
        total += int(large.sum())
        found += int(np.sum(shown.max(axis=0, initial=0) >= 0.5))
    return _share(found, total)


def _taken_for(pictures: list[_Picture], threshold: float) -> float | None:
    """Share of the boxes of other categories that a box of this one hits."""
    found = 0
    for picture in pictures:
        shown = pairwise_overlap(picture.boxes[picture.confidence >= threshold], picture.others)
        found += int(np.sum(shown.max(axis=0, initial=0) >= 0.5))
    return _share(found, sum(len(picture.others) for picture in pictures))


def _calibration_error(confidence: Array, hits: NDArray[np.bool_]) -> float | None:
    """Mean distance between confidence and hit rate over ten bins, weighted by their boxes; None without boxes."""
    counted = confidence >= CALIBRATED_FROM
    if not counted.any():
        return None
    confidence, right = confidence[counted], hits[counted].astype(float)
    bins = np.minimum((confidence * 10).astype(int), 9)
    gaps = [abs(confidence[bins == b].mean() - right[bins == b].mean()) * np.mean(bins == b) for b in np.unique(bins)]
    return float(np.sum(gaps))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
