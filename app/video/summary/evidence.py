"""What the detector marks of the things that move: its boxes given to paths, and how much they prove."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from app.video.paths.frame_borders import Frame, border_side
from app.video.paths.path import MotionPath
from app.video.paths.steady import is_steady
from modal_backend.contracts import Box, Category, Detection, Side
from modal_backend.models.detectors.overlap import area_of, covered, middle_of, overlap, shared_area

USABLE = 0.03  # confidence from which a box of the detector speaks for what moves there
FAINT = 0.02  # the same of what moves steadily on
BEST_SHARE = 0.34  # of the looks at a thing: the best of them speak for it
UNMARKED = 3  # looks in a row
BLURRED = 2  # looks
FAINTER = 0.1  # of what is usual for the thing: a mark as faint as that is not of it
STRAY = 0.15  # of the confidence in sum: less, at an end and after a pause of UNMARKED looks, is of something else
CUT_OFF = 0.85  # of its usual extent
FIRM = 0.5  # of what is usual for the thing: a mark as sure as that is no stray
PAUSE = 1.0  # seconds in which nothing moves on a path
STEADY = 0.7  # share of the looks between first and last mark that are marked
PART_SHARE = 0.6  # of its looks on which a path lies within what is marked elsewhere

Looked = Mapping[int, tuple[float, Sequence[Detection]]]


@dataclass(frozen=True, slots=True)
class Doubted(Detection):
    """A box that only an enlarged part shows. believed: the confidence that something lives there at all, 0 to 1.

    Where something lives there, its confidence says how surely this box shows it.
    """

    believed: float


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a thing is on a frame looked at; found: the detector's box there, None where only motion shows it."""

    index: int
    second: float
    box: Box
    found: Detection | None

    @property
    def confidence(self) -> float:
        """The detector's, 0 where it marks nothing."""
        return self.found.confidence if self.found else 0.0

    @property
    def believed(self) -> float:
        """The confidence that something lives there; less where only an enlarged part of the frame shows it."""
        return self.found.believed if isinstance(self.found, Doubted) else self.confidence


@dataclass(slots=True)
class Thing:
    """Something that moves, or that the detector marks.

    Attributes:
        marks: one a frame looked at while it is in view, in order.
        spans: first and last second of each time in view.
        path: None for what the detector marks and motion does not show.
        least: confidence from which a box of the detector speaks for it.
    """

    marks: list[Mark]
    spans: list[tuple[float, float]]
    path: MotionPath | None = None
    least: float = USABLE

    @property
    def category(self) -> Category:
        """What the detector takes it for: the category with the most confidence in sum."""
        sums = dict.fromkeys(Category, 0.0)
        for mark in self.marks:
            if mark.found:
                sums[mark.found.category] += mark.found.confidence
        return max(sums, key=lambda category: sums[category])

    @property
    def marked(self) -> list[Mark]:
        """Those of its marks that the detector gave."""
        return [mark for mark in self.marks if mark.found]

    @property
    def usable(self) -> float:
        """The confidence from which a mark is of this thing, and not of what it met."""
        return max(self.least, FAINTER * self.support)

    @property
    def known(self) -> list[Mark]:
        """Its marks from the first that the detector gave to the last: before and after it may be something else."""
        first, last = self.known_places or (0, -1)
        return self.marks[first : last + 1]

    @property
    def known_places(self) -> tuple[int, int] | None:
        """The places of the first and the last mark of `known`, without strays: weak ones, looks away from the rest."""
        runs: list[list[int]] = []
        for place in (place for place, mark in enumerate(self.marks) if mark.confidence >= self.usable):
            if runs and place - runs[-1][-1] <= UNMARKED:
                runs[-1].append(place)
            else:
                runs.append([place])
        while len(runs) > 1:
            worth = [sum(self.marks[place].confidence for place in run) for run in runs]
            end = 0 if worth[0] <= worth[-1] else -1
            best = max(self.marks[place].confidence for place in runs[end])
            if worth[end] > STRAY * sum(worth) or best >= FIRM * self.support:
                break
            del runs[end]
        return (runs[0][0], runs[-1][-1]) if runs else None

    @property
    def support(self) -> float:
        """Mean confidence of the best third of the looks at it, at least two of them."""
        return mean_of_best([mark.confidence for mark in self.marks])


