"""How likely a thing is what the detector takes it for, pooled over all looks at it.

A logistic function of how sure the best looks are, how many and what share of the looks are marked, and how it moves.
`python -m tests.benchmarks.fit_video_pooling` fits WEIGHTS. Those in use were fitted on 96 videos; "crosses" was
raised after 124 more, in whose fit it and "strides" grew, of which that one would make faint people count. "steady" is
set so that two faint marks are enough: in 129 videos without an animal only a car had such a path and any.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from app.video.motion.camera import Shift
from app.video.paths.frame_borders import Frame
from app.video.paths.path import MotionPath
from app.video.paths.steady import is_steady, pace_of
from app.video.summary.evidence import Thing, mean_of_best, sides_of
from modal_backend.contracts import Category
from modal_backend.models.detectors.overlap import apart, overlap, shifted

FEATURES = ("sureness", "marks", "share", "strides", "crosses", "stands", "scenery", "darts", "steady")
WEIGHTS = (0.83, 0.51, 1.46, 1.88, 1.7, -1.03, -1.3, -2.06, 3.3)
OFFSET = -1.04
COUNTS_FROM = 0.5
FEWEST_MARKS, FEWEST_STILL = 2, 3
SEVERAL = 3  # marks of an animal, no faster than animals run, from which crossing a border speaks for it
FEW, ALONE = 2, 0.7  # a video of so few looks: the mean confidence that is asked for
MOST_MARKS = 12  # more prove no more
SCENERY_MARKS = 3  # the same of what stands there from the first look to the last, and is marked again and again
LEAST, MOST = 0.005, 0.995
RUNS = 4.0  # of its own lengths a second: animals seldom run faster, insects before the lens fly at 14
FAR = 0.25  # of the frame's width, from first to last place
STRAIGHT = 0.4  # of the way between them
TRAVELLED = 1.5  # of its own size, from its first to its last mark
PASSED = 0.5  # of its own size, by which the picture shifts
ALONG = 0.3  # of that shift: what strays no further from it stands
ONE_PLACE = 0.5  # overlap of boxes of what stands
BUSY = 0.5  # share of the frames in which too much moves, from which motion proves nothing


@dataclass(frozen=True, slots=True)
class Watch:
    """How a video was looked at.

    Attributes:
        frame: the small frame of the paths.
        seconds: of the frames looked at, in order.
        busy: share of the frames in which too much moves for motion to prove anything.
        sure: confidence from which the detector's boxes count.
        camera: how far the picture of a camera that moves shifted; None where the camera stands.
    """

    frame: Frame
    seconds: tuple[float, ...]
    busy: float
    sure: float
    camera: Shift | None


def stays(thing: Thing, camera: Shift | None) -> bool:
    """Whether it stays where it is: in the frame, or before a camera that moves at its place in what is filmed.

    There it is known only of what the camera passes: what it follows, or shows without moving on, may walk.
    """
    first, last = thing.marks[0], thing.marks[-1]
    if camera is None:
        return apart(first.box, last.box) < TRAVELLED
    moved = shifted(first.box, camera(first.second, last.second))
    passed = apart(first.box, moved)
    return passed >= PASSED and apart(moved, last.box) <= ALONG * passed


def evidence_of(thing: Thing, watch: Watch) -> NDArray[np.float64]:
    """The FEATURES of a thing (9)."""
    first, last = thing.spans[0][0], thing.spans[-1][1]
    looks = len(thing.marks) if thing.path else sum(first <= second <= last for second in watch.seconds)
    strides, haste, proofs = _strides(thing, watch), _haste(thing), _proofs(thing, watch)
    marks = sum(proof >= thing.least for proof in proofs)
    stands = thing.path is None and stays(thing, watch.camera)
    scenery = stands and (watch.camera is not None or _throughout(first, last, watch))
    several = thing.category == Category.ANIMAL and marks >= SEVERAL
    return np.array(
        [
            logit(np.clip(mean_of_best(proofs), LEAST, MOST)) - logit(watch.sure),
            np.log(np.clip(marks, 1, SCENERY_MARKS if scenery else MOST_MARKS) / 3),
            marks / max(looks, 1),
            strides,
            strides and several and not haste and thing.path is not None and any(sides_of(thing.path, watch.frame)),
            stands,
            scenery,
            haste,
            walks_on(thing, watch) and _at_places(thing),
        ],
        float,
    )


def _throughout(first: float, last: float, watch: Watch) -> bool:
    """Whether seconds span the video, but for a look at its beginning and one at its end."""
    return first <= watch.seconds[:2][-1] and last >= watch.seconds[-2:][0]


def _strides(thing: Thing, watch: Watch) -> bool:
    return thing.path is not None and watch.busy < BUSY and _goes_far(thing.path, watch.frame)


def walks_on(thing: Thing, watch: Watch) -> bool:
    """Whether it moves on as steadily as an animal that walks across: then weak marks on its path are of it."""
    return thing.path is not None and watch.busy < BUSY and is_steady(thing.path, watch.frame)


def _at_places(thing: Thing) -> bool:
    """Whether it is marked at two places at least: what stands there and is passed is marked at its own."""
    boxes = [mark.found.box for mark in thing.marks if mark.found and mark.confidence >= thing.least]
    return any(overlap(boxes[0], box) < ONE_PLACE for box in boxes)


def _goes_far(path: MotionPath, frame: Frame) -> bool:
    """Whether a path leads through the frame, rather straight; plants, shadows and light do not."""
    for piece in path.pieces:
        middles = np.array([step.middle for step in piece if not step.shared])
        if len(middles) < 3:
            continue
        reach = float(np.hypot(*np.ptp(middles, axis=0)))
        travelled = float(np.hypot(*np.diff(middles, axis=0).T).sum())
        if reach >= FAR * frame.width and reach >= STRAIGHT * travelled:
            return True
    return False


def _haste(thing: Thing) -> float:
    """By how many doublings it is faster than animals run."""
    return float(np.log2(max(pace_of(thing.path) / RUNS, 1.0))) if thing.path else 0.0


def _proofs(thing: Thing, watch: Watch) -> list[float]:
    """What each mark proves: its confidence in full where the thing moves through the frame as animals do.

    Elsewhere only what is believed of it: water and bark, which look alive enlarged, do not go far.
    """
    as_animals_do = walks_on(thing, watch) or (_strides(thing, watch) and not _haste(thing))
    return [mark.confidence if as_animals_do else mark.believed for mark in thing.marks]


def chance(thing: Thing, watch: Watch) -> float:
    """How likely a thing is what the detector takes it for, 0 to 1."""
    if not thing.marked:
        return 0.0
    return float(expit(np.dot(WEIGHTS, evidence_of(thing, watch)) + OFFSET))


def counts(thing: Thing, watch: Watch) -> bool:
    """Whether it counts: marked on several frames, and likely."""
    if len(watch.seconds) <= FEW and thing.path is None:
        return float(np.mean(_proofs(thing, watch))) >= ALONE
    marks = sum(proof >= thing.least for proof in _proofs(thing, watch))
    few = min(FEWEST_MARKS, len(thing.marks)) if thing.path else FEWEST_STILL
    return marks >= few and chance(thing, watch) >= COUNTS_FROM
