"""Moving pixels to moving things: connected regions of one small frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

JOINS = 7  # pixels: parts closer than this belong together
SMALLEST = 6  # pixels
MOST = 24
WHOLE_SHARE = 0.4  # of the largest part's area: from here on a part may be an animal of its own
WHOLE_AREA = 200  # pixels
WHOLE_FILLED = 0.45


class Region:
    """A rectangle of the small frame, its borders in pixels."""

    __slots__ = ()
    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> tuple[float, float]:
        """Centre, x and y."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def size(self) -> tuple[float, float]:
        """Width and height."""
        return self.right - self.left, self.bottom - self.top

    def aside(self, other: Region) -> float:
        """Pixels across or along between it and another one; below 0 where they overlap."""
        across = max(self.left - other.right, other.left - self.right)
        return max(across, self.top - other.bottom, other.top - self.bottom)


@dataclass(frozen=True, slots=True)
class Blob(Region):
    """A moving region: its area in pixels of the small frame, and its mean brightness."""

    left: float
    top: float
    right: float
    bottom: float
    area: float
    grey: float


def find_blobs(mask: NDArray[np.bool_], grey: NDArray[np.float32]) -> list[Blob]:
    """The moving regions of one frame, largest first, at most 24; single pixels do not count."""
    import cv2

    clean = cv2.medianBlur(mask.astype(np.uint8), 3)
    if not clean.any():
        return []
    joined = cv2.dilate(clean, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (JOINS, JOINS)))
    count, regions = cv2.connectedComponents(joined, connectivity=8)
    parts, labels, stats, _ = cv2.connectedComponentsWithStats(clean, connectivity=8)
    members: list[list[int]] = [[] for _ in range(count)]
    for part in range(1, parts):
        left, top, wide, high, _area = stats[part]
        inside = labels[top : top + high, left : left + wide] == part
        members[int(regions[top : top + high, left : left + wide][inside][0])].append(part)
    ys, xs = np.nonzero(labels)
    which = labels[ys, xs]
    found = []
    for group in (part_group for some in members if some for part_group in _apart(some, np.asarray(stats, np.int32))):
        mine = np.isin(which, group)
        area = int(mine.sum())
        if area < SMALLEST:
            continue
        x, y = xs[mine], ys[mine]
        brightness = float(grey[y, x].mean())
        found.append(
            Blob(float(x.min()), float(y.min()), float(x.max() + 1), float(y.max() + 1), float(area), brightness)
        )
    return sorted(found, key=lambda blob: -blob.area)[:MOST]


def _apart(parts: list[int], stats: NDArray[np.int32]) -> list[list[int]]:
    """Parts of one region in groups: those about as large as the largest stand for themselves, with what is near."""
    areas = {part: int(stats[part][4]) for part in parts}
    least = max(WHOLE_SHARE * max(areas.values()), WHOLE_AREA)
    whole = [part for part in parts if areas[part] >= least and _filled(stats[part]) >= WHOLE_FILLED]
    if len(whole) < 2:
        return [parts]
    groups = {part: [part] for part in whole}
    for part in parts:
        if part not in groups:
            groups[min(whole, key=lambda other: _gap(stats[part], stats[other]))].append(part)
    return list(groups.values())


def _filled(stats: NDArray[np.int32]) -> float:
    """Share of its box that a part fills."""
    return float(stats[4]) / float(stats[2] * stats[3])


def _gap(first: NDArray[np.int32], second: NDArray[np.int32]) -> float:
    """Pixels between the boxes of two parts."""
    across = max(first[0] - second[0] - second[2], second[0] - first[0] - first[2], 0)
    along = max(first[1] - second[1] - second[3], second[1] - first[1] - first[3], 0)
    return float(np.hypot(across, along))
