"""Pieces of one animal's path put together: it stood still, turned, was hidden, or two tracks followed parts of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from app.video.motion.tracker import Step
from app.video.paths.frame_borders import Frame, border_side
from app.video.paths.splits import look_alike

PAUSE_SECONDS = 180.0
HIDDEN_SECONDS = 4.0
HANDED_OVER = 0.8
TURNED_SECONDS = 2.5
ALIKE = 2.2
SHORT_SECONDS = 0.6


def join_pieces(pieces: list[list[Step]], frame: Frame) -> list[list[Step]]:
    """Join the pieces that belong to one path: it stood still and became background, or was hidden for a moment."""
    joins = []
    for a, before in enumerate(pieces):
        for b, after in enumerate(pieces):
            if a != b and (cost := _join_cost(before, after, frame)) is not None:
                joins.append((cost, a, b))
    following: dict[int, int] = {}
    taken: set[int] = set()
    for _, a, b in sorted(joins):
        if a not in following and b not in taken:
            following[a] = b
            taken.add(b)
    joined = []
    for start in range(len(pieces)):
        if start in taken:
            continue
        steps, at = list(pieces[start]), start
        while at in following:
            at = following[at]
            steps = _merged(steps, pieces[at])
        joined.append(steps)
    return joined


def _merged(before: list[Step], after: list[Step]) -> list[Step]:
    """Two lists of steps as one in order of time; where both saw a part of it, the box holds both."""
    by_time = {step.second: step for step in before}
    for step in after:
        other = by_time.get(step.second)
        if other is not None:
            step = replace(
                step,
                left=min(step.left, other.left),
                top=min(step.top, other.top),
                right=max(step.right, other.right),
                bottom=max(step.bottom, other.bottom),
                area=step.area + other.area,
            )
        by_time[step.second] = step
    return [by_time[second] for second in sorted(by_time)]


def _join_cost(before: list[Step], after: list[Step], frame: Frame) -> float | None:
    end, begin = before[-1], after[0]
    gap = begin.second - end.second
    if gap > PAUSE_SECONDS:
        return None
    left, entered = border_side(before, frame, leaving=True), border_side(after, frame, leaving=False)
    if left and left == entered and not look_alike(before, after, left, frame):
        return None
    if gap <= 0:
        elsewhere = entered and entered not in (left, border_side(before, frame, leaving=False))
        return None if elsewhere else _handed_over(before, after, gap)
    if left and gap > 2.5 * frame.step + 0.3:
        return None
    size = max(length_of(before), length_of(after), 4.0)
    away = math.dist(end.middle, begin.middle)
    ratio = area_of(before) / max(area_of(after), 1.0)
    most = ALIKE * (4 if gap <= SHORT_SECONDS else 2)
    if not 1 / most <= ratio <= most:
        return None
    appears = entered is None
    stayed = away <= (2.0 if gap <= TURNED_SECONDS else 0.8) * size and appears
    vx, vy = _pace(before[-6:])
    predicted = (end.middle[0] + vx * gap, end.middle[1] + vy * gap)
    off = math.dist(predicted, begin.middle)
    hidden = gap <= HIDDEN_SECONDS and off <= 0.6 * size + 0.35 * math.hypot(vx, vy) * gap
    if not (stayed or hidden):
        return None
    return min(away, off) / size + 0.02 * gap + 0.2 * abs(math.log(ratio))


def _handed_over(before: list[Step], after: list[Step], gap: float) -> float | None:
    """Two tracks of one animal that overlap for a moment: one follows its head, the other the rest of it."""
    if -gap > HANDED_OVER or after[0].second <= before[0].second or after[-1].second <= before[-1].second:
        return None
    end = before[-1]
    same = min(after, key=lambda step: abs(step.second - end.second))
    aside = max(same.aside(end), 0.0)
    size = max(length_of(before), length_of(after), 4.0)
    return aside / size if aside <= 0.35 * size else None


def _pace(steps: list[Step]) -> tuple[float, float]:
    gap = steps[-1].second - steps[0].second
    if gap <= 0:
        return 0.0, 0.0
    (x0, y0), (x1, y1) = steps[0].middle, steps[-1].middle
    return (x1 - x0) / gap, (y1 - y0) / gap


def length_of(steps: list[Step]) -> float:
    """The longer side of its box, typically, in pixels."""
    return float(np.median([max(step.size) for step in steps]))


def area_of(steps: list[Step]) -> float:
    """Its area, typically, in pixels."""
    return float(np.median([step.area for step in steps]))
