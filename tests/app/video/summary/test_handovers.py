"""An animal that walks through two shadows is one, though it is marked on the path of one, then on the other's."""

from __future__ import annotations

from app.video.motion.tracker import Step
from app.video.paths.frame_borders import Frame
from app.video.paths.path import MotionPath
from app.video.summary.counts import count_of
from app.video.summary.tracklets import tracklets_of
from modal_backend.contracts import Box, Category, Detection, Side, Tracklet

FRAME = Frame(192, 144, 0.0, 13.9, 0.1)
# As recorded: second, left, top, right and bottom of the regions of two shadows, each larger while an animal is in it.
RIGHT = [
    (0.0, 181, 73, 192, 86),
    (2.0, 159, 71, 192, 87),
    (2.8, 150, 71, 192, 87),
    (2.9, 149, 19, 192, 88),
    (3.4, 143, 18, 186, 87),
    (3.9, 103, 18, 177, 87),
    (4.3, 71, 18, 172, 88),
    (4.4, 131, 71, 171, 87),
    (4.9, 126, 71, 165, 87),
    (5.4, 120, 71, 160, 87),
    (5.9, 114, 71, 154, 87),
    (7.9, 91, 71, 131, 87),
    (9.9, 68, 71, 108, 87),
    (11.9, 55, 71, 85, 87),
    (12.5, 48, 71, 78, 87),
    (12.6, 28, 71, 77, 87),
    (13.4, 28, 71, 68, 87),
    (13.5, 44, 76, 67, 87),
    (13.7, 35, 74, 65, 87),
    (13.8, 60, 75, 65, 82),
]
LEFT = [
    (0.0, 0, 37, 106, 86),
    (2.0, 0, 37, 80, 86),
    (2.8, 0, 37, 70, 86),
    (3.3, 0, 37, 65, 86),
    (3.8, 0, 37, 65, 85),
    (4.3, 0, 38, 65, 85),
    (4.4, 0, 18, 107, 87),
    (4.9, 0, 17, 68, 86),
    (5.4, 0, 16, 65, 85),
    (5.7, 0, 16, 65, 86),
    (5.8, 0, 41, 65, 85),
    (6.6, 0, 49, 65, 85),
    (6.7, 28, 72, 65, 85),
    (8.8, 28, 72, 65, 85),
    (10.8, 28, 72, 65, 85),
    (12.8, 28, 71, 53, 84),
]
LOOKS = [0.0, 1.0, 2.0, 2.8, 3.0, 3.2, 3.5, 3.7, 4.0, 4.2, 4.4, 4.7, 4.9, 5.2, 5.4, 5.7, 6.7, 7.7, 8.7]
MARKS = [
    (0.0, 0.27, Box(0.03, 0.17, 0.36, 0.23)),
    (0.0, 0.12, Box(0.28, 0.24, 0.14, 0.15)),
    (1.0, 0.15, Box(0.0, 0.7, 0.08, 0.21)),
    (1.0, 0.14, Box(0.27, 0.66, 0.06, 0.12)),
    (1.0, 0.13, Box(0.03, 0.18, 0.38, 0.24)),
    (2.8, 0.13, Box(0.03, 0.19, 0.38, 0.23)),
    (3.2, 0.73, Box(0.82, 0.13, 0.18, 0.49)),
    (3.5, 0.34, Box(0.68, 0.1, 0.29, 0.5)),
    (3.7, 0.72, Box(0.62, 0.13, 0.21, 0.47)),
    (4.0, 0.58, Box(0.49, 0.12, 0.25, 0.47)),
    (4.2, 0.48, Box(0.4, 0.13, 0.24, 0.47)),
    (4.4, 0.56, Box(0.33, 0.12, 0.23, 0.49)),
    (4.7, 0.48, Box(0.04, 0.13, 0.38, 0.47)),
    (4.9, 0.75, Box(0.12, 0.11, 0.25, 0.48)),
    (4.9, 0.29, Box(0.05, 0.11, 0.26, 0.34)),
    (5.2, 0.52, Box(0.01, 0.13, 0.23, 0.47)),
    (5.4, 0.24, Box(0.0, 0.11, 0.15, 0.49)),
]


def shadow(rows: list[tuple[float, int, int, int, int]]) -> MotionPath:
    steps = [
        Step(second, left, top, right, bottom, 0.5 * (right - left) * (bottom - top), 70.0)
        for second, left, top, right, bottom in rows
    ]
    return MotionPath([steps])


def counted(marks: list[tuple[float, float, Box]]) -> list[Tracklet]:
    looked = {
        round(10 * at): (at, [Detection(Category.ANIMAL, sure, box) for second, sure, box in marks if second == at])
        for at in LOOKS
    }
    found = tracklets_of([shadow(RIGHT), shadow(LEFT)], FRAME, looked, 0.0)
    return [tracklet for tracklet in found if tracklet.counted]


def test_who_is_marked_on_one_path_and_next_on_another_is_one_while_it_is_marked():
    (animal,) = counted(MARKS)
    assert (animal.entry, animal.exit) == (Side.RIGHT, Side.LEFT)
    assert (animal.first_second, animal.last_second) == (2.8, 5.7)
    assert count_of([animal], [Category.ANIMAL]).at_once == 1


def test_who_is_marked_on_another_path_somewhere_else_is_another():
    moved = [(second, sure, Box(0.0, 0.13, 0.1, 0.15) if second > 4.2 else box) for second, sure, box in MARKS]
    assert not [tracklet for tracklet in counted(moved) if tracklet.entry == Side.RIGHT and tracklet.exit == Side.LEFT]


# As recorded: an animal walks in and stands from second 4 on, where a shadow's edge leads its path away and back.
EDGE = [
    (2.2, 0, 54, 5, 72),
    (2.6, 13, 46, 35, 71),
    (3.0, 45, 46, 64, 72),
    (3.4, 72, 46, 93, 72),
    (3.8, 103, 46, 125, 72),
    (4.2, 132, 45, 153, 71),
    (4.6, 160, 45, 181, 71),
    (5.0, 154, 36, 175, 62),
    (5.6, 144, 37, 165, 63),
    (5.8, 172, 43, 185, 54),
    (7.8, 168, 43, 185, 55),
    (8.0, 133, 43, 185, 54),
    (8.8, 124, 43, 174, 54),
    (9.4, 112, 42, 185, 70),
    (9.7, 110, 42, 185, 70),
]
WALKS = {2.7: 0.12, 3.0: 0.24, 3.2: 0.31, 3.5: 0.43, 3.7: 0.5}
STANDS = (4.0, 4.3, 4.5, 4.7, 4.9, 5.3, 5.5, 5.7, 6.7, 7.7, 8.7, 9.7)


def test_who_stands_where_its_path_left_it_is_one_though_the_path_comes_back_to_it():
    places = {**WALKS, **dict.fromkeys(STANDS, 0.55)}
    looked = {
        round(10 * at): (
            at,
            [Detection(Category.ANIMAL, 0.9, Box(places[at], 0.45, 0.09, 0.21))] if at in places else [],
        )
        for at in (0.0, 1.0, 2.0, 2.3, 2.5, *places)
    }
    frame = Frame(192, 108, 0.0, 9.9, 0.1)
    (animal,) = [tracklet for tracklet in tracklets_of([shadow(EDGE)], frame, looked, 0.0) if tracklet.counted]
    assert animal.last_second == 9.7
