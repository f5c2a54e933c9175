"""Whether a path is as steady as an animal's that walks across: one compact region, of one size, straight on."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from app.video.motion.tracker import Step
from app.video.paths.frame_borders import Frame, border_side
from app.video.paths.joins import length_of
from app.video.paths.path import MotionPath

# Of the paths of 129 recorded videos without an animal one passes all of these and is marked: that of a car.
FEWEST_STEPS = 8
LENGTH = 0.06  # of the frame's width: less is a speck
REACH = 0.2  # of the frame's width
STRAIGHT = 0.7  # of the way out to its farthest place, and of the way back
LEG = 0.1  # of the frame's width: a shorter way out or back may be crooked
SPREAD = 0.4  # standard deviation of the logarithm of its area while wholly in view
RUNS = 2.5  # of its own lengths a second: more, only who crosses a border; insects at night flare up in view
HURRIES = 5.0  # the same of anybody
COMPACT = 0.4  # of its box: what moves fills less where it is many flakes, or a plant


def is_steady(path: MotionPath, frame: Frame) -> bool:
    """Whether a piece of a path leads on straight, or out and back, as one region of one size that is in no hurry."""
    pace = pace_of(path)
    if pace > HURRIES or (pace > RUNS and not _crosses(path, frame)):
        return False
    return any(_steady([step for step in piece if not step.shared], frame) for piece in path.pieces)


def _crosses(path: MotionPath, frame: Frame) -> bool:
    ends = (border_side(path.pieces[0], frame, leaving=False), border_side(path.pieces[-1], frame, leaving=True))
    return any((path.entry, path.exit, *ends))


def pace_of(path: MotionPath) -> float:
    """How many of its own lengths it usually travels in a second."""
    paces = [
        math.dist(before.middle, step.middle) / (step.second - before.second)
        for piece in path.pieces
        for before, step in pairwise(piece)
    ]
    return float(np.median(paces)) / max(length_of(path.steps), 1.0) if paces else 0.0


def _steady(steps: list[Step], frame: Frame) -> bool:
    if len(steps) < FEWEST_STEPS or length_of(steps) < LENGTH * frame.width:
        return False
    middles = np.array([step.middle for step in steps])
    if float(np.hypot(*np.ptp(middles, axis=0))) < REACH * frame.width:
        return False
    farthest = int(np.hypot(*(middles - middles[0]).T).argmax())
    if not all(_straight(leg, LEG * frame.width) for leg in (middles[: farthest + 1], middles[farthest:])):
        return False
    whole = [step for step in steps if min(frame.room(step).values()) > frame.margin]
    areas = np.array([step.area for step in (whole if len(whole) >= 3 else steps)], float)
    filled = [step.area / max(step.size[0] * step.size[1], 1.0) for step in steps]
    return float(np.std(np.log(np.maximum(areas, 1.0)))) <= SPREAD and float(np.median(filled)) >= COMPACT


def _straight(middles: NDArray[np.float64], short: float) -> bool:
    """Whether places lie rather in a row; always where the way (in pixels) is short."""
    travelled = float(np.hypot(*np.diff(middles, axis=0).T).sum())
    return travelled < short or math.dist(middles[0], middles[-1]) >= STRAIGHT * travelled
