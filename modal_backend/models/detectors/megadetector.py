"""MegaDetector v5 and v1000 (YOLOv5): the megadetector package's own loading, letterboxing and suppression.

The package is an optional install: its inference code is under the GPL. What is here is what the package leaves to its
caller: pictures upright and in RGB, raw boxes kept from 0.005, categories by name, and no pickle opened before its
hash was checked (the published files are pickles; see weights.py).
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from modal_backend.contracts import Box, Category, Detection, Failure, Letterboxed, Picture
from modal_backend.errors import BackendMisconfigured
from modal_backend.models.detectors.coded import NAME as CODED
from modal_backend.models.detectors.coded import coded

log = logging.getLogger(__name__)
RAW_FLOOR = 0.005
BATCH = 8
INSTALL = 'pip install "megadetector==10.0.28" (its inference code is under the GPL)'
CATEGORIES = {"1": Category.ANIMAL, "2": Category.PERSON, "3": Category.VEHICLE}


def prepare(picture: Picture, side: int) -> Letterboxed:
    """The upright RGB uint8 picture with its long side at `side` pixels, scaled as the package's letterbox does.

    The package then only has to pad it; the original's size goes along, since boxes are rounded to its pixels.
    """
    height, width = picture.shape[:2]
    scale = min(side / height, side / width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    pixels = np.ascontiguousarray(picture)
    if size != (width, height):
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    seen, data = coded(pixels)
    return Letterboxed(seen, width, height, data)


class MegaDetector:
    """Finds animals, people and vehicles in pictures that `prepare` scaled to the same side."""

    def __init__(self, detector: Any, side: int) -> None:
        self._detector = detector
        self._side = side
        self._device = str(detector.device)
        detector.model.eval()
        self.preprocessing = f"long side {side} bilinear, {CODED}, letterbox as megadetector 'classic', /255, NMS 0.45"

    @classmethod
    def load(cls, path: Path, side: int) -> MegaDetector:
        """A verified file.

        Raises:
            BackendMisconfigured: without the package, or when it cannot read the file.
        """
        try:
            from megadetector.detection.pytorch_detector import PTDetector
        except ImportError as error:
            raise BackendMisconfigured(f"MegaDetector needs a package: {error}.", remedy=f"Run: {INSTALL}") from error
        try:
            with contextlib.redirect_stdout(_LogStream()):
                detector = PTDetector(str(path), {"force_cpu": True, "compatibility_mode": "classic"})
        except Exception as error:
            raise BackendMisconfigured(
                f"The megadetector package cannot load {path.name}: {type(error).__name__}: {error}",
                remedy=f"Check its version. {INSTALL}",
            ) from error
        if detector.default_image_size != side:
            detector.default_image_size, detector.letterbox_stride = side, 64 if side == 1280 else 32
        return cls(detector, side)

    def detect_prepared(self, batch: Sequence[Letterboxed]) -> list[list[Detection] | Failure]:
        """One list of at most 300 detections a picture, best first, from RAW_FLOOR up."""
        self._settle()
        groups = (batch[start : start + BATCH] for start in range(0, len(batch), BATCH))
        return [found for group in groups for found in self._group(group)]

    def _settle(self) -> None:
        import torch

        device = "cuda:0" if torch.cuda.is_available() else "cpu"
        if device != self._device:
            self._detector.model.to(device)
            self._detector.device = self._device = device

    def _group(self, batch: Sequence[Letterboxed]) -> list[list[Detection] | Failure]:
        import torch

        inputs = [self._padded(prepared) for prepared in batch]
        with torch.inference_mode(), contextlib.redirect_stdout(_LogStream()):
            answers = self._detector.generate_detections_one_batch(inputs, detection_threshold=RAW_FLOOR)
        return [_detections(answer) for answer in answers]

    def _padded(self, prepared: Letterboxed) -> dict[str, Any]:
        """The package's own record of a picture, with the original's size for the boxes."""
        record: dict[str, Any] = self._detector.preprocess_image(prepared.pixels, image_id="picture")
        shape = (prepared.height, prepared.width, 3)
        record["scaling_shape"] = shape
        record["img_original"] = np.broadcast_to(np.uint8(0), shape)
        return record


def _detections(answer: dict[str, Any]) -> list[Detection] | Failure:
    """The package's answer for one picture in our words.

    Raises:
        ValueError: for a category nobody knows.
    """
    if answer.get("failure"):
        return Failure(f"MegaDetector: {answer['failure']}")
    found = []
    for row in answer["detections"]:
        if row["category"] not in CATEGORIES:
            raise ValueError(f"MegaDetector gave the category {row['category']!r}; 1, 2 and 3 are known.")
        x, y, width, height = row["bbox"]
        left, top, right, bottom = max(x, 0.0), max(y, 0.0), min(x + width, 1.0), min(y + height, 1.0)
        if row["conf"] >= RAW_FLOOR and right > left and bottom > top:
            box = Box(left, top, right - left, bottom - top)
            found.append(Detection(CATEGORIES[row["category"]], float(row["conf"]), box))
    return sorted(found, key=lambda detection: -detection.confidence)


class _LogStream:
    """Takes what the package prints into the log."""

    def write(self, text: str) -> int:
        if text.strip():
            log.debug("megadetector: %s", text.strip())
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""
