"""The boxes of the pocket detector's two networks, each with what both say of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modal_backend.models.detectors.coco_centernet import NOTHING
from modal_backend.models.detectors.overlap import pairwise_overlap

Floats = NDArray[np.float32]
# Weights (3, 5) of the evidence of each category, and an offset.
Calibrations = NDArray[np.float64]

SAME_BOX = 0.5
# What a category has where the heads see nothing; boxes of theirs with less than LEAST of every category are left out.
LOWEST, LEAST = -8.0, -6.5
# Smaller boxes than this share of the frame's sides (root of the area) are small: there the second opinion is often
# silent about an animal. Each halving counts .7, up to 3.
SMALL, SMALLEST = 0.3, 3.0


def joined(ours: tuple[Floats, Floats], theirs: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """The boxes of the heads, then those of the second opinion, with their evidence.

    Args:
        ours, theirs: boxes (n, 4) and (m, 4), left, top, right, bottom; logits (n, 3) and (m, 3) of the categories.

    Returns:
        Boxes (n + m, 4) and evidence (n + m, 3, 4): by category the heads' logit, the second opinion's, 1 for a box of
        the second opinion, and how small a box of the heads is of which the second opinion says nothing. A box has its
        own logit from its own network, and from the other the best of those of its boxes that overlap it by half
        (intersection over union).
    """
    kept = ours[1].max(axis=1, initial=LOWEST) > LEAST
    boxes, logits = ours[0][kept], np.maximum(ours[1][kept], LOWEST)
    others, opinions = theirs
    evidence = np.zeros((len(boxes) + len(others), logits.shape[1], 4), np.float32)
    same = pairwise_overlap(boxes, others) >= SAME_BOX
    count = len(boxes)
    evidence[:count, :, 0], evidence[count:, :, 1] = logits, opinions
    evidence[:count, :, 1] = _best(same, opinions, NOTHING)
    evidence[count:, :, 0] = _best(same.T, logits, LOWEST)
    evidence[count:, :, 2] = 1
    side = np.sqrt(np.maximum(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), 1e-6))
    small = np.clip(np.log(SMALL / side), 0, SMALLEST)
    evidence[:count, :, 3] = small[:, None] * (evidence[:count, :, 1] <= np.float32(NOTHING))
    return np.concatenate([boxes, others]), evidence


def confidences(evidence: Floats, calibrations: Calibrations) -> NDArray[np.float64]:
    """How sure it is (n, 3) that each box holds each category, a logistic function of its evidence (n, 3, 4)."""
    logits = (evidence * calibrations[:, :-1]).sum(axis=2) + calibrations[:, -1]
    return np.asarray(1 / (1 + np.exp(-logits)), float)


def _best(same: NDArray[np.bool_], logits: Floats, nothing: float) -> Floats:
    """Of each row's true columns the highest logits (rows, categories)."""
    best = np.full((len(same), logits.shape[1]), nothing, np.float32)
    rows, columns = np.nonzero(same)
    np.maximum.at(best, rows, logits[columns])
    return best
