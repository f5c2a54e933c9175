"""How many: the most seen at once (MaxN), with its moment, and how many different ones there may be, as a range."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modal_backend.contracts import Category, FrameBox, Tracklet
from modal_backend.models.detectors.overlap import different
from modal_backend.models.video.summary import ONE_PLACE, Count


def count_of(tracklets: Sequence[Tracklet], categories: Iterable[Category]) -> Count:
    """Count the tracklets that count and are of these categories.

    The most at once is an animal a box on one frame. Whoever leaves and comes back, or is followed by another, may be
    one animal or two: the lowest number of different ones is the most seen at once, the highest a new one each time.
    """
    wanted = set(categories)
    mine = [tracklet for tracklet in tracklets if tracklet.counted and tracklet.category in wanted]
    frames: dict[int, list[FrameBox]] = {}
    for tracklet in mine:
        for box in tracklet.boxes:
            frames.setdefault(box.index, []).append(box)
    best = max(frames.values(), key=lambda boxes: (_apart(boxes), _sureness(boxes)), default=[])
    at_once = _apart(best)
    high = max(sum(len(tracklet.spans) for tracklet in mine), at_once)
    return Count(at_once, best[0].index if best else None, best[0].second if best else None, at_once, high)


def _apart(boxes: Sequence[FrameBox]) -> int:
    """How many of the boxes of a frame show different animals."""
    surest_first = sorted(boxes, key=lambda box: -(box.confidence or 0.0))
    return len(different((box.box for box in surest_first), ONE_PLACE))


def _sureness(boxes: Sequence[FrameBox]) -> float:
    return sum(box.confidence or 0.0 for box in boxes)
