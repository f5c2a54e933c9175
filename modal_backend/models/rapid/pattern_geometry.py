"""Do matched keypoints of two crops lie as on one animal?

Two judgements: `agreement`, soft and for single matches (like place, direction and size within the crop), and
`consistent_matches`, hard and for a whole pair of crops (a Hough vote, Lowe 2004 section 7, over the
similarity transform that each match of two oriented keypoints stands for).
"""

from __future__ import annotations

import faiss
import numpy as np
from numpy.typing import NDArray

from modal_backend.contracts import LocalFeatures
from modal_backend.models.rapid.descriptor_index import one_thread

PLACE, DIRECTION, SIZE = 0.3, 40.0, 1.0
REACH, TURN, GROWTH = 15.0 / 224.0, 0.6, 1.0

Floats = NDArray[np.float32]


def placed(features: LocalFeatures) -> Floats:
    """Keypoints as (n, 4): x, y relative to the crop's width and height, log2 of size, angle in degrees."""
    scale = np.array([features.width, features.height], np.float32)
    points = features.points
    return np.column_stack([points[:, :2] / scale, np.log2(np.maximum(points[:, 2], 1e-3)), points[:, 3]])


def agreement(first: Floats, second: Floats) -> Floats:
    """How alike two sets of placed keypoints lie, 0 to 1; shapes (..., 4), broadcast against each other.

    Spreads (three tenths of the crop, 40 degrees, a factor of two) were set on ATRW tigers, whose crops show the
    whole animal.
    """
    apart = ((first[..., :2] - second[..., :2]) ** 2).sum(-1) / PLACE**2
    larger = ((first[..., 2] - second[..., 2]) / SIZE) ** 2
    turned = (((first[..., 3] - second[..., 3] + 180.0) % 360.0 - 180.0) / DIRECTION) ** 2
    return np.asarray(np.exp(-0.5 * (apart + larger + turned)), np.float32)


def mutual_matches(query: LocalFeatures, other: LocalFeatures) -> NDArray[np.intp]:
    """Pairs (m, 2) of rows of query and other that are each other's nearest descriptor."""
    if not len(query.descriptors) or not len(other.descriptors):
        return np.zeros((0, 2), np.intp)
    first, second = query.descriptors.astype(np.float32), other.descriptors.astype(np.float32)
    with one_thread():
        distances = faiss.pairwise_distances(first, second)
    forth, back = distances.argmin(1), distances.argmin(0)
    rows = np.flatnonzero(back[forth] == np.arange(len(forth)))
    return np.column_stack([rows, forth[rows]])


def consistent_matches(query: LocalFeatures, other: LocalFeatures) -> NDArray[np.intp]:
    """The largest set of mutual matches (m, 2) that one turn, scale and shift of the crop explains.

    Every match proposes the transform of its own two keypoints; the proposal with most followers wins. A
    follower lands within 15 px of a 224 px crop and agrees in turn (0.6 rad) and scale (factor 2).
    """
    pairs = mutual_matches(query, other)
    if len(pairs) < 2:
        return pairs
    here, there = query.points[pairs[:, 0]], other.points[pairs[:, 1]]
    scale = there[:, 2] / here[:, 2]
    turn = np.deg2rad(there[:, 3] - here[:, 3]) % np.float32(2 * np.pi)
    step = (here[:, 0] + 1j * here[:, 1]).astype(np.complex64)
    target = (there[:, 0] + 1j * there[:, 1]).astype(np.complex64)
    move = (scale * np.exp(1j * turn)).astype(np.complex64)
    missed = (target - move * step)[:, None] + np.multiply.outer(move, step) - target[None, :]
    follows = missed.real**2 + missed.imag**2 < (REACH * other.width) ** 2
    turned = np.abs(turn[None] - turn[:, None])
    follows &= np.minimum(turned, 2 * np.pi - turned) < TURN
    size = np.log2(scale)
    follows &= np.abs(size[None] - size[:, None]) < GROWTH
    return np.asarray(pairs[follows[follows.sum(1).argmax()]])
