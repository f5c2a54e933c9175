"""Moving pixels to moving things: connected regions of one small frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

JOINS = 7  # pixels: parts closer than this belong together
SMALLEST = 6  # pixels
MOST = 24


@dataclass(frozen=True, slots=True)
class Blob:
    """A moving region: left, top, right, bottom and area in pixels of the small frame, and its mean brightness."""

    left: float
    top: float
    right: float
    bottom: float
    area: float
    grey: float

    @property
    def middle(self) -> tuple[float, float]:
        """Centre, x and y."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def size(self) -> tuple[float, float]:
        """Width and height."""
        return self.right - self.left, self.bottom - self.top


def blobs_of(mask: NDArray[np.bool_], grey: NDArray[np.float32]) -> list[Blob]:
    """The moving regions of one frame, largest first, at most 24; single pixels do not count."""
    import cv2

    clean = cv2.medianBlur(mask.astype(np.uint8), 3)
    if not clean.any():
        return []
    joined = cv2.dilate(clean, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (JOINS, JOINS)))
    count, labels = cv2.connectedComponents(joined, connectivity=8)
    labels = np.where(clean > 0, labels, 0)
    ys, xs = np.nonzero(labels)
    which = labels[ys, xs]
    found = []
    for label in range(1, count):
        mine = which == label
        area = int(mine.sum())
        if area < SMALLEST:
            continue
        x, y = xs[mine], ys[mine]
        brightness = float(grey[y, x].mean())
        found.append(
            Blob(float(x.min()), float(y.min()), float(x.max() + 1), float(y.max() + 1), float(area), brightness)
        )
    return sorted(found, key=lambda blob: -blob.area)[:MOST]
