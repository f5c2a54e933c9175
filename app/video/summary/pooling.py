"""How likely a thing is what the detector takes it for, pooled over all looks at it.

A logistic function of how sure the best looks are, how many and what share of the looks are marked, and how it moves.
`python -m tests.benchmarks.fit_video_pooling` fits WEIGHTS.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from app.video.paths.frame_borders import Frame
from app.video.summary.evidence import USABLE, Thing, goes_far, pace_of, sides_of
from modal_backend.contracts import Category
from modal_backend.models.detectors.overlap import apart

FEATURES = ("sureness", "marks", "share", "strides", "crosses", "stands", "scenery", "darts")
WEIGHTS = (0.83, 0.51, 1.46, 1.88, 1.05, -1.03, -1.2, -2.06)
OFFSET = -1.04
COUNTS_FROM = 0.5
FEWEST_MARKS, FEWEST_STILL = 2, 3
SEVERAL = 3  # marks of an animal from which it speaks for it that its path crosses a border
FEW, ALONE = 2, 0.7  # a video of so few looks: the mean confidence that is asked for
MOST_MARKS = 12  # more prove no more: what stands there is marked on every frame
LEAST, MOST = 0.005, 0.995
RUNS = 4.0  # of its own lengths a second: animals seldom run faster, insects before the lens fly at 14
TRAVELLED = 1.5  # of its own size, from its first to its last mark
BUSY = 0.5  # share of the frames in which too much moves, from which motion proves nothing


@dataclass(frozen=True, slots=True)
class Watch:
    """How a video was looked at.

    Attributes:
        frame: the small frame of the paths.
        seconds: of the frames looked at, in order.
        busy: share of the frames in which too much moves for motion to prove anything.
        sure: confidence from which the detector's boxes count.
        carried: the camera itself moves.
    """

    frame: Frame
    seconds: tuple[float, ...]
    busy: float
    sure: float
    carried: bool


def evidence_of(thing: Thing, watch: Watch) -> NDArray[np.float64]:
    """The FEATURES of a thing (8)."""
    marks = sum(mark.confidence >= USABLE for mark in thing.marks)
    first, last = thing.spans[0][0], thing.spans[-1][1]
    looks = len(thing.marks) if thing.path else sum(first <= second <= last for second in watch.seconds)
    strides = thing.path is not None and watch.busy < BUSY and goes_far(thing.path, watch.frame)
    scenery = first <= watch.seconds[min(1, len(watch.seconds) - 1)] and last >= watch.seconds[-2:][0]
    near = apart(thing.marks[0].box, thing.marks[-1].box) < TRAVELLED
    stands = thing.path is None and near and not watch.carried  # before a camera that moves nobody can tell
    several = thing.category == Category.ANIMAL and marks >= SEVERAL
    return np.array(
        [
            logit(np.clip(thing.support, LEAST, MOST)) - logit(watch.sure),
            np.log(np.clip(marks, 1, MOST_MARKS) / 3),
            marks / max(looks, 1),
            strides,
            strides and several and thing.path is not None and any(sides_of(thing.path, watch.frame)),
            stands,
            stands and scenery,
            np.log2(max(pace_of(thing.path) / RUNS, 1.0)) if thing.path else 0.0,
        ],
        float,
    )


def chance(thing: Thing, watch: Watch) -> float:
    """How likely a thing is what the detector takes it for, 0 to 1."""
    if not thing.marked:
        return 0.0
    return float(expit(np.dot(WEIGHTS, evidence_of(thing, watch)) + OFFSET))


def counts(thing: Thing, watch: Watch) -> bool:
    """Whether it counts: marked on several frames, and likely."""
    if len(watch.seconds) <= FEW and thing.path is None:
        return float(np.mean([mark.confidence for mark in thing.marks])) >= ALONE
    marks = sum(mark.confidence >= USABLE for mark in thing.marks)
    few = min(FEWEST_MARKS, len(thing.marks)) if thing.path else FEWEST_STILL
    return marks >= few and chance(thing, watch) >= COUNTS_FROM
