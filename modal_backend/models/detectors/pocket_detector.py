"""The pocket detector: animals, people and vehicles in camera-trap pictures on two CPU cores, with weights that come
with the install.

EfficientNet-Lite2 (ImageNet weights, see efficientnet_lite.py) gives features; small convolutional heads of our own
(training/box_head.py) predict the boxes, their answers are averaged. Two small networks trained on COCO
(coco_centernet.py, coco_nanodet.py) give their opinions and boxes of their own (agreement.py). Confidences are a
logistic function per category (Platt 1999) of what all say, fitted on sources that the heads had not seen.
modal_backend/training/pocket_detector.py makes the weights, the card beside them says what they were made of. All
networks run through ONNX Runtime.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from modal_backend.contracts import Box, Category, Detection, Picture
from modal_backend.models.detectors import coco_centernet, coco_nanodet, efficientnet_lite
from modal_backend.models.detectors.agreement import Calibrations, confidences, joined
from modal_backend.models.detectors.coco import Opinion, network
from modal_backend.models.detectors.coded import NAME as CODED
from modal_backend.models.detectors.coded import coded
from modal_backend.models.onnx_graph import Graph, Maps, Weights, normalised, published_weights

CATEGORIES = (Category.ANIMAL, Category.PERSON, Category.VEHICLE)
HEAD_GRAPH = Path(__file__).with_name("box_head.onnx")
STRIDE = 16
CLOSE_SIDE, FINE_SIDE, COARSE_SIDE = 1280, 768, 448
CLOSE_UP_TO, FINE_UP_TO, COARSE_FROM = 0.2, 0.45, 0.3
GRID = 32
MOST_CELLS, MOST_BOXES = 400, 100
OVERLAP, OVERLAP_OF_OTHERS = 0.5, 0.75
NESTED = 0.8
WEIGHTS = Path(__file__).with_name("pocket_detector.safetensors")
PUBLISHED_SHA256 = "9a193c7e4e8a8b226a50ab755f2b6588db3cc1042c18cb5d27641de2711608e0"

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class View:
    """A picture at one size: RGB uint8 `pixels`, padded right and below with grey (127) to multiples of 32.

    Attributes:
        width, height: of the part that holds the picture, in pixels of `pixels`.
        coded: the JPEG whose pixels these are, which travels in their place.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    coded: bytes = b""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A picture as the network wants it: longest side 768 for small animals, 448 for large ones.

    Attributes:
        close: longest side 1280, for animals that are tiny or far away; None where nobody asked to look closer.
    """

    fine: View
    coarse: View
    close: View | None = None


def overlap_with(box: Floats, others: Floats) -> tuple[Floats, Floats]:
    """Area that a box shares with each of the others (n, 4), and the area of each."""
    corner = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    return np.prod(np.maximum(corner, 0), axis=1), np.prod(others[:, 2:] - others[:, :2], axis=1)


def kept_boxes(boxes: Floats, scores: NDArray[np.floating], kinds: NDArray[np.int64]) -> list[int]:
    """Greedy non-maximum suppression: indices kept, best score first.

    A box goes when a better one of its kind overlaps it by more than 0.5 (intersection over union), or one of another
    kind by more than 0.75: a person on a bicycle stays beside it.
    """
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(order) and len(kept) < MOST_BOXES:
        best, order = order[0], order[1:]
        kept.append(int(best))
        shared, area = overlap_with(boxes[best], boxes[order])
        limit = np.where(kinds[order] == kinds[best], OVERLAP, OVERLAP_OF_OTHERS)
        order = order[shared <= limit * (np.prod(boxes[best, 2:] - boxes[best, :2]) + area - shared)]
    return kept


def halved_inside(
    boxes: Floats, confidence: NDArray[np.float64], kinds: NDArray[np.int64], kept: list[int]
) -> list[tuple[int, float]]:
    """The kept boxes, with half their confidence where 0.8 of the smaller of it and a better one of its kind is shared.

    Such a box is mostly a second answer to the same animal: held out, false boxes fall by a quarter and AP50 rises .01.
    """
    answers = []
    for place, index in enumerate(kept):
        better = [other for other in kept[:place] if kinds[other] == kinds[index]]
        shared, area = overlap_with(boxes[index], boxes[better])
        own = np.prod(boxes[index, 2:] - boxes[index, :2])
        nested = bool(np.any(shared > NESTED * np.minimum(own, area)))
        answers.append((index, float(confidence[index]) * (0.5 if nested else 1.0)))
    return answers


class PocketDetector:
    """Finds animals, people and vehicles; every picture is answered alone: a batch gives what single pictures give."""

    NAME = "pocket-detector"
    RAW_FLOOR = 0.005
    preprocessing = f"letterbox-{FINE_SIDE}-{COARSE_SIDE}-area-{CODED}"
    closer_preprocessing = f"letterbox-{CLOSE_SIDE}-{FINE_SIDE}-{COARSE_SIDE}-area-{CODED}"

    def __init__(self, heads: list[Weights], calibrations: Calibrations, version: str, sha256: str) -> None:
        self._features = efficientnet_lite.features()
        self._heads = [Graph(HEAD_GRAPH, head) for head in heads]
        self._calibrations = calibrations
        # Pictures side by side, each on one core, are answered faster than one after the other on all of them.
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, "detect")
        self.version = version
        self.weights_sha256 = sha256

    @classmethod
    def load(cls, weights: Path | None = None) -> PocketDetector:
        """Read the heads (default: the file that comes with the install) and the backbone.

        Raises:
            WeightsMissing: a file is absent or is not the published one.
        """
        path = weights or WEIGHTS
        published_weights(path, PUBLISHED_SHA256)
        parts = [PUBLISHED_SHA256, efficientnet_lite.PUBLISHED_SHA256]
        for trained_on_coco in (coco_centernet, coco_nanodet):
            network(trained_on_coco.GRAPH, trained_on_coco.PUBLISHED_SHA256)
            parts.append(trained_on_coco.PUBLISHED_SHA256)
        return cls(*read_heads(path), hashlib.sha256("".join(parts).encode()).hexdigest())

    @staticmethod
    def prepare(picture: Picture, *, closer: bool = False) -> Prepared:
        """Letterbox a picture (RGB uint8, height x width x 3) to the network's input; no torch, safe in threads."""
        close = _view(picture, CLOSE_SIDE) if closer else None
        return Prepared(_view(picture, FINE_SIDE), _view(picture, COARSE_SIDE), close)

    def detect(self, pictures: Sequence[Picture]) -> list[list[Detection]]:
        """One list of detections a picture (RGB uint8), best first; see `detect_prepared`."""
        return self.detect_prepared([self.prepare(picture) for picture in pictures])

    def detect_prepared(self, batch: Sequence[Prepared]) -> list[list[Detection]]:
        """One list of at most 100 detections a picture, best first, calibrated confidence from RAW_FLOOR up."""
        if len(batch) == 1:
            return [self._detect_one(batch[0])]
        return list(self._threads.map(self._detect_one, batch))

    def _detect_one(self, prepared: Prepared) -> list[Detection]:
        fine, coarse = (self._answer(features_of(view)) for view in (prepared.fine, prepared.coarse))
        close = None if prepared.close is None else self._answer(features_of(prepared.close))
        ours = candidates(fine, coarse, prepared, close)
        return detections_of(*joined(ours, other_opinions(prepared)), self._calibrations)

    def _answer(self, maps: Maps) -> Floats:
        return np.asarray(np.mean([head(*maps)[0] for head in self._heads], axis=0), np.float32)


