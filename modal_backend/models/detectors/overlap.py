"""How far boxes share their place."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modal_backend.contracts import Box


def pairwise_overlap(boxes: NDArray[Any], others: NDArray[Any]) -> NDArray[np.float64]:
    """Intersection over union (n, m) of boxes (n, 4) and others (m, 4): left, top, right, bottom in one unit."""
    left, top, right, bottom = (side[:, None] for side in boxes.T)
    other_left, other_top, other_right, other_bottom = others.T
    wide = np.minimum(right, other_right) - np.maximum(left, other_left)
    high = np.minimum(bottom, other_bottom) - np.maximum(top, other_top)
    shared = np.maximum(wide, 0) * np.maximum(high, 0)
    areas = (right - left) * (bottom - top) + (other_right - other_left) * (other_bottom - other_top)
    return np.asarray(shared / np.maximum(areas - shared, 1e-12), float)


def area_of(box: Box) -> float:
    """Width times height."""
    return box.width * box.height


def shared_area(box: Box, other: Box) -> float:
    """The area that both cover."""
    wide = min(box.x + box.width, other.x + other.width) - max(box.x, other.x)
    high = min(box.y + box.height, other.y + other.height) - max(box.y, other.y)
    return wide * high if wide > 0 and high > 0 else 0.0


def overlap(box: Box, other: Box) -> float:
    """Intersection over union."""
    shared = shared_area(box, other)
    return shared / (area_of(box) + area_of(other) - shared) if shared else 0.0


def covered(box: Box, other: Box) -> float:
    """Share of the smaller box that the other covers."""
    smaller = min(area_of(box), area_of(other))
    return shared_area(box, other) / smaller if smaller else 0.0


def different(boxes: Iterable[Box], same: float) -> list[Box]:
    """The boxes without those that cover one before them, or are covered by it, to this share of the smaller."""
    kept: list[Box] = []
    for box in boxes:
        if not any(covered(box, other) >= same for other in kept):
            kept.append(box)
    return kept


def middle_of(box: Box) -> tuple[float, float]:
    """Its middle, x and y."""
    return box.x + box.width / 2, box.y + box.height / 2


def apart(box: Box, other: Box) -> float:
    """Distance of the middles in sizes (longest sides) of the larger box."""
    size = max(box.width, box.height, other.width, other.height)
    return math.dist(middle_of(box), middle_of(other)) / size if size else math.inf


def shifted(box: Box, by: tuple[float, float]) -> Box:
    """A box moved right and down by shares of the frame; it may lie outside."""
    return Box(box.x + by[0], box.y + by[1], box.width, box.height)


def clipped(box: Box) -> Box:
    """The part of a box that is inside the frame."""
    x, y = min(max(box.x, 0.0), 1.0), min(max(box.y, 0.0), 1.0)
    return Box(x, y, min(box.x + box.width, 1.0) - x, min(box.y + box.height, 1.0) - y)
