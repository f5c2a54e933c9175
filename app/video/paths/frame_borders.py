"""The frame of a video, and at which of its borders a path begins or ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.video.motion.tracker import Step
from modal_backend.contracts import Side

BORDER = 1.6  # pixels
AHEAD = 0.6
CROSSING = 1.0  # seconds in which what crosses a border moves over it with all its length
CROSSED = 0.015  # of the frame's width
FILLS = 0.7  # of the frame's height or width
GROWN = 1.3  # times its usual extent


@dataclass(slots=True)
class Frame:
    """The small frame and the video's time.

    Attributes:
        width, height: in pixels.
        first, last: first and last second that were compared.
        step: seconds between comparisons.
        rim: pixels at the border that are not looked at, because the camera shakes.
        bars: rows of burnt-in bars at the top and at the bottom, behind which animals are out of view.
    """

    width: int
    height: int
    first: float
    last: float
    step: float
    rim: float = 0.0
    bars: tuple[int, int] = (0, 0)

    @property
    def margin(self) -> float:
        """How near to a border counts as touching it, in pixels."""
        return max(BORDER, 0.015 * self.width) + self.rim

    def room(self, step: Step) -> dict[Side, float]:
        """Pixels between a step's box and each border."""
        return {
            Side.LEFT: step.left,
            Side.RIGHT: self.width - step.right,
            Side.TOP: step.top - self.bars[0],
            Side.BOTTOM: self.height - self.bars[1] - step.bottom,
        }


def border_side(steps: list[Step], frame: Frame, *, leaving: bool, ahead: float = AHEAD) -> Side | None:
    """The border a path begins (or ends) at; None when it began in view, or out of sight inside the frame.

    Args:
        steps: of one piece of the path, in order of time.
        frame: the small frame.
        leaving: the border it ends at instead of the one it begins at.
        ahead: seconds within which it would have been at the border at its pace.
    """
    near = steps[::-1] if leaving else steps
    end = near[0]
    later = next((step for step in near[1:] if abs(step.second - end.second) >= 0.4), near[-1])
    gap = abs(later.second - end.second) or 1.0
    out_x, out_y = (end.middle[0] - later.middle[0]) / gap, (end.middle[1] - later.middle[1]) / gap
    ahead = max(ahead, 1.1 * frame.step)
    margin = frame.margin
    at_end = frame.last - end.second < 1.5 * frame.step if leaving else end.second - frame.first < 1.5 * frame.step
    touched, predicted = [], []
    outwards = {Side.LEFT: -out_x, Side.RIGHT: out_x, Side.TOP: -out_y, Side.BOTTOM: out_y}
    for side, edge in frame.room(end).items():
        outward = outwards[side]
        if edge <= margin:
            if _moves_over(near, side, frame):
                touched.append((outward, side))
        elif outward > 0 and not at_end and edge - outward * ahead <= margin:
            predicted.append((outward, side))
    best = max(touched, default=None)
    if best is not None and (best[0] > -0.02 * frame.width or not predicted):
        return best[1] if best[0] > -0.02 * frame.width and not (at_end and best[0] <= 0) else None
    return max(predicted)[1] if predicted else None


def _moves_over(near: list[Step], side: Side, frame: Frame) -> bool:
    """Whether what touches a border crosses it; who fills the frame there, or only grows to it, has its far edge move.

    Who stands there as tall as the frame touches it all the time, and who meets another there grows to it. A path too
    short to show that crosses.

    Args:
        near: the steps of a piece, outermost first.
    """
    upright = side in (Side.TOP, Side.BOTTOM)
    lately = [step for step in near if abs(step.second - near[0].second) <= CROSSING]
    far = [_far_edge(step, side, frame) for step in lately]
    if abs(near[-1].second - near[0].second) < CROSSING or len(far) < 3 or max(far) - far[0] > CROSSED * frame.width:
        return True
    extents = [step.size[1 if upright else 0] for step in lately]
    fills = far[0] >= FILLS * (frame.height if upright else frame.width)
    return not fills and extents[0] <= GROWN * float(np.median(extents))


def _far_edge(step: Step, side: Side, frame: Frame) -> float:
    """Pixels between a border and the edge of a box that is away from it."""
    return {
        Side.LEFT: step.right,
        Side.RIGHT: frame.width - step.left,
        Side.TOP: step.bottom,
        Side.BOTTOM: frame.height - step.top,
    }[side]