def _view(picture: Picture, side: int) -> View:
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    wide, high = max(round(width * scale), 1), max(round(height * scale), 1)
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    pixels = np.full((-(-high // GRID) * GRID, -(-wide // GRID) * GRID, 3), 127, np.uint8)
    pixels[:high, :wide] = cv2.resize(picture, (wide, high), interpolation=interpolation)
    seen, data = coded(pixels)
    return View(seen, wide, high, data)


def features_of(view: View) -> Maps:
    """The backbone's three feature maps of a view."""
    return efficientnet_lite.features()(normalised([view.pixels], efficientnet_lite.MEAN, efficientnet_lite.SCALE))


def other_opinions(prepared: Prepared) -> list[Opinion]:
    """What the networks trained on COCO see on the coarse view; a finer one gained little on the held-out sources."""
    view = prepared.coarse
    seen = view.pixels, view.width, view.height
    return [coco_centernet.peaks(*seen), coco_nanodet.best_boxes(*seen)]


def candidates(fine: Floats, coarse: Floats, prepared: Prepared, close: Floats | None = None) -> tuple[Floats, Floats]:
    """Head outputs (1, 7, h, w) of the views -> boxes (n, 4), left, top, right, bottom in 0 to 1; logits (n, 3).

    The fine view answers for boxes up to 0.45 of the frame, the coarse one for those from 0.3, the close one for those
    up to 0.2: the heads know animals of 15 to 400 pixels. On held-out places AP50 is .66 with the fine view alone and
    .68 with the coarse one too. On 105 held-out camera-trap pictures looking closer lifts AP50 from .52 to .61 and
    recall from .51 to .62; false boxes rise from .23 to .39 a picture (with boxes up to 0.3 of the frame: .64).
    """
    views = [(fine, prepared.fine, 0.0, FINE_UP_TO), (coarse, prepared.coarse, COARSE_FROM, 1.0)]
    if close is not None and prepared.close is not None:
        views.append((close, prepared.close, 0.0, CLOSE_UP_TO))
    boxes, logits = [], []
    for answer, view, least, most in views:
        found, sure = _best_cells(answer, view)
        side = (found[:, 2:] - found[:, :2]).max(axis=1, initial=0)
        inside = (side >= least) & (side <= most)
        boxes.append(found[inside])
        logits.append(sure[inside])
    return np.concatenate(boxes), np.concatenate(logits)


def _best_cells(answer: Floats, view: View) -> tuple[Floats, Floats]:
    flat = answer[0].reshape(answer.shape[1], -1)
    logits = flat[: len(CATEGORIES)].T
    best = np.argsort(-logits.max(axis=1), kind="stable")[:MOST_CELLS]
    rows, columns = np.divmod(best, answer.shape[3])
    middle = (np.stack([columns, rows], 1) + np.float32(0.5)) * STRIDE
    reach = np.exp(np.clip(flat[-4:].T[best], -4, 4.5)) * STRIDE
    frame = np.array([view.width, view.height] * 2, np.float32)
    boxes = np.clip(np.concatenate([middle - reach[:, :2], middle + reach[:, 2:]], 1), 0, frame)
    real = np.all(boxes[:, 2:] - boxes[:, :2] >= 2, axis=1)
    return np.asarray(boxes[real] / frame, np.float32), logits[best][real]


def detections_of(boxes: Floats, evidence: Floats, calibrations: Calibrations) -> list[Detection]:
    """Candidates as at most 100 detections, best first; see `agreement.joined`."""
    sure_of = confidences(evidence, calibrations)
    kinds, confidence = sure_of.argmax(axis=1), sure_of.max(axis=1)
    seen = confidence >= PocketDetector.RAW_FLOOR
    boxes, kinds, confidence = boxes[seen], kinds[seen], confidence[seen]
    found = []
    for index, sure in halved_inside(boxes, confidence, kinds, kept_boxes(boxes, confidence, kinds)):
        if sure < PocketDetector.RAW_FLOOR:
            continue
        left, top, right, bottom = (float(side) for side in boxes[index])
        box = Box(left, top, min(right, 1.0) - left, min(bottom, 1.0) - top)
        found.append(Detection(CATEGORIES[kinds[index]], round(sure, 4), box))
    return sorted(found, key=lambda detection: -detection.confidence)


def read_heads(path: Path) -> tuple[list[Weights], Calibrations, str]:
    """Weights of the heads, calibrations (see `agreement`) and version from a file of ours."""
    with safe_open(path, "np") as file:
        facts = file.metadata()
        heads: list[dict[str, Floats]] = [{} for _ in range(int(facts["heads"]))]
        for key in file.keys():  # noqa: SIM118
            index, name = key.split(".", 1)
            heads[int(index)][name] = file.get_tensor(key).astype(np.float32)
    return [*heads], np.array(json.loads(facts["calibration"]), float), facts["version"]
