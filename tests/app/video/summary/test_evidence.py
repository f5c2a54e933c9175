"""What the detector's marks prove of things that move: several frames, a path that leads somewhere, no parts."""

from __future__ import annotations

from app.video.motion.tracker import Step
from app.video.paths.frame_borders import Frame
from app.video.paths.path import MotionPath
from app.video.summary.tracklets import MOST_UNIDENTIFIED, tracklets_of
from modal_backend.contracts import Box, Category, Detection, Side, Tracklet

FRAME = Frame(192, 108, 0.0, 10.0, 0.1)
LOOKS = range(1, 10)


def path(left: float, pace: float, top: float = 40.0, size: float = 20.0, sway: float = 0.0) -> MotionPath:
    """Something that moves to the right, pixels a second, or sways to and fro."""
    steps = []
    for number in range(5, 95):
        x = left + pace * number / 10 + sway * (-1) ** (number // 8)
        steps.append(Step(number / 10, x, top, x + size, top + size, size * size, 80.0))
    return MotionPath([steps])


def marked(moving: MotionPath, confidences: list[float], category: Category = Category.ANIMAL):
    """A look a second, at which the detector marks this path with these confidences; 0 marks nothing."""
    looked = {}
    for second, confidence in zip(LOOKS, confidences, strict=True):
        box = moving.box_at(float(second), FRAME)
        assert isinstance(box, Box)
        looked[second] = (float(second), [Detection(category, confidence, box)] if confidence else [])
    return looked


def found(moving: MotionPath, confidences: list[float], **values) -> Tracklet:
    (tracklet,) = tracklets_of([moving], FRAME, marked(moving, confidences, **values), 0.0)
    return tracklet


def test_what_is_marked_on_several_frames_counts_and_on_one_alone_it_does_not():
    walker = path(10.0, 15.0)
    assert found(walker, [0, 0.8, 0.7, 0, 0.6, 0, 0, 0.7, 0]).counted
    assert not found(walker, [0, 0, 0, 0.9, 0, 0, 0, 0, 0]).counted


def test_weak_marks_are_enough_for_what_strides_through_and_not_for_what_sways():
    weak = [0.12, 0, 0.1, 0, 0.14, 0, 0.1, 0, 0]
    assert found(path(10.0, 15.0), weak).counted
    assert not found(path(80.0, 0.0, sway=4.0), weak).counted


def test_hardly_known_but_marked_again_and_again_while_it_crosses_a_border_counts():
    faint = [0.05, 0, 0.04, 0, 0.05, 0, 0.04, 0, 0]
    assert found(path(4.0, 15.0), faint).counted
    assert not found(path(4.0, 15.0), [0.05, 0, 0.04, *[0] * 6]).counted
    assert not found(path(80.0, 0.0, sway=4.0), faint).counted


def test_a_border_is_named_only_where_the_frames_looked_at_around_the_crossing_are_near():
    walker, confidences = path(-4.0, 15.0), [0.8] * 9
    looked = {0: (0.0, []), **marked(walker, confidences)}
    (seen,) = tracklets_of([walker], FRAME, looked, 0.0)
    assert seen.entry == Side.LEFT
    (unseen,) = tracklets_of([walker], FRAME, {key: look for key, look in looked.items() if key not in (1, 2)}, 0.0)
    assert (unseen.counted, unseen.entry) == (True, None)


def test_it_is_what_the_detector_mostly_takes_it_for():
    assert found(path(10.0, 15.0), [0.8] * 9, category=Category.VEHICLE).category == Category.VEHICLE


def test_a_leg_within_a_marked_animal_is_no_thing_of_its_own():
    walker, leg = path(10.0, 15.0, size=30.0), path(18.0, 15.0, top=55.0, size=8.0)
    tracklets = tracklets_of([walker, leg], FRAME, marked(walker, [0.9] * 9), 0.0)
    assert [tracklet.counted for tracklet in tracklets] == [True]


def test_of_rain_only_a_few_things_are_kept():
    drops = [path(float(left), 0.5, top=float(top), size=4.0) for left in range(10, 180, 20) for top in (20, 70)]
    looked = {second: (float(second), []) for second in LOOKS}
    assert len(tracklets_of(drops, FRAME, looked, 0.0)) == MOST_UNIDENTIFIED
