"""One animal leaves as another comes in at the same border: a track that took over the second is cut in two."""

from __future__ import annotations

import math

import numpy as np

from app.video.motion.tracker import Step
from app.video.paths.frame_borders import Frame, border_side
from modal_backend.contracts import Side

BEFORE = 1.5  # seconds at either side of the turn that are compared
STEPS = 3
TONE = 15.0  # grey levels
LARGER = 1.6
ASIDE = 0.5  # of its own extent along the border
PACE_SECONDS = 0.6
ALONG = 0.08  # of the frame a second, along the border
ALIKE_PACE = 1.6  # times the other
JUMP = 0.03  # of the frame, from where it would be at its pace
GONE = 0.5  # seconds out of view from which the same animal may have turned outside


def split_at_borders(steps: list[Step], frame: Frame) -> list[list[Step]]:
    """Cut the steps wherever they leave at a border and something that looks different comes in there at once."""
    for place in _turns(steps, frame):
        before, after = steps[: place + 1], steps[place + 1 :]
        if len(before) < STEPS or len(after) < STEPS:
            continue
        side = border_side(after, frame, leaving=False)
        same = side is not None and side == border_side(before, frame, leaving=True)
        if (
            side
            and same
            and not look_alike(before, after, side, frame)
            and not _walks_along(before, after, side, frame)
        ):
            return [before, *split_at_borders(after, frame)]
    return [steps]


def _walks_along(before: list[Step], after: list[Step], side: Side, frame: Frame) -> bool:
    """Whether it goes on along the border at the pace it had: it only touches it, and does not leave there."""
    axis, span = (1, frame.height) if side in (Side.LEFT, Side.RIGHT) else (0, frame.width)
    was, goes = _pace(before[-1], before[::-1], axis), _pace(after[0], after, axis)
    away = max(abs(_pace(before[-1], before[::-1], 1 - axis)), abs(_pace(after[0], after, 1 - axis)))
    slower, faster = sorted((abs(was), abs(goes)))
    jump = after[0].middle[axis] - before[-1].middle[axis] - was * (after[0].second - before[-1].second)
    along = was * goes > 0 and slower >= max(ALONG * span, faster / ALIKE_PACE, away)
    return along and abs(jump) <= JUMP * span


def _pace(end: Step, near: list[Step], axis: int) -> float:
    """Pixels a second along an axis, from its end over PACE_SECONDS."""
    other = next((step for step in near if abs(step.second - end.second) >= PACE_SECONDS), near[-1])
    gap = other.second - end.second
    return (other.middle[axis] - end.middle[axis]) / gap if gap else 0.0


def look_alike(before: list[Step], after: list[Step], side: Side, frame: Frame) -> bool:
    """Whether what leaves at a border and what comes in there later may be one animal: size, place and brightness."""
    upright = side in (Side.LEFT, Side.RIGHT)
    leaving, coming = _near_end(before[::-1], frame), _near_end(after, frame)
    sizes, places, tones = [], [], []
    for some in (leaving, coming):
        low = np.array([step.top if upright else step.left for step in some])
        high = np.array([step.bottom if upright else step.right for step in some])
        sizes.append(max(float(np.median(high - low)), 2.0))
        places.append(float(np.median(high + low)) / 2)
        tones.append(float(np.median([step.grey for step in some])))
    gap = after[0].second - before[-1].second
    span = frame.height if upright else frame.width
    far = ASIDE * max(sizes) if gap < GONE else max(0.25 * span, ASIDE * max(sizes))
    same_size = max(sizes) / min(sizes) <= LARGER
    return same_size and abs(tones[0] - tones[1]) <= TONE and abs(places[0] - places[1]) <= far


def _near_end(steps: list[Step], frame: Frame) -> list[Step]:
    """The steps next to the first one in which it is wholly in view, else in which it shows most."""
    near = [step for step in steps if abs(step.second - steps[0].second) <= BEFORE and not step.shared] or steps[:STEPS]
    whole = [step for step in near if min(frame.room(step).values()) > frame.margin]
    if len(whole) >= 2:
        return whole
    return sorted(near, key=lambda step: -step.area)[: max(STEPS, len(near) // 2)]


def _turns(steps: list[Step], frame: Frame) -> list[int]:
    """Places at which it touches a border on the path out and next on the path in again, or another does."""
    found = []
    rooms = [frame.room(step) for step in steps]
    for side in Side:
        touching = [room[side] <= frame.margin for room in rooms]
        start = 0
        while start < len(steps):
            end = start
            while touching[start] and end + 1 < len(steps) and touching[end + 1]:
                end += 1
            if touching[start] and start > 0 and end + 1 < len(steps):
                found.append(_cut(steps, start, end))
            start = end + 1
    return sorted(set(found))


def _cut(steps: list[Step], start: int, end: int) -> int:
    """Within the steps that touch the border: where it was out of view longest, else where its look changes most."""
    gaps = [steps[at + 1].second - steps[at].second for at in range(start, end)]
    if gaps and max(gaps) > 2.5 * float(np.median(gaps)) + 0.1:
        return start + int(np.argmax(gaps))
    best, cut = -1.0, start
    for at in range(start, end):
        earlier, later = steps[max(at - 1, 0) : at + 1], steps[at + 1 : at + 3]
        tone = abs(np.mean([step.grey for step in earlier]) - np.mean([step.grey for step in later]))
        moved = math.dist(steps[at].middle, steps[at + 1].middle)
        ratio = abs(math.log(max(steps[at + 1].area, 1.0) / max(steps[at].area, 1.0)))
        change = float(tone) / TONE + moved / 4.0 + ratio
        if change > best:
            best, cut = change, at
    return cut
