"""Which frames are looked at: at most a budget, one a second in short videos, dense where something moves."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

BUDGET = 64
ROOM = 96  # frames held while the video plays; thinned to the budget at its end
SECONDS_APART = 1.0
SECONDS_APART_MOVING = 0.25
CHANGED_LEVELS = 14
LEAST_ACTIVITY = 0.003
ABOVE_USUAL = 2.5
MOVING_WEIGHT = 6.0
WANTED_WEIGHT = 8.0
REMEMBERED = 240


@dataclass(frozen=True, slots=True)
class Sample:
    """A frame to look at: its number, second, whether something moved, and the frame itself (reduced, not turned)."""

    index: int
    second: float
    moving: bool
    frame: VideoFrame


class Activity:
    """How much changes from one small grey frame to the next, and whether that is more than usual in this video."""

    def __init__(self) -> None:
        self._before: NDArray[np.int16] | None = None
        self._recent: deque[float] = deque(maxlen=REMEMBERED)

    def take(self, grey: NDArray[np.uint8]) -> bool:
        """Add a small grey frame; whether something moves in it. A change of its overall brightness does not count."""
        now = grey.astype(np.int16)
        before, self._before = self._before, now
        if before is None or before.shape != now.shape:
            return False
        change = now - before
        share = float((np.abs(change - np.median(change[::4, ::4])) > CHANGED_LEVELS).mean())
        self._recent.append(share)
        return share > max(LEAST_ACTIVITY, ABOVE_USUAL * float(np.percentile(self._recent, 30)))


class Sampler:
    """Keeps the frames worth looking at while a video plays, never more than ROOM of them."""

    def __init__(self, budget: int = BUDGET) -> None:
        self.budget = budget
        self._kept: list[Sample] = []

    def wants(self, second: float, moving: bool, step: float) -> bool:
        """Whether the frame at this second should be kept; `step` is the seconds between frames."""
        if not self._kept:
            return True
        apart = SECONDS_APART_MOVING if moving else max(SECONDS_APART, second / self.budget)
        return second - self._kept[-1].second >= apart - 0.5 * step

    def keep(self, sample: Sample) -> None:
        """Keep a frame; another one goes when there is no room."""
        self._kept.append(sample)
        if len(self._kept) > ROOM:
            self._drop_one(lambda sample: MOVING_WEIGHT if sample.moving else 1.0, self._kept[-1].second)

    def choose(self, wanted: Callable[[float], bool]) -> list[Sample]:
        """Thin what was kept to the budget, in order; `wanted(second)` is true where an animal is known to be."""
        while len(self._kept) > self.budget:
            self._drop_one(lambda sample: WANTED_WEIGHT if wanted(sample.second) else 1.0, self._kept[-1].second)
        return self._kept

    def _drop_one(self, weight: Callable[[Sample], float], length: float) -> None:
        """Drop the frame whose neighbours are nearest, by weight; in short videos none that leaves over a second."""
        times = [sample.second for sample in self._kept]
        best, at = float("inf"), 1
        for place in range(1, len(times) - 1):
            gap = times[place + 1] - times[place - 1]
            cost = gap * weight(self._kept[place])
            if length <= self.budget and gap > SECONDS_APART + 0.15:
                cost += 1000.0
            if cost < best:
                best, at = cost, place
        del self._kept[at]


def unsampled_stretches(seconds: list[float], duration: float) -> list[tuple[float, float]]:
    """The stretches of over two seconds between frames that were looked at, and at the video's end."""
    ends = [*seconds, duration]
    return [(a, b) for a, b in pairwise(ends) if b - a > 2.05]
