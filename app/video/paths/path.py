"""The path of one moving thing through a video."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from app.video.motion.tracker import Step
from app.video.paths.frame_borders import Frame
from modal_backend.contracts import Box, Side


@dataclass(slots=True)
class MotionPath:
    """One moving thing over the whole video.

    Attributes:
        pieces: its steps, one list for each time in view, in order.
        entry, exit: the border it came in or went out at together with another, where its own steps do not show it.
    """

    pieces: list[list[Step]] = field(default_factory=list)
    entry: Side | None = None
    exit: Side | None = None

    @property
    def steps(self) -> list[Step]:
        """All its steps."""
        return [step for piece in self.pieces for step in piece]

    @property
    def spans(self) -> tuple[tuple[float, float], ...]:
        """First and last second of each time in view."""
        return tuple((piece[0].second, piece[-1].second) for piece in self.pieces)

    def box_at(self, second: float, frame: Frame) -> Box | None:
        """Its box at a second, in shares of the frame; None when it was not in view."""
        for piece in self.pieces:
            if piece[0].second - 1e-6 <= second <= piece[-1].second + 1e-6:
                times = [step.second for step in piece]
                left, top, right, bottom = (
                    float(np.interp(second, times, [getattr(step, side) for step in piece]))
                    for side in ("left", "top", "right", "bottom")
                )
                return Box(
                    left / frame.width, top / frame.height, (right - left) / frame.width, (bottom - top) / frame.height
                )
        return None