def mean_of_best(values: Sequence[float]) -> float:
    """Mean of the best third of the looks at a thing, at least two of them."""
    best = sorted(values, reverse=True)
    return float(np.mean(best[: max(2, math.ceil(BEST_SHARE * len(best)))])) if best else 0.0


def things_of(
    paths: Sequence[MotionPath], frame: Frame, looked: Looked, scenery: set[tuple[int, int]]
) -> tuple[list[Thing], set[tuple[int, int]]]:
    """What moves, with the detector's boxes that show it.

    Args:
        scenery: boxes, as (frame number, place in its list), of what stands there all the time.

    Returns the things, and which boxes were given to them, in the same way.
    """
    things = [Thing([], list(path.spans), path, FAINT if is_steady(path, frame) else USABLE) for path in paths]
    used: set[tuple[int, int]] = set()
    for index, (second, found) in sorted(looked.items()):
        here = [(thing, box) for thing in things if thing.path and (box := thing.path.box_at(second, frame))]
        stands = [(index, place) in scenery for place in range(len(found))]
        given = _given(here, found, stands, frame)
        for place, (thing, box) in enumerate(here):
            detection = found[given[place]] if place in given else None
            thing.marks.append(Mark(index, second, box, detection))
            if place in given:
                used.add((index, given[place]))
    return _without_parts(things), used


def _given(
    here: Sequence[tuple[Thing, Box]], found: Sequence[Detection], stands: Sequence[bool], frame: Frame
) -> dict[int, int]:
    """Which of the detector's boxes shows which moving thing: each once, so that they fit best together.

    Args:
        here: what moves, and where.
        stands: which of the boxes show what stands there all the time.
    """
    if not here or not found:
        return {}
    from scipy.optimize import linear_sum_assignment  # it takes half a second to start

    worth = np.array([[_fit(box, detection, thing.least) for detection in found] for thing, box in here])
    for row, column in zip(*np.nonzero(worth), strict=True):
        path = here[row][0].path
        if stands[column] and path and _passes(path, found[column].box, frame):
            worth[row, column] = 0.0
    rows, columns = linear_sum_assignment(-worth)
    return {int(row): int(column) for row, column in zip(rows, columns, strict=True) if worth[row, column] > 0}


def _passes(path: MotionPath, box: Box, frame: Frame) -> bool:
    """Whether a path is ever wholly outside a box: what stands there and only stirs stays within."""
    left, right = box.x * frame.width, (box.x + box.width) * frame.width
    top, bottom = box.y * frame.height, (box.y + box.height) * frame.height
    return any(step.right < left or step.left > right or step.bottom < top or step.top > bottom for step in path.steps)


def _fit(moving: Box, detection: Detection, least: float) -> float:
    """How well a box of the detector shows what moves; 0 when it does not."""
    if detection.confidence < least:
        return 0.0
    small, large = sorted((area_of(moving), area_of(detection.box)))
    alike = overlap(moving, detection.box)
    if alike < 0.15 and not (shared_area(moving, detection.box) >= 0.6 * small and large <= 6 * small):
        return 0.0
    return detection.confidence * (0.2 + alike)


def _without_parts(things: list[Thing]) -> list[Thing]:
    """Things without those that lie within what the detector marks as another: legs, a head, a shadow."""
    kept: list[Thing] = []
    for thing in sorted(things, key=lambda thing: -len(thing.marked) * thing.support):
        if not any(_is_part(thing, other) for other in kept):
            kept.append(thing)
    return kept


def _is_part(thing: Thing, whole: Thing) -> bool:
    marked = {mark.index: mark for mark in whole.marked}
    both = [(mark, marked[mark.index]) for mark in thing.marks if mark.index in marked]
    if len(both) < max(1, 0.5 * len(thing.marks)) or thing.support >= 0.8 * whole.support:
        return False
    inside = sum(
        other.found is not None
        and covered(mark.box, other.found.box) >= PART_SHARE
        and area_of(mark.box) <= 1.5 * area_of(other.found.box)
        for mark, other in both
    )
    return inside >= PART_SHARE * len(both)


