"""What the detector marks and motion does not show: linked by place, joined to what moved there."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace

from app.video.motion.camera import Shift
from app.video.paths.frame_borders import Frame
from app.video.summary.evidence import FAINTER, STEADY, UNMARKED, USABLE, Looked, Mark, Thing, sides_of
from app.video.summary.pooling import Watch
from modal_backend.contracts import Box
from modal_backend.models.detectors.overlap import apart, area_of, covered, middle_of, overlap, shifted

LINKS_FROM = 0.1  # overlap of boxes on frames looked at after each other
LINKS_WITHIN = 0.6  # sizes between their middles
ONE_PLACE = 0.5  # overlap of boxes of what stands
MOSTLY = 0.6  # of the looks
ENDS = 2  # looks at the beginning, and at the end
FEWEST_LOOKS = 6
NOT_NEAR = (-1.0, 0.0)
LINK_SECONDS = 4.0
JOINS_SECONDS = 3.0
LONGEST_PAUSE = 12.0  # between two looks after each other, which long videos have
WEAK = 0.33  # of the usual confidence: boxes that are linked, so that several weak ones may count together


def _follows(before: float, after: float, seconds: Sequence[float], most: float) -> bool:
    """Whether so little lies between two seconds, or no look (seconds of all, in order), that both may be one time."""
    gap = after - before
    return 0 < gap <= most or (
        0 < gap <= LONGEST_PAUSE and bisect_right(seconds, before) == bisect_left(seconds, after)
    )


def scenery_in(looked: Looked) -> set[tuple[int, int]]:
    """The boxes, as (frame number, place in its list), at places that are marked from the first look to the last.

    That is on one of the first and one of the last looks, and on most in between.
    """
    looks = sorted(looked)
    if len(looks) < FEWEST_LOOKS:
        return set()
    found: set[tuple[int, int]] = set()
    for index in looks[:ENDS]:
        for detection in looked[index][1]:
            there = _at(detection.box, looked)
            marked = {look for look, _ in there}
            if len(marked) >= MOSTLY * len(looks) and marked.intersection(looks[-ENDS:]):
                found |= there
    return found


def _at(box: Box, looked: Looked) -> set[tuple[int, int]]:
    """The boxes at the same place."""
    return {
        (index, place)
        for index, (_, found) in looked.items()
        for place, detection in enumerate(found)
        if detection.confidence >= USABLE and overlap(box, detection.box) >= ONE_PLACE
    }


def link(
    looked: Looked, used: set[tuple[int, int]], moving: Sequence[Thing], sure: float, camera: Shift | None = None
) -> list[Thing]:
    """The detector's boxes that no moving thing explains, linked from frame to frame by place.

    Args:
        looked: frame number -> second and the detector's boxes.
        used: the boxes that are explained: (frame number, place in its list).
        moving: what moves.
        sure: confidence from which the detector's boxes count.
        camera: before one that moves, a box may be followed by one at the same place in what is filmed, too.
    """
    things: list[Thing] = []
    seconds = sorted(second for second, _ in looked.values())
    for index, (second, found) in sorted(looked.items()):
        here = [mark for thing in moving for mark in thing.marks if mark.index == index]
        free = [
            detection
            for place, detection in enumerate(found)
            if (index, place) not in used
            and detection.confidence >= WEAK * sure
            and not any(_explains(mark, detection.box) for mark in here)
        ]
        for detection in free:
            mark = Mark(index, second, detection.box, detection)
            near = {place: _nearness(thing, mark, seconds, camera) for place, thing in enumerate(things)}
            place = max(near, key=lambda place: near[place], default=None)
            best = things[place] if place is not None and near[place] > NOT_NEAR else None
            if best is None:
                things.append(Thing([mark], [(second, second)]))
            else:
                best.marks.append(mark)
                best.spans = [(best.spans[0][0], second)]
    return things


def _explains(mark: Mark, box: Box) -> bool:
    shown = mark.found.box if mark.found else mark.box
    return covered(shown, box) >= 0.5 and area_of(shown) >= 0.15 * area_of(box)


def _nearness(thing: Thing, mark: Mark, seconds: Sequence[float], camera: Shift | None) -> tuple[float, float]:
    """How near a mark lies to where the thing may be by then, larger is nearer; NOT_NEAR where it cannot be of it."""
    last = thing.marks[-1]
    if last.index >= mark.index or not _follows(last.second, mark.second, seconds, LINK_SECONDS):
        return NOT_NEAR
    expected = [last.box]
    if camera is not None:
        expected += [shifted(last.box, camera(last.second, mark.second)), ahead(thing.marks, mark.second)]
    shared, away = max(overlap(box, mark.box) for box in expected), min(apart(box, mark.box) for box in expected)
    return (shared, -away) if shared >= LINKS_FROM or away <= LINKS_WITHIN else NOT_NEAR


def join(moving: list[Thing], standing: list[Thing], watch: Watch) -> tuple[list[Thing], list[Thing]]:
    """Join what stands to what moved to its place before, or moves on from it after; both lists anew."""
    left = []
    for thing in standing:
        mate = next(
            (
                other
                for other in moving
                if _continues(thing, other, watch.seconds) or _fills(thing, other, watch.seconds)
            ),
            None,
        )
        if mate is None:
            left.append(thing)
            continue
        there = {mark.index for mark in thing.marks}
        own = [mark for mark in mate.marks if mark.index not in there]
        mate.marks = sorted([*own, *thing.marks], key=lambda mark: mark.index)
        mate.spans = _merged([*mate.spans, *thing.spans])
    return _joined_over(moving, watch.frame), left


def _continues(standing: Thing, moving: Thing, seconds: Sequence[float]) -> bool:
    """Whether one goes on where the other, marked as clearly, ends at its pace."""
    there = {mark.index for mark in standing.marks}
    known = moving.known if any(mark.index in there for mark in moving.marks) else moving.marks
    for before, after in ((known, standing.marks), (standing.marks, known)):
        if not before or not after or not _follows(before[-1].second, after[0].second, seconds, JOINS_SECONDS):
            continue
        places = (before[-1].box, ahead(before, after[0].second), ahead(after[::-1], before[-1].second))
        if any(
            apart(place, mark.box) <= 0.6 for place, mark in zip(places, (after[0], after[0], before[-1]), strict=True)
        ):
            return True
    return False


def _fills(standing: Thing, moving: Thing, seconds: Sequence[float]) -> bool:
    """Whether one is marked, where the other was just before, on looks at which nothing of that other is."""
    first, last = standing.marks[0], standing.marks[-1]
    before = [mark for mark in moving.marks if mark.index < first.index and mark.confidence >= moving.usable]
    between = [mark for mark in moving.marks if first.index <= mark.index <= last.index]
    if not before or not between or any(mark.found for mark in between):
        return False
    end = before[-1]
    return (
        end.found is not None
        and _follows(end.second, first.second, seconds, JOINS_SECONDS)
        and apart(end.found.box, first.box) <= LINKS_WITHIN
    )


def ahead(marks: Sequence[Mark], second: float) -> Box:
    """Where the last of these marks lies at a second, at the pace from the one before it."""
    *others, end = marks
    if not others:
        return end.box
    share = (second - end.second) / (end.second - others[-1].second)
    (x, y), (was_x, was_y) = middle_of(end.box), middle_of(others[-1].box)
    return replace(end.box, x=end.box.x + share * (x - was_x), y=end.box.y + share * (y - was_y))


def _joined_over(things: list[Thing], frame: Frame) -> list[Thing]:
    """Things in the order of appearance; two that end and begin at one place at once, both marked, are one."""
    out: list[Thing] = []
    for thing in sorted(things, key=lambda thing: thing.spans[0][0]):
        mate = next((other for other in out if _goes_on(other, thing, frame)), None)
        if mate is None:
            out.append(thing)
        else:
            mate.marks = sorted([*mate.marks, *thing.marks], key=lambda mark: mark.index)
            mate.spans = _merged([*mate.spans, *thing.spans])
            if mate.path and thing.path:
                mate.path.pieces += thing.path.pieces
    return out


def _goes_on(before: Thing, after: Thing, frame: Frame) -> bool:
    """Whether the second begins where and when the first ends, marked as the same and not much more faintly."""
    faint, clear = sorted((before.support, after.support))
    if not (before.marked and after.marked) or before.category != after.category or faint < FAINTER * clear:
        return False
    if _parted(before, after):
        return False
    end, begin = before.marks[-1], after.marks[0]
    gap = after.spans[0][0] - before.spans[-1][1]
    return (
        -0.3 <= gap <= 1.0
        and begin.index >= end.index
        and apart(end.box, begin.box) <= 0.4
        and not _met_at_border(before, after, frame)
    )


def _parted(before: Thing, after: Thing) -> bool:
    """Whether nobody is marked for several looks in between, else on nearly all: somebody left, another came."""
    steady = all(len(thing.marked) >= STEADY * len(thing.known) for thing in (before, after))
    tail = sum(mark.index > before.known[-1].index for mark in before.marks) if before.known else 0
    head = sum(mark.index < after.known[0].index for mark in after.marks) if after.known else 0
    return steady and tail + head >= UNMARKED


def _met_at_border(before: Thing, after: Thing, frame: Frame) -> bool:
    """Whether the second came in where the first went out: their paths are apart since they do not look alike."""
    if before.path is None or after.path is None:
        return False
    side = sides_of(before.path, frame)[1]
    return side is not None and side == sides_of(after.path, frame)[0]


def _merged(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Times in view, those less than JOINS_SECONDS apart as one."""
    out: list[tuple[float, float]] = []
    for first, last in sorted(spans):
        if out and first - out[-1][1] <= JOINS_SECONDS:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return out
