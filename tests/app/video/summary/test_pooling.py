"""What weak marks on several looks prove together, where motion shows nothing."""

from __future__ import annotations

import numpy as np

from app.video.motion.camera import Shift
from app.video.motion.tracker import Step
from app.video.paths.frame_borders import Frame
from app.video.paths.path import MotionPath
from app.video.summary.tracklets import tracklets_of
from modal_backend.contracts import Box, Category, Detection, Tracklet

FRAME = Frame(192, 108, 0.0, 20.0, 0.1)
LOOKS = range(21)


def found(confidences: dict[int, float], camera: Shift | None = None, step: float = 0.0) -> list[Tracklet]:
    """A look a second; at these the detector marks an animal with these confidences, a step further right each time."""
    looked = {
        second: (
            float(second),
            [Detection(Category.ANIMAL, confidences[second], Box(0.1 + step * second, 0.4, 0.2, 0.2))]
            if second in confidences
            else [],
        )
        for second in LOOKS
    }
    return tracklets_of([], FRAME, looked, 0.0, 0.3, camera)


def counts(confidences: dict[int, float], **values: Shift | float | None) -> bool:
    return any(tracklet.counted for tracklet in found(confidences, **values))


def pans(before: float, after: float) -> tuple[float, float]:
    """What stands moves through a tenth of the frame a second, to the right."""
    return 0.1 * (after - before), 0.0


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


def test_what_a_camera_follows_is_no_scenery_and_what_it_passes_is():
    marks = dict.fromkeys(range(7), 0.4)
    (followed,), (passed,) = found(marks, camera=pans), found(marks, camera=pans, step=0.1)
    assert passed.confidence < 0.5 < followed.confidence
    (before_a_still_camera,) = found(dict.fromkeys(LOOKS, 0.4))
    assert before_a_still_camera.confidence < 0.5


def test_what_stands_is_one_thing_while_a_camera_passes_it_quickly():
    marks = dict.fromkeys(range(4), 0.9)
    (passed,) = found(marks, camera=lambda before, after: (0.24 * (after - before), 0.0), step=0.24)
    assert len(passed.boxes) == 4
    assert found(marks, step=0.24) == []  # a box here and there, before a camera that stands


def test_boxes_that_move_through_the_frame_count_at_less_than_boxes_that_stay():
    def chance(step: float) -> float:
        looked = {
            second: (float(second), [Detection(Category.ANIMAL, 0.25, Box(0.1 + step * second, 0.4, 0.1, 0.1))])
            for second in range(5, 13)
        }
        looked = {second: (float(second), []) for second in LOOKS} | looked
        (thing,) = tracklets_of([], FRAME, looked, 0.0, 0.3)
        return thing.confidence

    assert chance(0.0) < 0.5 < chance(0.05)


def test_what_darts_through_faster_than_animals_run_is_none():
    def counted(pace: float, confidence: float = 0.4) -> bool:
        steps = [Step(at / 10, pace * at, 40.0, pace * at + 8.0, 48.0, 64.0, 80.0) for at in range(int(190 / pace))]
        path = MotionPath([steps])
        seconds = np.linspace(0, steps[-1].second, 5)[1:-1]
        looked = {}
        for index, second in enumerate(seconds):
            box = path.box_at(float(second), FRAME)
            assert box is not None
            looked[index] = (float(second), [Detection(Category.ANIMAL, confidence, box)])
        return any(tracklet.counted for tracklet in tracklets_of([path], FRAME, looked, 0.0, 0.3))

    assert counted(2.0)  # 2.5 of its own lengths a second
    assert not counted(16.0)  # 20
    assert counted(2.0, 0.1)
    assert not counted(6.0, 0.1)  # 7.5: that it crosses borders speaks for it no longer


def test_what_is_marked_weakly_on_every_look_of_a_long_video_is_scenery():
    assert not counts(dict.fromkeys(LOOKS, 0.45))
    assert not counts(dict.fromkeys(LOOKS, 0.75))  # rocks, stumps and shells in eight of 120 videos; none was an animal
    assert counts(dict.fromkeys(LOOKS, 0.85))
