"""Tracks to paths: which pieces belong to one animal, which of them travel, and where each came in and went out."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from app.video.motion.tracker import Step, Track
from app.video.paths.frame_borders import Frame, border_side
from app.video.paths.joins import area_of, join_pieces, length_of
from app.video.paths.meetings import add_shared_borders
from app.video.paths.path import MotionPath
from app.video.paths.splits import look_alike, split_at_borders
from modal_backend.contracts import Side

AWAY_SECONDS = 60.0
TRAVELS = 0.07  # of the frame's diagonal
TRAVELS_OWN = 0.45  # of its own length
SHORTEST = 0.3  # seconds
COARSE = 0.4  # seconds between frames from which a leap from place to place looks like a path
LEAP = 1.5  # of its own length
ALIKE_PACE = 0.5
LEAST_STRAIGHT = 0.18  # reach in shares of the path
STRAIGHT = 0.8
USUAL = 80  # percentile
SPECK_AREA = 0.2
SPOT = 3.0  # pixels
SPOT_SECONDS = 0.8
SPOT_AREA = 0.3
STILL_PACE = 0.025  # frame widths a second


def paths_of(tracks: Iterable[Track], frame: Frame) -> list[MotionPath]:
    """The paths of everything that travels, in the order of appearance."""
    kept = {id(track): _trimmed(track, frame) for track in tracks}
    owners = {id(track): track for track in tracks}
    parts = [(owners[key], part) for key, steps in kept.items() for part in split_at_borders(steps, frame)]
    pieces = [(track, steps) for track, steps in parts if len(steps) >= 2 or frame.step > COARSE]
    pieces.sort(key=lambda pair: pair[1][0].second)
    paths = [MotionPath([steps]) for steps in join_pieces([steps for _, steps in pieces], frame)]
    paths = [path for path in paths if _travels(path.steps, frame)]
    paths = _without_parts(paths)
    add_shared_borders(paths, pieces, frame)
    return sorted(_returned(paths, frame), key=lambda path: path.pieces[0][0].second)


def _trimmed(track: Track, frame: Frame) -> list[Step]:
    """Its steps without predicted ones at the end: it may have been swallowed by what it met."""
    steps = list(track.steps)
    while steps and steps[-1].shared:
        steps.pop()
    steps = _without_flash(_without_speck(steps, frame), frame)
    return _without_spot(_without_flash(_without_speck(steps[::-1], frame), frame)[::-1])


def _without_speck(steps: list[Step], frame: Frame) -> list[Step]:
    """Its steps without specks at the beginning that are a while away from the rest: they only happened to be there."""
    if len(steps) < 5:
        return steps
    small, pause = SPECK_AREA * area_of(steps), 2.5 * frame.step + 0.1
    for at in range(1, min(4, len(steps) - 3)):
        if abs(steps[at].second - steps[at - 1].second) > pause and all(step.area < small for step in steps[:at]):
            return steps[at:]
    return steps


def _without_flash(steps: list[Step], frame: Frame) -> list[Step]:
    """Its steps without a first one, a while away, from which it would have leapt at another pace: a flash."""
    if len(steps) < 4 or abs(steps[1].second - steps[0].second) <= 2.5 * frame.step:
        return steps
    times, middles = np.array([step.second for step in steps[:3]]), np.array([step.middle for step in steps[:3]])
    leap, next_pace = np.diff(middles, axis=0) / np.diff(times)[:, None]
    far = math.dist(middles[0], middles[1]) > LEAP * length_of(steps)
    return steps[1:] if far and np.hypot(*(leap - next_pace)) > ALIKE_PACE * np.hypot(*leap) else steps


def _without_spot(steps: list[Step]) -> list[Step]:
    """Its steps without a small spot that never moved, at the beginning, before something much larger came by."""
    near = next((at for at, step in enumerate(steps) if math.dist(step.middle, steps[0].middle) > SPOT), len(steps))
    spot, rest = steps[:near], steps[near:]
    if len(rest) < 3 or abs(spot[-1].second - spot[0].second) < SPOT_SECONDS:
        return steps
    return rest if area_of(spot) < SPOT_AREA * area_of(rest) else steps


def moving_share(path: MotionPath, frame: Frame) -> float:
    """Share of its time in view during which it was moving."""
    moved = total = 0.0
    for piece in path.pieces:
        times = np.array([step.second for step in piece])
        at = np.arange(times[0], times[-1], max(0.5, frame.step))
        x = np.interp(at, times, [step.middle[0] for step in piece])
        y = np.interp(at, times, [step.middle[1] for step in piece])
        if len(at) < 2:
            moved, total = moved + 1, total + 1
            continue
        pace = np.hypot(np.diff(x), np.diff(y)) / np.diff(at) / frame.width
        moved, total = moved + float((pace > STILL_PACE).sum()), total + len(pace)
    return moved / total if total else 1.0


def _travels(steps: list[Step], frame: Frame) -> bool:
    """Whether it goes somewhere: leaves in the wind and digits of a clock stay where they are."""
    if steps[-1].second - steps[0].second < SHORTEST and frame.step <= SHORTEST:
        return False
    seen = [step for step in steps if not step.shared]
    if len(seen) < (3 if frame.step <= COARSE else 2):
        return False
    return any(_reaches(part, frame) for part in _without_leaps(seen))


def _without_leaps(steps: list[Step]) -> list[list[Step]]:
    """Stretches without a leap: a step far over its own length that neither the one before nor the one after repeats.

    At a frame a second spots that flare up here and there would otherwise be one animal that jumps about.
    """
    times = np.array([step.second for step in steps])
    paces = np.diff([step.middle for step in steps], axis=0) / np.diff(times)[:, None]
    size = length_of(steps)
    parts = [[steps[0]]]
    for place, (pace, step) in enumerate(zip(paces, steps[1:], strict=True)):
        near = [paces[other] for other in (place - 1, place + 1) if 0 <= other < len(paces)]
        short = math.dist(step.middle, steps[place].middle) <= LEAP * size
        if not short and not any(np.hypot(*(pace - other)) <= ALIKE_PACE * np.hypot(*pace) for other in near):
            parts.append([])
        parts[-1].append(step)
    return [part for part in parts if len(part) > 1]


def _reaches(seen: list[Step], frame: Frame) -> bool:
    """Whether it gets far enough; one that has only begun to come into view has to go straight for that."""
    x, y = np.array([step.middle[0] for step in seen]), np.array([step.middle[1] for step in seen])
    if _is_far(x, y, seen, frame, LEAST_STRAIGHT):
        return True
    return border_side(seen, frame, leaving=False) is not None and _is_far(*_uncut(seen, frame), seen, frame, STRAIGHT)


def _is_far(x: NDArray[np.float64], y: NDArray[np.float64], seen: list[Step], frame: Frame, straight: float) -> bool:
    if len(x) >= 5:
        x, y = np.convolve(x, np.ones(3) / 3, "valid"), np.convolve(y, np.ones(3) / 3, "valid")
    reach = math.hypot(float(np.ptp(x)), float(np.ptp(y)))
    travelled = float(np.hypot(np.diff(x), np.diff(y)).sum())
    diagonal = math.hypot(frame.width, frame.height)
    return reach >= max(TRAVELS * diagonal, TRAVELS_OWN * length_of(seen), straight * travelled)


def _uncut(steps: list[Step], frame: Frame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Its middle step by step; where a border cuts it off, the middle it has with its usual extent."""
    rooms = [frame.room(step) for step in steps]
    middles = []
    for low, high, before, after in (
        (Side.LEFT, Side.RIGHT, "left", "right"),
        (Side.TOP, Side.BOTTOM, "top", "bottom"),
    ):
        first = np.array([getattr(step, before) for step in steps])
        last = np.array([getattr(step, after) for step in steps])
        half = np.maximum(last - first, np.percentile(last - first, USUAL)) / 2
        cut_low = np.array([room[low] <= frame.margin for room in rooms])
        cut_high = np.array([room[high] <= frame.margin for room in rooms])
        middle = np.where(
            cut_low & ~cut_high, last - half, np.where(cut_high & ~cut_low, first + half, (first + last) / 2)
        )
        middles.append(middle)
    return middles[0], middles[1]


