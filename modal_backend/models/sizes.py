"""The size at which each model reads a crop.

The models scale by these functions, and so does whoever sends a crop to another machine: scaling what has that size
already changes nothing, so the answers are the same and far fewer bytes travel.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from modal_backend.contracts import Picture
from modal_backend.registry import EMBEDDING, LOCAL, LOCAL_FINE, MATCH_FEATURES

TALLEST = 8  # times the width
EMBEDDING_SIDE, POINTS_SIDE, POINTS_STEP = 288, 576, 32


def to_width(crop: Picture, width: int) -> Picture:
    """An RGB uint8 crop (height, width, 3) at this width in pixels, for RAPID."""
    height = min(max(1, round(crop.shape[0] * width / crop.shape[1])), TALLEST * width)
    return _resized(crop, width, height, cv2.INTER_AREA if width < crop.shape[1] else cv2.INTER_LINEAR)


def to_long_side(crop: Picture, side: int = EMBEDDING_SIDE) -> Picture:
    """A crop whose longer side has so many pixels, for the pocket embedding."""
    height, width = crop.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return _resized(crop, *size, cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def to_steps(crop: Picture, side: int = POINTS_SIDE, step: int = POINTS_STEP) -> Picture:
    """A crop whose longer side has so many pixels and whose sides are multiples of `step`, for XFeat."""
    scale = side / max(crop.shape[:2])
    height, width = (max(round(size * scale / step), 2) * step for size in crop.shape[:2])
    return _resized(crop, width, height, cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def as_read(model: str, crop: Picture) -> Picture:
    """What a model makes of a crop before it looks at it, where that is smaller and known here; else the crop."""
    read = READ.get(model)
    scaled = read(crop) if read else crop
    return scaled if scaled.nbytes < crop.nbytes else crop


def _resized(crop: Picture, width: int, height: int, way: int) -> Picture:
    return np.asarray(cv2.resize(np.ascontiguousarray(crop), (width, height), interpolation=way), np.uint8)


READ: dict[str, Callable[[Picture], Picture]] = {
    LOCAL: lambda crop: to_width(crop, 224),
    LOCAL_FINE: lambda crop: to_width(crop, 448),
    EMBEDDING: to_long_side,
    MATCH_FEATURES: to_steps,
}
