"""The frame of a clip, and at which of its borders a way begins or ends."""

from __future__ import annotations

from dataclasses import dataclass

from app.video.following import Step
from modal_backend.contracts import Side

BORDER = 1.6  # pixels


@dataclass(slots=True)
class Frame:
    """The small frame and the clip's time: pixels, first and last second compared, seconds between comparisons.

    rim: pixels at the border that are not looked at, because the camera shakes.
    """

    width: int
    height: int
    first: float
    last: float
    step: float
    rim: float = 0.0


def side_of(steps: list[Step], frame: Frame, *, leaving: bool) -> Side | None:
    """The border a way begins (or ends) at; None when it began in view, or out of sight inside the frame."""
    near = steps[::-1] if leaving else steps
    end = near[0]
    later = next((step for step in near[1:] if abs(step.second - end.second) >= 0.4), near[-1])
    gap = abs(later.second - end.second) or 1.0
    out_x, out_y = (end.middle[0] - later.middle[0]) / gap, (end.middle[1] - later.middle[1]) / gap
    ahead = max(0.35, 1.1 * frame.step)
    margin = max(BORDER, 0.015 * frame.width) + frame.rim
    touched, foretold = [], []
    for side, edge, outward in (
        (Side.LEFT, end.left, -out_x),
        (Side.RIGHT, frame.width - end.right, out_x),
        (Side.TOP, end.top, -out_y),
        (Side.BOTTOM, frame.height - end.bottom, out_y),
    ):
        if edge <= margin:
            touched.append((outward, side))
        elif outward > 0 and edge - outward * ahead <= margin:
            foretold.append((outward, side))
    best = max(touched, default=None)
    if best is not None and (best[0] > 0 or not foretold):
        at_end = frame.last - end.second < 1.5 * frame.step if leaving else end.second - frame.first < 1.5 * frame.step
        return best[1] if best[0] > -0.02 * frame.width and not (at_end and best[0] <= 0) else None
    return max(foretold)[1] if foretold else None
