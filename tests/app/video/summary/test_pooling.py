"""What weak marks on several looks prove together, where motion shows nothing."""

from __future__ import annotations

import numpy as np

from app.video.motion.tracker import Step
from app.video.paths.frame_borders import Frame
from app.video.paths.path import MotionPath
from app.video.summary.tracklets import tracklets_of
from modal_backend.contracts import Box, Category, Detection, Tracklet

FRAME = Frame(192, 108, 0.0, 20.0, 0.1)
LOOKS = range(21)


def found(confidences: dict[int, float], carried: bool = False) -> list[Tracklet]:
    """A look a second; at these the detector marks an animal at one place, with these confidences."""
    box = Box(0.4, 0.4, 0.2, 0.2)
    looked = {
        second: (
            float(second),
            [Detection(Category.ANIMAL, confidences[second], box)] if second in confidences else [],
        )
        for second in LOOKS
    }
    return tracklets_of([], FRAME, looked, 0.0, 0.3, carried)


def counts(confidences: dict[int, float], **values: bool) -> bool:
    return any(one.counted for one in found(confidences, **values))


def test_what_comes_and_goes_counts_at_less_confidence_than_what_stands_there_all_the_time():
    assert counts(dict.fromkeys(range(5, 12), 0.5))
    assert not counts(dict.fromkeys(LOOKS, 0.35))
    assert counts(dict.fromkeys(LOOKS, 0.9))


def test_weak_marks_between_sure_ones_are_the_same_animal_and_extend_its_time():
    (animal,) = found({4: 0.15, 5: 0.6, 6: 0.7, 7: 0.2, 8: 0.65, 9: 0.15})
    assert (animal.counted, animal.spans) == (True, ((4.0, 9.0),))


def test_the_chance_grows_with_the_looks_that_are_marked():
    (seldom,), (often,) = found({5: 0.3, 6: 0.3, 7: 0.3}), found(dict.fromkeys(range(4, 14), 0.3))
    assert 0 < seldom.confidence < often.confidence < 1


def test_what_stands_before_a_camera_that_moves_is_no_scenery():
    marks = dict.fromkeys(LOOKS, 0.4)
    (before_a_still_camera,), (before_a_moving_one,) = found(marks), found(marks, carried=True)
    assert before_a_still_camera.confidence < before_a_moving_one.confidence


def test_boxes_that_move_through_the_frame_count_at_less_than_boxes_that_stay():
    def chance(step: float) -> float:
        looked = {
            second: (float(second), [Detection(Category.ANIMAL, 0.25, Box(0.1 + step * second, 0.4, 0.1, 0.1))])
            for second in range(5, 13)
        }
        looked = {second: (float(second), []) for second in LOOKS} | looked
        (thing,) = tracklets_of([], FRAME, looked, 0.0, 0.3, False)
        return thing.confidence

    assert chance(0.0) < 0.5 < chance(0.05)


def test_what_darts_through_faster_than_animals_run_is_none():
    def counted(pace: float) -> bool:
        steps = [Step(at / 10, pace * at, 40.0, pace * at + 8.0, 48.0, 64.0, 80.0) for at in range(int(190 / pace))]
        path = MotionPath([steps])
        seconds = np.linspace(0, steps[-1].second, 5)[1:-1]
        looked = {}
        for index, second in enumerate(seconds):
            box = path.box_at(float(second), FRAME)
            assert box is not None
            looked[index] = (float(second), [Detection(Category.ANIMAL, 0.4, box)])
        return any(one.counted for one in tracklets_of([path], FRAME, looked, 0.0, 0.3, False))

    assert counted(2.0)  # 2.5 of its own lengths a second
    assert not counted(16.0)  # 20


def test_what_is_marked_weakly_on_every_look_of_a_long_video_is_scenery():
    assert not counts(dict.fromkeys(LOOKS, 0.45))
    assert not counts(dict.fromkeys(LOOKS, 0.6))  # rocks and stumps in five of 96 videos; none was an animal
    assert counts(dict.fromkeys(LOOKS, 0.65))