def trimmed(thing: Thing, frame: Frame, sure: float) -> Thing:
    """The thing without ends on which the detector, elsewhere steady about it, marks nothing for several looks.

    What stood still and left, the ground it uncovered, and plants it came out of would otherwise stay in view. What
    moves on to a border of the frame is the same all the way.
    """
    if not thing.marked or thing.support < sure:
        return thing
    usable = thing.usable
    thing = _without_strangers(thing, frame)
    first, last = thing.known_places or (0, len(thing.marks) - 1)
    steady = sum(mark.confidence >= usable for mark in thing.known) >= STEADY * (last - first + 1)
    entry, leaves = sides_of(thing.path, frame) if thing.path else (None, None)
    head, tail = thing.marks[: first + 1], thing.marks[last:]
    begin = first if len(head) > UNMARKED and _stands(head) else 0
    end = last if len(tail) > UNMARKED and _stands(tail) else None
    if steady and not entry and len(head) > UNMARKED:
        begin = max(begin, first - BLURRED)  # what moves on there may be the same, too small or far to be marked
    if steady and not leaves and len(tail) > UNMARKED:
        end = last + BLURRED if end is None else end
    marks = thing.marks[begin : None if end is None else end + 1]
    since = marks[0].second if begin else -math.inf
    until = marks[-1].second if end is not None else math.inf
    spans = [(max(a, since), min(b, until)) for a, b in thing.spans if b >= since and a <= until]
    return replace(thing, marks=marks, spans=spans) if len(marks) >= 2 else thing


def _without_strangers(thing: Thing, frame: Frame) -> Thing:
    """The thing without what its path was joined to after, or before, a pause, and none of which is marked."""
    steps = thing.path.steps if thing.path else []
    pauses = [(a.second, b.second) for a, b in pairwise(steps) if b.second - a.second > max(PAUSE, 2.5 * frame.step)]
    first, last = thing.known[0].second, thing.known[-1].second
    since = max((after for _, after in pauses if after <= first), default=-math.inf)
    until = min((before for before, _ in pauses if before >= last), default=math.inf)
    if thing.path is None or (since, until) == (-math.inf, math.inf):
        return thing
    pieces = [[step for step in piece if since <= step.second <= until] for piece in thing.path.pieces]
    path = MotionPath(
        [piece for piece in pieces if piece],
        thing.path.entry if since == -math.inf else None,
        thing.path.exit if until == math.inf else None,
    )
    marks = [mark for mark in thing.marks if since <= mark.second <= until]
    spans = [(max(a, since), min(b, until)) for a, b in thing.spans if b >= since and a <= until]
    return Thing(marks, spans, path, thing.least)


def _stands(marks: Sequence[Mark]) -> bool:
    x, y = zip(*(middle_of(mark.box) for mark in marks), strict=True)
    size = float(np.median([max(mark.box.width, mark.box.height) for mark in marks]))
    return math.hypot(max(x) - min(x), max(y) - min(y)) <= 0.5 * size


def sides_of(path: MotionPath, frame: Frame) -> tuple[str | None, str | None]:
    """The borders it crosses at its beginning and end; none where it was in view before or after."""
    entry = path.entry or border_side(path.pieces[0], frame, leaving=False)
    leaves = path.exit or border_side(path.pieces[-1], frame, leaving=True)
    begins = path.pieces[0][0].second - frame.first < 1.5 * frame.step
    if begins and entry is not None and not _comes_clear(path, frame):
        entry = None
    ends = frame.last - path.pieces[-1][-1].second < 1.5 * frame.step
    if ends and leaves is not None and not _partly_out(path, leaves):
        leaves = None
    return entry, leaves


def _comes_clear(path: MotionPath, frame: Frame) -> bool:
    """Whether what touches a border at the video's beginning is wholly inside a second later."""
    start = path.pieces[0][0].second
    later = next((step for step in path.pieces[0] if step.second >= start + 1.0), None)
    return later is not None and min(frame.room(later).values()) > frame.margin


def _partly_out(path: MotionPath, side: Side) -> bool:
    """Whether a border cuts it off at its end: what only touches it there is in view."""
    upright = side in (Side.TOP, Side.BOTTOM)
    steps = path.pieces[-1]
    extents = [step.size[1 if upright else 0] for step in steps]
    return extents[-1] <= CUT_OFF * float(np.median(extents))
