"""The bars with date and temperature that cameras burn into their frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

BAR_SHARE = 0.2  # of the frame's height, at most


def burnt_in_bars(picture: NDArray[np.floating]) -> Mask:
    """Rows of a burnt-in bar at the top or bottom: a plain strip that begins with a step across the whole width."""
    height, width = picture.shape
    bars = np.zeros((height, width), np.bool_)
    most = min(max(2, int(BAR_SHARE * height)), height - 1)
    for flipped in (False, True):
        rows = picture[::-1] if flipped else picture
        for edge in range(most, 1, -1):
            step = rows[edge - 1] - rows[edge]
            if max((step > 6).mean(), (step < -6).mean()) >= 0.8 and _plain(rows[:edge]):
                (bars[::-1] if flipped else bars)[: edge + 1] = True
                break
    return bars


def bar_heights(bars: Mask) -> tuple[int, int]:
    """How many rows the bars at the top and at the bottom take."""
    open_rows = np.flatnonzero(~bars[:, 0])
    return (int(open_rows[0]), len(bars) - 1 - int(open_rows[-1])) if len(open_rows) else (0, 0)


def _plain(strip: NDArray[np.floating]) -> bool:
    """Whether most of a strip has one brightness."""
    return float((np.abs(strip - np.median(strip)) <= 12).mean()) >= 0.55