def _without_parts(paths: list[MotionPath]) -> list[MotionPath]:
    """Paths that are never far from a larger one that moves alike are pieces of it."""
    kept: list[MotionPath] = []
    for path in sorted(paths, key=lambda path: -area_of(path.steps) * len(path.steps)):
        if not any(_goes_along(path.steps, larger.steps) for larger in kept):
            kept.append(path)
    return kept


def _goes_along(part: list[Step], whole: list[Step]) -> bool:
    times = np.array([step.second for step in part])
    within = (times >= whole[0].second - 0.2) & (times <= whole[-1].second + 0.2)
    if within.mean() < 0.8:
        return False
    if area_of(part) > 0.35 * area_of(whole):
        return _touches(part, whole)
    seconds = [step.second for step in whole]
    x = np.interp(times, seconds, [step.middle[0] for step in whole])
    y = np.interp(times, seconds, [step.middle[1] for step in whole])
    off = np.hypot(x - [step.middle[0] for step in part], y - [step.middle[1] for step in part])
    return float(np.percentile(off, 80)) <= 0.8 * length_of(whole)


def _touches(part: list[Step], whole: list[Step]) -> bool:
    """Whether a path hangs on another one nearly all the time: two halves of one animal."""
    seconds = np.array([step.second for step in whole])
    near, others = 0, [whole[int(np.abs(seconds - step.second).argmin())] for step in part]
    for step, other in zip(part, others, strict=True):
        near += step.aside(other) <= 0.12 * max(other.size)
    return near >= 0.85 * len(part) and length_of(part) <= 0.7 * length_of(others)


def _returned(paths: list[MotionPath], frame: Frame) -> list[MotionPath]:
    """A path that begins at the side where another ended a while ago, and looks alike, is that one coming back."""
    out: list[MotionPath] = []
    for path in sorted(paths, key=lambda path: path.pieces[0][0].second):
        entry = path.entry or border_side(path.pieces[0], frame, leaving=False)
        back = None
        for other in out:
            last = other.pieces[-1]
            gap = path.pieces[0][0].second - last[-1].second
            same_side = entry and 0 < gap <= AWAY_SECONDS and border_side(last, frame, leaving=True) == entry
            if entry and same_side and look_alike(last, path.pieces[0], entry, frame):
                back = other
        if back is None:
            out.append(path)
        else:
            back.pieces += path.pieces
    return out
