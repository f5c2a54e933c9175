"""The motion of a video, stretch by stretch, in memory that does not grow with the video's length."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.video.motion.background import find_motion
from app.video.motion.regions import find_blobs
from app.video.motion.tracker import Track, Tracker

SIDE = 192  # pixels of the longer side of the small grey frames
RATE = 10.0  # of them a second, at most
STRETCH = 500  # of them against one background: most of a minute
UNSTEADY = 0.35


@dataclass(slots=True)
class Motion:
    """Takes small grey frames in order; `finish` gives the tracks.

    Attributes:
        seconds: when each frame was shown.
        changed: seconds at which the whole picture differed from before and after.
        shift: how far the camera shakes, in pixels of the small frame.
        bars: rows of burnt-in bars at the top and at the bottom.
        width, height: of the small frame, in pixels.
    """

    seconds: list[float] = field(default_factory=list)
    changed: list[float] = field(default_factory=list)
    shift: float = 0.0
    bars: tuple[int, int] = (0, 0)
    width: int = 0
    height: int = 0
    _waiting: list[NDArray[np.uint8]] = field(default_factory=list)
    _times: list[float] = field(default_factory=list)
    _tracker: Tracker | None = None
    _busy: int = 0

    def take(self, second: float, grey: NDArray[np.uint8]) -> None:
        """Add the next small frame; every second stretch the first half of what waits is worked through."""
        self._waiting.append(grey)
        self._times.append(second)
        self.seconds.append(second)
        if len(self._waiting) >= 2 * STRETCH:
            self._work(STRETCH)

    def finish(self) -> list[Track]:
        """Work through the rest; every track of the video."""
        if self._waiting:
            self._work(len(self._waiting))
        return self._tracker.tracks if self._tracker else []

    @property
    def busy(self) -> float:
        """Share of the frames in which too much moves to mean anything (the camera was carried, or a storm)."""
        return self._busy / max(len(self.seconds), 1)

    @property
    def step(self) -> float:
        """Seconds between the frames that were compared, typically."""
        return float(np.median(np.diff(self.seconds))) if len(self.seconds) > 1 else 1.0

    def _work(self, count: int) -> None:
        frames, times = np.stack(self._waiting[:count]), np.array(self._times[:count])
        del self._waiting[:count], self._times[:count]
        self.height, self.width = frames.shape[1:]
        if self._tracker is None:
            self._tracker = Tracker(self.width)
        moving = find_motion(frames, times)
        self.shift = max(self.shift, moving.shift)
        self.bars = (max(self.bars[0], moving.bars[0]), max(self.bars[1], moving.bars[1]))
        for second, mask, grey, changed in zip(times, moving.masks, moving.grey, moving.changed, strict=True):
            self._busy += bool(changed or mask.mean() > UNSTEADY)
            if changed:
                self.changed.append(float(second))
            else:
                self._tracker.add_frame(float(second), find_blobs(mask, grey))
