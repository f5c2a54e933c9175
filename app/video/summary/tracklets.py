"""Motion and the detector put together: an animal is what the detector marks on several frames.

Motion proposes where to look and links what was found; by itself it adds nothing. What only moves is a tracklet that
does not count, "moving, unidentified".
"""

from __future__ import annotations

from collections.abc import Sequence

from app.video.paths.frame_borders import Frame
from app.video.paths.path import MotionPath
from app.video.paths.paths import moving_share
from app.video.reading.sampling import unsampled_stretches
from app.video.summary import standing
from app.video.summary.evidence import USABLE, Looked, Thing, needed, shown_box, sides_of, things_of, trimmed
from modal_backend.contracts import Category, Detection, FrameBox, Side, Source, Tracklet
from modal_backend.models.detectors.prepare import threshold
from modal_backend.registry import DETECTOR

SURE = threshold(DETECTOR)  # the pocket detector's, where no other is named
FEWEST_MARKS = 2
MOST_UNIDENTIFIED = 5


def tracklets_of(
    paths: Sequence[MotionPath], frame: Frame, looked: Looked, busy: float, sure: float = SURE, carried: bool = False
) -> list[Tracklet]:
    """Tracklets in the order of appearance.

    Args:
        paths: what moves, as motion alone shows it; none where the camera is carried.
        frame: the small frame of the paths.
        looked: frame number -> second and the detector's boxes.
        busy: share of the frames in which too much moves for motion to prove anything.
        sure: confidence from which the detector's boxes count.
        carried: the camera itself moves.
    """
    seconds = sorted(second for second, _ in looked.values())
    moving, used = things_of(paths, frame, looked)
    sure_things = [thing for thing in moving if _counts(thing, frame, busy, sure)]
    moving, still = standing.join(moving, standing.link(looked, used, sure_things, sure), seconds)
    counted = [thing for thing in moving if _counts(trimmed(thing, frame, sure), frame, busy, sure)]
    weak = [thing for thing in moving if not any(thing is other for other in counted)]
    counted, freed = standing.join(counted, standing.link(_held(weak, sure), set(), counted, sure), seconds)
    found = _few([_moving(trimmed(thing, frame, sure), frame, busy, sure, seconds) for thing in counted + weak])
    found += [_still(thing, looked, True) for thing in freed if standing.stands_proved(thing, looked, carried, sure)]
    for thing in still:
        proved = standing.stands_proved(thing, looked, carried, sure)
        if proved or len(thing.marks) >= FEWEST_MARKS or len(looked) <= FEWEST_MARKS:
            found.append(_still(thing, looked, proved))
    return sorted(found, key=lambda tracklet: (tracklet.first_second, tracklet.last_second))


def _few(tracklets: list[Tracklet]) -> list[Tracklet]:
    """Those that count, and of what only moves the few seen longest: rain, snow and plants are hundreds of things."""
    counted = [tracklet for tracklet in tracklets if tracklet.counted]
    others = sorted((one for one in tracklets if not one.counted), key=lambda one: (-one.confidence, -len(one.boxes)))
    return counted + others[:MOST_UNIDENTIFIED]


def _held(weak: Sequence[Thing], sure: float) -> dict[int, tuple[float, list[Detection]]]:
    """The sure boxes, by frame, of things that do not count: ground an animal uncovered moves, and holds later ones."""
    held: dict[int, tuple[float, list[Detection]]] = {}
    for mark in (mark for thing in weak for mark in thing.marks):
        if mark.found and mark.confidence >= sure:
            held.setdefault(mark.index, (mark.second, []))[1].append(mark.found)
    return held


def _counts(thing: Thing, frame: Frame, busy: float, sure: float) -> bool:
    enough = sum(mark.confidence >= USABLE for mark in thing.marks) >= min(FEWEST_MARKS, len(thing.marks))
    return enough and bool(thing.marks) and thing.support >= needed(thing, frame, busy, sure)


def _moving(thing: Thing, frame: Frame, busy: float, sure: float, seconds: Sequence[float]) -> Tracklet:
    assert thing.path is not None
    support = thing.support
    counted = _counts(thing, frame, busy, sure)
    entry, leaves = _seen_sides(thing, frame, seconds)
    best = max((mark.confidence for mark in thing.marks), default=0.0)
    if not counted:
        note = f"the detector does not take it for an animal (best confidence {best:.2f})"
    else:
        note = "" if support >= sure else f"is seen badly (best confidence {best:.2f}); that it moves speaks for it"
    return Tracklet(
        category=thing.category if counted else Category.ANIMAL,
        confidence=round(support, 3),
        source=Source.BOTH if counted else Source.MOTION,
        spans=tuple(thing.spans),
        boxes=tuple(
            FrameBox(mark.index, mark.second, shown_box(mark, sure), mark.confidence if mark.found else None)
            for mark in thing.marks
        ),
        entry=Side(entry) if entry else None,
        exit=Side(leaves) if leaves else None,
        moving=round(moving_share(thing.path, frame), 2),
        counted=counted,
        note=note,
    )


def _seen_sides(thing: Thing, frame: Frame, seconds: Sequence[float]) -> tuple[str | None, str | None]:
    """The borders it was seen to cross: its path begins or ends there, and the frames looked at around that are near.

    Args:
        seconds: of the frames looked at, in order.
    """
    assert thing.path is not None
    entry, leaves = sides_of(thing.path, frame)
    begins, ends = thing.spans[0][0], thing.spans[-1][1]
    cut = begins > thing.path.spans[0][0] + frame.step, ends < thing.path.spans[-1][1] - frame.step
    pauses = unsampled_stretches(list(seconds), frame.last)
    unseen = [any(first < second < last for first, last in pauses) for second in (begins, ends)]
    return (None if cut[0] or unseen[0] else entry, None if cut[1] or unseen[1] else leaves)


def _still(thing: Thing, looked: Looked, proved: bool) -> Tracklet:
    first, last = thing.spans[0]
    between = sum(first <= second <= last for second, _ in looked.values())
    return Tracklet(
        category=thing.category,
        confidence=round(thing.support, 3),
        source=Source.DETECTOR,
        spans=tuple(thing.spans),
        boxes=tuple(FrameBox(mark.index, mark.second, mark.box, mark.confidence) for mark in thing.marks),
        entry=None,
        exit=None,
        moving=0.0,
        counted=proved,
        note=f"is marked by the detector on {len(thing.marks)} of {between} frames, but nothing moves there",
    )
