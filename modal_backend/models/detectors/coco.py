"""What the networks trained on COCO share: the classes of each category, their weights, the form of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from modal_backend.models.onnx_graph import Graph, published_weights

# Places among COCO's 80 classes: bird to giraffe; person; bicycle, car, motorcycle, bus, truck.
CLASSES = (tuple(range(14, 24)), (0,), (1, 2, 3, 5, 7))
LEAST_SIDE = 0.005

Floats = NDArray[np.float32]


class Opinion(NamedTuple):
    """What a network sees on a picture.

    Attributes:
        boxes: (n, 4), left, top, right, bottom in 0 to 1.
        logits: (n, 3) of animal, person and vehicle.
        nothing: the logit of a category that the network does not see.
    """

    boxes: Floats
    logits: Floats
    nothing: np.float32


@lru_cache
def network(graph: Path, sha256: str) -> Graph:
    """The network of a graph and of the weights beside it (.safetensors), of this SHA-256; one for the whole process.

    Raises:
        WeightsMissing: the weights are absent or are not the published ones.
    """
    weights = load(published_weights(graph.with_suffix(".safetensors"), sha256))
    return Graph(graph, {name: values.astype(np.float32) for name, values in weights.items()})


def opinion(
    found: Sequence[tuple[NDArray[np.floating], NDArray[np.floating]]], frame: tuple[int, int], least: float
) -> Opinion:
    """The boxes of each category as one opinion; a box says nothing of the other categories.

    Args:
        found: a category's boxes (n, 4), left, top, right, bottom in pixels, and scores (n) in 0 to 1.
        frame: width and height of the picture in pixels.
        least: the score from which the network gives a box.
    """
    boxes, logits = [], []
    nothing = np.float32(np.log(least / (1 - least)))
    for kind, (corners, scores) in enumerate(found):
        inside = np.clip(corners / np.array(frame * 2, np.float32), 0, 1)
        real = np.all(inside[:, 2:] - inside[:, :2] > LEAST_SIDE, axis=1)
        sure = np.clip(scores[real], least, 1 - 1e-4)
        logit = np.full((len(sure), len(CLASSES)), nothing, np.float32)
        logit[:, kind] = np.log(sure / (1 - sure))
        boxes.append(inside[real].astype(np.float32))
        logits.append(logit)
    return Opinion(np.concatenate(boxes), np.concatenate(logits), nothing)
