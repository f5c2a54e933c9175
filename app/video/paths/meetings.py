"""Two that come in or go out as one region: each gets the border the region was at, and a time of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from app.video.motion.tracker import Step, Track
from app.video.paths.frame_borders import Frame, border_side
from app.video.paths.path import MotionPath
from modal_backend.contracts import Side

SPEED_SECONDS = 1.0
LONGEST = 8.0  # seconds that two may be one region before they part, or after they have met
HIDDEN = 1.5  # seconds for which one that vanished behind another is taken to go on
SLOWEST = 0.02  # frame widths a second


def add_shared_borders(paths: Iterable[MotionPath], pieces: Iterable[tuple[Track, list[Step]]], frame: Frame) -> None:
    """Give paths that came out of another one's region its entry, and those that went into one its exit."""
    owner = {id(step): path for path in paths for step in path.steps}
    for track, steps in pieces:
        path = owner.get(id(steps[0])) if steps else None
        if path is None:
            continue
        if path.steps[0] is track.steps[0] and border_side(path.pieces[0], frame, leaving=False) is None:
            other = _owner_of(track.parent, owner)
            if other is not None and other is not path:
                _came_with(path, other, frame)
        vanished = path.steps[-1] is steps[-1] and track.last.shared
        if vanished and border_side(path.pieces[-1], frame, leaving=True) is None:
            other = _owner_of(track.within, owner)
            if other is not None and other is not path:
                _went_with(path, other, frame)
            path.exit = path.exit or border_side(path.pieces[-1], frame, leaving=True, ahead=HIDDEN)


def _owner_of(track: Track | None, owner: dict[int, MotionPath]) -> MotionPath | None:
    return next((owner[id(step)] for step in track.steps if id(step) in owner), None) if track else None


def _came_with(path: MotionPath, other: MotionPath, frame: Frame) -> None:
    begin = path.pieces[0][0]
    piece = next((part for part in other.pieces if part[0].second < begin.second <= part[-1].second + frame.step), None)
    side = border_side(piece, frame, leaving=False) if piece else None
    if piece is None or side is None or begin.second - piece[0].second > LONGEST:
        return
    inward = _speed(path.pieces[0], side)
    if inward < -SLOWEST * frame.width:
        return
    pace = max(inward, _speed(piece, side))
    second = _moment(begin, side, pace, frame, -1.0, piece[0].second)
    path.pieces[0].insert(0, _at_border(begin, side, second, frame))
    path.entry = side


def _went_with(path: MotionPath, other: MotionPath, frame: Frame) -> None:
    end = path.pieces[-1][-1]
    piece = next((part for part in other.pieces if part[0].second - frame.step <= end.second < part[-1].second), None)
    side = border_side(piece, frame, leaving=True) if piece else None
    if piece is None or side is None or piece[-1].second - end.second > LONGEST:
        return
    outward = -_speed(path.pieces[-1][::-1], side)
    if outward < SLOWEST * frame.width:
        return
    pace = max(outward, -_speed(piece[::-1], side))
    second = _moment(end, side, pace, frame, 1.0, piece[-1].second)
    path.pieces[-1].append(_at_border(end, side, second, frame))
    path.exit = side


def _speed(steps: list[Step], side: Side) -> float:
    """Pixels a second away from a border over its first second (steps in either order of time)."""
    some = [step for step in steps if abs(step.second - steps[0].second) <= SPEED_SECONDS]
    if len(some) < 2:
        return 0.0
    axis, sign = _direction(side)
    times = np.array([step.second for step in some])
    return sign * float(np.polyfit(times - times[0], [step.middle[axis] for step in some], 1)[0])


def _direction(side: Side) -> tuple[int, float]:
    return (0 if side in (Side.LEFT, Side.RIGHT) else 1), (1.0 if side in (Side.LEFT, Side.TOP) else -1.0)


def _moment(step: Step, side: Side, pace: float, frame: Frame, towards: float, bound: float) -> float:
    """When it passed the border at this pace, never beyond the bound (the region's own time there)."""
    axis, _ = _direction(side)
    distance = max(frame.room(step)[side], 0.0) + 0.9 * step.size[axis]
    if pace <= SLOWEST * frame.width:
        return bound
    second = step.second + towards * distance / pace
    return max(second, bound) if towards < 0 else min(second, bound)


def _at_border(step: Step, side: Side, second: float, frame: Frame) -> Step:
    """The step moved to where it touches a border."""
    axis, _ = _direction(side)
    room = max(frame.room(step)[side], 0.0)
    by = -room if side in (Side.LEFT, Side.TOP) else room
    if axis == 0:
        return replace(step, second=second, left=step.left + by, right=step.right + by)
    return replace(step, second=second, top=step.top + by, bottom=step.bottom + by)
