"""Motion and the detector put together: tracklets, each with what it rests on and what speaks against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.video.paths.frame_borders import Frame, border_side
from app.video.paths.path import MotionPath
from app.video.paths.paths import moving_share
from modal_backend.contracts import Box, Category, Detection, FrameBox, Source, Tracklet

SURE = 0.25  # the pocket detector's own threshold, where no other is named
USABLE = 0.05
STILL_SURE = 0.7  # mean confidence from which something that never moves counts
STILL_FRAMES = 3
MOTION_TRUST = 0.7
UNSTEADY = 0.5  # share of restless frames from which motion alone proves nothing
SAME_PLACE = 0.3
FLEETING_SECONDS = 2.5

Looked = Mapping[int, tuple[float, Sequence[Detection]]]


@dataclass(slots=True)
class _LinkedDetections:
    """Boxes of the detector that follow each other in place, where nothing moves."""

    boxes: list[tuple[int, float, Detection]]

    @property
    def mean(self) -> float:
        """Mean confidence."""
        return float(np.mean([detection.confidence for _, _, detection in self.boxes]))


def tracklets_of(
    paths: Sequence[MotionPath], frame: Frame, looked: Looked, busy: float, sure: float = SURE
) -> list[Tracklet]:
    """Tracklets in the order of appearance.

    Args:
        paths: what moves, as motion alone shows it.
        frame: the small frame of the paths.
        looked: frame number -> second and the detector's boxes.
        busy: share of the frames in which too much moves for motion to prove anything.
        sure: confidence from which the detector's boxes count.
    """
    used: set[tuple[int, int]] = set()
    found = [_tracklet_of_path(path, frame, looked, busy, used, sure) for path in paths]
    still = [_tracklet_of_detections(linked, looked) for linked in _link_detections(looked, used, paths, frame, sure)]
    found += [tracklet for tracklet in still if tracklet is not None]
    return sorted(found, key=lambda tracklet: (tracklet.first_second, tracklet.last_second))


def _tracklet_of_path(
    path: MotionPath, frame: Frame, looked: Looked, busy: float, used: set[tuple[int, int]], sure: float
) -> Tracklet:
    boxes, categories = [], Counter[Category]()
    for index, (second, found) in looked.items():
        box = path.box_at(second, frame)
        if box is None:
            continue
        best = _best_match(box, found, index, used)
        if best is None:
            boxes.append(FrameBox(index, second, box, None))
            continue
        used.add((index, best))
        detection = found[best]
        categories[detection.category] += 1
        use = detection.box if detection.confidence >= sure and overlap(box, detection.box) >= SAME_PLACE else box
        boxes.append(FrameBox(index, second, use, detection.confidence))
    best_two = sorted((box.confidence or 0.0 for box in boxes), reverse=True)[:2]
    support = float(np.mean(best_two)) if best_two else 0.0
    seen = support >= sure
    entry = path.entry or border_side(path.pieces[0], frame, leaving=False)
    leaves = path.exit or border_side(path.pieces[-1], frame, leaving=True)
    fleeting = entry is None and leaves is None and _is_fleeting(path, frame)
    doubt = f"the detector is not sure of it (best confidence {best_two[0] if best_two else 0:.2f})"
    return Tracklet(
        category=categories.most_common(1)[0][0] if seen and categories else Category.ANIMAL,
        confidence=round(1 - (1 - support) * (1 - MOTION_TRUST), 3) if seen else MOTION_TRUST,
        source=Source.BOTH if seen else Source.MOTION,
        spans=path.spans,
        boxes=tuple(sorted(boxes, key=lambda box: box.index)),
        entry=entry,
        exit=leaves,
        moving=round(moving_share(path, frame), 2),
        counted=seen or (busy < UNSTEADY and not fleeting),
        note="" if seen else f"{'stirs for a moment' if fleeting else 'moves'}, but {doubt}",
    )


def _is_fleeting(path: MotionPath, frame: Frame) -> bool:
    """Whether it is there for a moment only, in the middle of a longer video: a leaf or a flare does that."""
    (first, _), (_, last) = path.spans[0], path.spans[-1]
    return last - first < FLEETING_SECONDS and last - first < 0.5 * (frame.last - frame.first)


def _best_match(box: Box, found: Sequence[Detection], index: int, used: set[tuple[int, int]]) -> int | None:
    """The detection that shows the same thing as a box of motion: the surest of those that share its place."""
    fitting = [
        place
        for place, detection in enumerate(found)
        if (index, place) not in used and detection.confidence >= USABLE and _same_thing(box, detection.box)
    ]
    return max(
        fitting, key=lambda place: found[place].confidence * (0.2 + overlap(box, found[place].box)), default=None
    )


def _same_thing(moving: Box, linked: Box) -> bool:
    shared = _shared(moving, linked)
    small, large = sorted((moving.width * moving.height, linked.width * linked.height))
    return shared > 0 and (overlap(moving, linked) >= 0.15 or (shared >= 0.6 * small and large <= 6 * small))


def _link_detections(
    looked: Looked, used: set[tuple[int, int]], paths: Sequence[MotionPath], frame: Frame, sure: float
) -> list[_LinkedDetections]:
    """The detector's boxes that no path explains, linked from frame to frame by place."""
    links: list[_LinkedDetections] = []
    for index, (second, found) in sorted(looked.items()):
        moving = [box for path in paths if (box := path.box_at(second, frame)) is not None]
        for place, detection in enumerate(found):
            explained = (index, place) in used or any(
                _shared(detection.box, box) >= 0.3 * _area(detection.box) for box in moving
            )
            if detection.confidence < sure or explained:
                continue
            last = [
                (overlap(link.boxes[-1][2].box, detection.box), link) for link in links if link.boxes[-1][0] < index
            ]
            best = max(last, key=lambda pair: pair[0], default=(0.0, None))
            if best[1] is not None and best[0] >= SAME_PLACE:
                best[1].boxes.append((index, second, detection))
            else:
                links.append(_LinkedDetections([(index, second, detection)]))
    return links


def _tracklet_of_detections(linked: _LinkedDetections, looked: Looked) -> Tracklet | None:
    """A tracklet of what the detector marks and nothing moves; None for what it marked only once in several looks."""
    count, first, last = len(linked.boxes), linked.boxes[0], linked.boxes[-1]
    between = sum(1 for second, _ in looked.values() if first[1] <= second <= last[1])
    few = len(looked) < STILL_FRAMES
    if count < 2 and not few:
        return None
    counted = linked.mean >= STILL_SURE and (few or (count >= STILL_FRAMES and count >= 0.6 * between))
    return Tracklet(
        category=Counter(detection.category for _, _, detection in linked.boxes).most_common(1)[0][0],
        confidence=round(linked.mean, 3),
        source=Source.DETECTOR,
        spans=((first[1], last[1]),),
        boxes=tuple(
            FrameBox(index, second, detection.box, detection.confidence) for index, second, detection in linked.boxes
        ),
        entry=None,
        exit=None,
        moving=0.0,
        counted=counted,
        note=f"marked by the detector on {count} of {between} frames, but it never moves",
    )


def overlap(box: Box, other: Box) -> float:
    """Intersection over union."""
    shared = _shared(box, other)
    return shared / (_area(box) + _area(other) - shared) if shared else 0.0


def _area(box: Box) -> float:
    return box.width * box.height


def _shared(box: Box, other: Box) -> float:
    wide = min(box.x + box.width, other.x + other.width) - max(box.x, other.x)
    high = min(box.y + box.height, other.y + other.height) - max(box.y, other.y)
    return wide * high if wide > 0 and high > 0 else 0.0
