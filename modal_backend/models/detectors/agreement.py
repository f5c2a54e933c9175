"""The boxes of the pocket detector's networks, each with what all of them say of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from modal_backend.models.detectors.coco import Opinion
from modal_backend.models.detectors.overlap import pairwise_overlap

Floats = NDArray[np.float32]
# Weights of the evidence of each category, and an offset (3, 7).
Calibrations = NDArray[np.float64]

SAME_BOX = 0.5
# What a category has where the heads see nothing; boxes of theirs with less than LEAST of every category are left out.
LOWEST, LEAST = -8.0, -6.5
# Smaller boxes than this share of the frame's sides (root of the area) are small: there the others are often
# silent about an animal. Each halving counts .7, up to 3.
SMALL, SMALLEST = 0.3, 3.0


def joined(ours: tuple[Floats, Floats], others: Sequence[Opinion]) -> tuple[Floats, Floats]:
    """The boxes of the heads, then those of the other networks, with their evidence.

    Args:
        ours: boxes (n, 4), left, top, right, bottom, and logits (n, 3) of the categories, by the heads.

    Returns:
        All boxes (n, 4) and their evidence (n, 3, 6), by category: the logit of the heads and of each other network,
        1 for a box of each other network, and how small a box of the heads is of which the others say nothing. A box
        has its own logit from its own network, and from another the best of those of its boxes that overlap it by half
        (intersection over union).
    """
    kept = ours[1].max(axis=1, initial=LOWEST) > LEAST
    lowest = np.float32(LOWEST)
    opinions = [Opinion(ours[0][kept], np.maximum(ours[1][kept], lowest), lowest), *others]
    boxes = np.concatenate([each.boxes for each in opinions])
    ends = np.cumsum([0, *(len(each.boxes) for each in opinions)])
    evidence = np.zeros((len(boxes), ours[1].shape[1], 2 * len(opinions)), np.float32)
    silent = np.ones((ends[1], ours[1].shape[1]), bool)
    for place, each in enumerate(opinions):
        own = np.zeros(len(boxes), bool)
        own[ends[place] : ends[place + 1]] = True
        same = pairwise_overlap(boxes[~own], each.boxes) >= SAME_BOX
        evidence[~own, :, place] = _best(same, each.logits, each.nothing)
        evidence[own, :, place] = each.logits
        if place:
            evidence[own, :, len(others) + place] = 1
            silent &= evidence[: ends[1], :, place] <= each.nothing
    side = np.sqrt(np.maximum(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), 1e-6))
    evidence[: ends[1], :, -1] = np.clip(np.log(SMALL / side), 0, SMALLEST)[: ends[1], None] * silent
    return boxes, evidence


def confidences(evidence: Floats, calibrations: Calibrations) -> NDArray[np.float64]:
    """How sure it is (n, 3) that each box holds each category, a logistic function of its evidence (n, 3, 6)."""
    logits = (evidence * calibrations[:, :-1]).sum(axis=2) + calibrations[:, -1]
    return np.asarray(1 / (1 + np.exp(-logits)), float)


def _best(same: NDArray[np.bool_], logits: Floats, nothing: np.float32) -> Floats:
    """Of each row's true columns the highest logits (rows, categories)."""
    best = np.full((len(same), logits.shape[1]), nothing, np.float32)
    rows, columns = np.nonzero(same)
    np.maximum.at(best, rows, logits[columns])
    return best
