"""Motion and the detector put together: tracklets, each with what it rests on and what speaks against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.video.paths.frame_borders import Frame, side_of
from app.video.paths.path import Way
from app.video.paths.paths import moving_share
from modal_backend.contracts import Box, Category, Detection, FrameBox, Source, Tracklet

SURE = 0.25  # the pocket detector's own threshold
USABLE = 0.05
STILL_SURE = 0.7  # mean confidence from which something that never moves counts
STILL_FRAMES = 3
MOTION_TRUST = 0.7
UNSTEADY = 0.5  # share of restless frames from which motion alone proves nothing
SAME_PLACE = 0.3
FLEETING_SECONDS = 2.5

Looked = Mapping[int, tuple[float, Sequence[Detection]]]


@dataclass(slots=True)
class _Marked:
    """Boxes of the detector that follow each other in place, where nothing moves."""

    boxes: list[tuple[int, float, Detection]]

    @property
    def mean(self) -> float:
        """Mean confidence."""
        return float(np.mean([one.confidence for _, _, one in self.boxes]))


def tracklets_of(ways: Sequence[Way], frame: Frame, looked: Looked, busy: float) -> list[Tracklet]:
    """Tracklets in the order of appearance. looked: frame number -> second and the detector's boxes.

    busy: share of the frames in which too much moves for motion to prove anything.
    """
    used: set[tuple[int, int]] = set()
    found = [_of_way(way, frame, looked, busy, used) for way in ways]
    still = [_of_marks(marked, looked) for marked in _marks(looked, used, ways, frame)]
    found += [one for one in still if one is not None]
    return sorted(found, key=lambda one: (one.first_second, one.last_second))


def _of_way(way: Way, frame: Frame, looked: Looked, busy: float, used: set[tuple[int, int]]) -> Tracklet:
    boxes, categories = [], Counter[Category]()
    for index, (second, found) in looked.items():
        box = way.box_at(second, frame)
        if box is None:
            continue
        best = _best_match(box, found, index, used)
        if best is None:
            boxes.append(FrameBox(index, second, box, None))
            continue
        used.add((index, best))
        detection = found[best]
        categories[detection.category] += 1
        use = detection.box if detection.confidence >= SURE and overlap(box, detection.box) >= SAME_PLACE else box
        boxes.append(FrameBox(index, second, use, detection.confidence))
    sure = sorted((box.confidence or 0.0 for box in boxes), reverse=True)[:2]
    support = float(np.mean(sure)) if sure else 0.0
    seen = support >= SURE
    entry = way.entry or side_of(way.pieces[0], frame, leaving=False)
    leaves = way.exit or side_of(way.pieces[-1], frame, leaving=True)
    fleeting = entry is None and leaves is None and _is_fleeting(way, frame)
    doubt = f"the detector is not sure of it (best confidence {sure[0] if sure else 0:.2f})"
    return Tracklet(
        category=categories.most_common(1)[0][0] if seen and categories else Category.ANIMAL,
        confidence=round(1 - (1 - support) * (1 - MOTION_TRUST), 3) if seen else MOTION_TRUST,
        source=Source.BOTH if seen else Source.MOTION,
        spans=way.spans,
        boxes=tuple(sorted(boxes, key=lambda one: one.index)),
        entry=entry,
        exit=leaves,
        moving=round(moving_share(way, frame), 2),
        counted=seen or (busy < UNSTEADY and not fleeting),
        note="" if seen else f"{'stirs for a moment' if fleeting else 'moves'}, but {doubt}",
    )


def _is_fleeting(way: Way, frame: Frame) -> bool:
    """Whether it is there for a moment only, in the middle of a longer clip: a leaf or a flare does that."""
    (first, _), (_, last) = way.spans[0], way.spans[-1]
    return last - first < FLEETING_SECONDS and last - first < 0.5 * (frame.last - frame.first)


def _best_match(box: Box, found: Sequence[Detection], index: int, used: set[tuple[int, int]]) -> int | None:
    """The detection that shows the same thing as a box of motion: the surest of those that share its place."""
    fitting = [
        place
        for place, one in enumerate(found)
        if (index, place) not in used and one.confidence >= USABLE and _same_thing(box, one.box)
    ]
    return max(
        fitting, key=lambda place: found[place].confidence * (0.2 + overlap(box, found[place].box)), default=None
    )


def _same_thing(moving: Box, marked: Box) -> bool:
    shared = _shared(moving, marked)
    small, large = sorted((moving.width * moving.height, marked.width * marked.height))
    return shared > 0 and (overlap(moving, marked) >= 0.15 or (shared >= 0.6 * small and large <= 6 * small))


def _marks(looked: Looked, used: set[tuple[int, int]], ways: Sequence[Way], frame: Frame) -> list[_Marked]:
    """The detector's boxes that no way explains, linked from frame to frame by place."""
    marks: list[_Marked] = []
    for index, (second, found) in sorted(looked.items()):
        moving = [box for way in ways if (box := way.box_at(second, frame)) is not None]
        for place, one in enumerate(found):
            explained = (index, place) in used or any(_shared(one.box, box) >= 0.3 * _area(one.box) for box in moving)
            if one.confidence < SURE or explained:
                continue
            last = [(overlap(mark.boxes[-1][2].box, one.box), mark) for mark in marks if mark.boxes[-1][0] < index]
            best = max(last, key=lambda pair: pair[0], default=(0.0, None))
            if best[1] is not None and best[0] >= SAME_PLACE:
                best[1].boxes.append((index, second, one))
            else:
                marks.append(_Marked([(index, second, one)]))
    return marks


def _of_marks(marked: _Marked, looked: Looked) -> Tracklet | None:
    """A tracklet of what the detector marks and nothing moves; None for what it marked only once in several looks."""
    count, first, last = len(marked.boxes), marked.boxes[0], marked.boxes[-1]
    between = sum(1 for second, _ in looked.values() if first[1] <= second <= last[1])
    few = len(looked) < STILL_FRAMES
    if count < 2 and not few:
        return None
    counted = marked.mean >= STILL_SURE and (few or (count >= STILL_FRAMES and count >= 0.6 * between))
    return Tracklet(
        category=Counter(one.category for _, _, one in marked.boxes).most_common(1)[0][0],
        confidence=round(marked.mean, 3),
        source=Source.DETECTOR,
        spans=((first[1], last[1]),),
        boxes=tuple(FrameBox(index, second, one.box, one.confidence) for index, second, one in marked.boxes),
        entry=None,
        exit=None,
        moving=0.0,
        counted=counted,
        note=f"marked by the detector on {count} of {between} frames, but it never moves",
    )


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    shared = _shared(one, other)
    return shared / (_area(one) + _area(other) - shared) if shared else 0.0


def _area(box: Box) -> float:
    return box.width * box.height


def _shared(one: Box, other: Box) -> float:
    wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return wide * high if wide > 0 and high > 0 else 0.0
