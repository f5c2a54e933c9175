"""Whether the camera itself moves: it is carried, or follows an animal.

The shift between two small frames is measured in tiles (phase correlation, Kuglin and Hines 1975). Where most tiles
agree the whole picture moved; an animal, even a large one, or plants in the wind move a few of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

TILES = (2, 3)  # rows, columns
CLEAR = 0.1  # response of the correlation from which a tile's shift is believed
AGREE = 1.0  # pixels
MOST_TILES = 4
LEAST_SHIFT = 0.2  # pixels between two frames
WINDOW_SECONDS = 1.0
CARRIED = 0.012  # of the frame's width, from a window's first to its last third: who trembles comes back
MOST = 0.4  # share of the windows

Shift = Callable[[float, float], tuple[float, float]]  # see CameraMotion.shift


class CameraMotion:
    """Takes small grey frames in order, uint8 (height, width)."""

    def __init__(self) -> None:
        self._before: NDArray[np.float32] | None = None
        self._seconds: list[float] = []
        self._places: list[tuple[float, float]] = [(0.0, 0.0)]
        self._width = self._height = 1

    def take(self, second: float, grey: NDArray[np.uint8]) -> float:
        """Add a frame; by how many pixels the whole picture moved since the one before."""
        now = grey.astype(np.float32)
        before, self._before = self._before, now
        self._height, self._width = grey.shape
        self._seconds.append(second)
        if before is None:
            return 0.0
        dx, dy = _shift(before, now) if before.shape == now.shape else (0.0, 0.0)
        x, y = self._places[-1]
        self._places.append((x + dx, y + dy))
        return float(np.hypot(dx, dy))

    def shift(self, before: float, after: float) -> tuple[float, float]:
        """How far what stands moved through the frame from one second to another, right and down, in shares of it."""
        (x, y), (was_x, was_y) = self._place(after), self._place(before)
        return (x - was_x) / self._width, (y - was_y) / self._height

    def _place(self, second: float) -> tuple[float, float]:
        """Where the picture had moved to by a second, in pixels: between the two frames around it."""
        seconds, last = self._seconds, len(self._seconds) - 1
        after = min(max(bisect_left(seconds, second), 1), last)
        if after < 1:
            return 0.0, 0.0
        share = (second - seconds[after - 1]) / max(seconds[after] - seconds[after - 1], 1e-6)
        share = min(max(share, 0.0), 1.0)
        (x, y), (next_x, next_y) = self._places[after - 1], self._places[after]
        return x + share * (next_x - x), y + share * (next_y - y)

    @property
    def moves(self) -> bool:
        """Whether the camera is carried or turned for much of the video."""
        carried = list(self._carried())
        return bool(carried) and float(np.mean(carried)) >= MOST

    def _carried(self) -> Iterator[bool]:
        """For each window of a second that holds frames whether the picture went somewhere."""
        if len(self._seconds) <= 2:
            return
        seconds, places = np.array(self._seconds), np.array(self._places)
        starts = seconds[0] + np.unique((seconds - seconds[0]) // WINDOW_SECONDS) * WINDOW_SECONDS
        for start in starts[starts < seconds[-1] - 0.5]:
            inside = places[(seconds >= start) & (seconds <= start + WINDOW_SECONDS)]
            if len(inside) > 1:
                third = max(1, len(inside) // 3)
                way = np.median(inside[-third:], axis=0) - np.median(inside[:third], axis=0)
                yield float(np.hypot(*way)) >= CARRIED * self._width


def _shift(before: NDArray[np.float32], now: NDArray[np.float32]) -> tuple[float, float]:
    """Pixels right and down by which most tiles moved; 0, 0 when they do not agree."""
    import cv2

    rows, columns = TILES
    high, wide = _fourier_size(before.shape[0] // rows), _fourier_size(before.shape[1] // columns)
    if min(high, wide) < 16:
        return 0.0, 0.0
    window = cv2.createHanningWindow((wide, high), cv2.CV_32F)
    shifts = []
    for row in range(rows):
        for column in range(columns):
            tile = np.s_[row * high : (row + 1) * high, column * wide : (column + 1) * wide]
            shift, response = cv2.phaseCorrelate(before[tile].copy(), now[tile].copy(), window)
            if response >= CLEAR:
                shifts.append(shift)
    if len(shifts) < MOST_TILES:
        return 0.0, 0.0
    found = np.array(shifts)
    middle = np.median(found, axis=0)
    agree = int((np.hypot(*(found - middle).T) <= AGREE).sum())
    clear = agree >= MOST_TILES and float(np.hypot(*middle)) >= LEAST_SHIFT
    return (float(middle[0]), float(middle[1])) if clear else (0.0, 0.0)


def _fourier_size(size: int) -> int:
    """The largest even size up to this that OpenCV does not pad: the middle of a padded one is half a pixel off."""
    import cv2

    return next((even for even in range(size - size % 2, 0, -2) if cv2.getOptimalDFTSize(even) == even), 0)
