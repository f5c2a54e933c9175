"""A detector for tests: it marks what is not in the scene of a drawn video, as surely as it is asked to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.analysis.model_choice import Choice
from app.video.reading.decode import play
from modal_backend.contracts import Box, Category, Detection, Picture, Provenance, Result
from modal_backend.embedded import EmbeddedBackend
from tests.support.drawn_videos import DrawnVideo, draw_video

UNLIKE = 40  # grey levels
SMALLEST = 0.002  # of the frame


def marks_animals(
    video: DrawnVideo, folder: Path, confidence: float = 0.9, category: Category = Category.ANIMAL
) -> Callable[[Sequence[Picture]], list[list[Detection]]]:
    """A detector of everything that a drawn video shows besides its scene.

    Args:
        folder: where the scene is drawn.
    """
    empty = folder / f"scene-{video.seed}.mp4"
    draw_video(replace(video, animals=[], seconds=1.0), empty, options={"preset": "ultrafast"})
    scene = np.median([still.frame.to_ndarray(format="rgb24") for still in play(empty)[1]], axis=0)

    def detect(pictures: Sequence[Picture]) -> list[list[Detection]]:
        return [_found(scene, picture, confidence, category) for picture in pictures]

    return detect


class MarksAnimals(EmbeddedBackend):
    """Answers as a detector that is right about the drawn videos it was made for; every other model is the real one.

    Args:
        detect: see `marks_animals`.
    """

    NAME = "megadetector-apa-c"

    def __init__(self, detect: Callable[[Sequence[Picture]], list[list[Detection]]]) -> None:
        super().__init__()
        self.detect = detect

    def call(self, model: str, inputs: Sequence[Any]) -> Result:
        """The detector's answer, or that of the model itself."""
        if model != self.NAME:
            return super().call(model, inputs)
        return Result(self.detect(inputs), Provenance("embedded", model, "test", "0" * 64, "640 px"), 0.1)

    @classmethod
    def choice(cls) -> Choice:
        """The choice of models with this detector."""
        return Choice(detector=cls.NAME)


def _found(scene: NDArray[np.floating], picture: Picture, confidence: float, category: Category) -> list[Detection]:
    scene = cv2.resize(scene, picture.shape[1::-1])
    if float(np.median(np.abs(picture.astype(np.float32) - scene))) > UNLIKE / 3:
        return []  # an enlarged part
    grey, before = (cv2.GaussianBlur(image.astype(np.float32).mean(2), (0, 0), 2) for image in (picture, scene))
    gain = float(np.median(grey) / max(np.median(before), 1.0))
    new = cv2.dilate((np.abs(grey - gain * before) > UNLIKE).astype(np.uint8), np.ones((21, 21), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(new)
    high, wide = new.shape
    found = [
        Box(left / wide, top / high, width / wide, height / high)
        for left, top, width, height, area in stats[1:count]
        if area >= SMALLEST * high * wide
    ]
    return [Detection(category, confidence, box) for box in found]
