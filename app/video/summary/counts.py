"""How many: the most seen at once (MaxN), with its moment, and how many different ones there may be, as a range."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modal_backend.contracts import Category, FrameBox, Tracklet
from modal_backend.models.video.summary import Count, numbers_at_once

POSSIBLE = 0.05  # support from which what moves and does not count may be an animal
FEWEST_MARKS = 2


def count_of(tracklets: Iterable[Tracklet], categories: Iterable[Category]) -> Count:
    """Count the tracklets of these categories.

    The most at once is an animal a box on one frame, of tracklets that count. Whoever leaves and comes back, or is
    followed by another, may be one animal or two. The lowest number of different ones is what two frames show at once,
    the highest a new one each time in view, and what the detector marks too weakly or too seldom to count.
    """
    wanted = set(categories)
    mine = [tracklet for tracklet in tracklets if tracklet.category in wanted]
    counted = [tracklet for tracklet in mine if tracklet.counted]
    frames: dict[int, list[FrameBox]] = {}
    for tracklet in counted:
        for box in tracklet.boxes:
            frames.setdefault(box.index, []).append(box)
    possible = sum(_is_possible(tracklet) for tracklet in mine)
    if not frames:
        return Count(high=len(counted) + possible)
    shown = [sorted(boxes, key=lambda box: -(box.confidence or 0.0)) for boxes in frames.values()]
    numbers = numbers_at_once([[box.box for box in boxes] for boxes in shown])
    at_once = max(numbers)
    best = max((boxes for boxes, number in zip(shown, numbers, strict=True) if number == at_once), key=_sureness)
    low = sorted(numbers)[-2] if len(numbers) > 1 else at_once
    high = max(sum(len(tracklet.spans) for tracklet in counted), at_once) + possible
    return Count(at_once, best[0].index, best[0].second, low, high)


def _is_possible(tracklet: Tracklet) -> bool:
    """Whether what does not count may be an animal all the same: the detector marks it on several frames."""
    if tracklet.counted or tracklet.confidence < POSSIBLE:
        return False
    return sum(box.confidence is not None for box in tracklet.boxes) >= FEWEST_MARKS


def _sureness(boxes: Sequence[FrameBox]) -> float:
    return sum(box.confidence or 0.0 for box in boxes)
