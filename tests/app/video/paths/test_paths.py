"""Tracks to paths where animals meet: at a border, side by side, behind a burnt-in bar, at the end of the video."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.video.motion.regions import find_blobs
from app.video.motion.tracker import Step, Track
from app.video.paths.frame_borders import Frame, border_side
from app.video.paths.paths import paths_of
from app.video.paths.splits import split_at_borders
from modal_backend.contracts import Side

FRAME = Frame(192, 108, 0.0, 12.0, 0.1)


def seen(start: float, places: list[float], *, y: float = 40, wide: float = 30, high: float = 20, grey: float = 60):
    """Steps ten times a second of something whose middle goes along these x; cut off at the frame's borders."""
    steps = []
    for number, x in enumerate(places):
        left, right = max(x - wide / 2, 0.0), min(x + wide / 2, 192.0)
        if right - left >= 2:
            second = start + number / 10
            steps.append(Step(second, left, y, right, y + high, 0.6 * high * (right - left), grey))
    return steps


def out_and_in(pause: float, **other: float) -> Track:
    """A track that goes out at the left and, after a pause, takes up what comes in there."""
    away = seen(1.0, [90 - 3 * n for n in range(36)])
    back = seen(away[-1].second + pause, [-14 + 3 * n for n in range(36)], **other)
    return Track([*away, *back])


def test_a_track_that_takes_up_another_animal_at_the_border_is_two():
    first, second = paths_of([out_and_in(0.2, y=60, wide=44, high=34, grey=140)], FRAME)
    assert border_side(first.pieces[-1], FRAME, leaving=True) == Side.LEFT
    assert border_side(second.pieces[0], FRAME, leaving=False) == Side.LEFT


def test_an_animal_that_turns_at_the_border_stays_one():
    (path,) = paths_of([out_and_in(0.2)], FRAME)
    assert path.steps[0].second == pytest.approx(1.0)
    assert path.steps[-1].second > 7.0


def test_one_that_leaves_and_one_that_comes_in_at_the_same_moment_are_not_joined():
    leaving = Track(seen(1.0, [60 + 4 * n for n in range(38)]))
    coming = Track(seen(4.3, [206 - 4 * n for n in range(40)], y=62, wide=40, high=30, grey=110))
    assert len(paths_of([leaving, coming], FRAME)) == 2


def test_one_that_parts_from_the_region_it_came_in_with_gets_its_side_and_its_time():
    region = Track(seen(0.5, [-14 + 4 * n for n in range(60)]))
    behind = Track(seen(2.7, [44 + 4 * n for n in range(45)], y=75), parent=region)
    first, second = paths_of([region, behind], FRAME)
    assert (first.entry, second.entry) == (None, Side.LEFT)
    assert first.steps[0].second < second.steps[0].second < 1.8
    assert second.steps[0].left == 0


def test_the_edge_of_a_burnt_in_bar_is_where_an_animal_leaves():
    steps = [Step(1 + n / 10, 80, 20 + 2.0 * n, 100, min(40 + 2.0 * n, 96), 300, 60) for n in range(38)]
    barred = Frame(192, 108, 0.0, 12.0, 0.1, bars=(0, 12))
    assert border_side(steps, barred, leaving=True) == Side.BOTTOM


def test_one_that_has_only_begun_to_come_in_when_the_video_ends_is_a_path():
    track = Track(seen(11.3, [-13 + 4 * n for n in range(8)]))
    (path,) = paths_of([track], FRAME)
    assert border_side(path.pieces[0], FRAME, leaving=False) == Side.LEFT
    assert border_side(path.pieces[-1], FRAME, leaving=True) is None


def test_specks_a_while_before_an_animal_are_no_part_of_its_path():
    animal = seen(3.0, [206 - 4 * n for n in range(50)])
    (path,) = paths_of([Track([Step(2.3, 171, 99, 177, 103, 12, 60), *animal])], FRAME)
    assert path.steps[0].second == pytest.approx(animal[0].second)


def test_outlines_that_do_not_touch_are_two_and_the_legs_of_one_are_not():
    mask, grey = np.zeros((108, 192), np.bool_), np.full((108, 192), 60, np.float32)
    mask[20:40, 40:80] = mask[43:63, 50:90] = True
    assert len(find_blobs(mask, grey)) == 2
    mask[:] = False
    mask[20:36, 40:80] = True
    for leg in (44, 52, 68, 74):
        mask[38:50, leg : leg + 3] = True
    assert len(find_blobs(mask, grey)) == 1


def test_who_stands_as_tall_as_the_frame_does_not_leave_at_the_top_or_bottom():
    tall = seen(1.0, [96.0] * 15 + [96.4, 97.0, 97.4], y=0, high=107)
    rising = [Step(s.second, s.left, 1.5 - 0.02 * n, s.right, 106.0, s.area, s.grey) for n, s in enumerate(tall)]
    assert border_side(rising, FRAME, leaving=True) is None
    assert border_side(rising, FRAME, leaving=False) is None


def test_who_walks_out_at_the_right_as_tall_as_the_frame_leaves_there():
    tall = seen(1.0, [96.0] * 15 + [96.0 + 9 * n for n in range(8)], y=0, high=107)
    sinking = [Step(s.second, s.left, 1.0, s.right, min(97.0 + n, 108.0), s.area, s.grey) for n, s in enumerate(tall)]
    assert border_side(sinking, FRAME, leaving=True) == Side.RIGHT


def recorded(*boxes: tuple[float, float, float, float, float, float, float]) -> list[Step]:
    """Steps of a drawn video: second, left, right, top, bottom, area, grey."""
    return [
        Step(second, left, top, right, bottom, area, grey) for second, left, right, top, bottom, area, grey in boxes
    ]


BARRED = Frame(192, 108, 0.0, 11.9, 0.07, bars=(0, 8))
TURNS = recorded(  # and for a moment its region holds another one's too, which walks along the lower border
    (2.40, 19, 56, 46, 72, 568, 39), (2.80, 42, 79, 46, 71, 491, 36), (3.20, 66, 101, 46, 72, 452, 36),
    (3.40, 75, 113, 47, 71, 465, 39), (3.53, 71, 106, 46, 71, 451, 43), (3.60, 68, 103, 46, 71, 457, 38),
    (3.73, 60, 97, 47, 72, 478, 36), (3.80, 56, 93, 46, 98, 715, 73),
)  # fmt: skip
GOES_ON = recorded(
    (3.93, 48, 86, 46, 98, 587, 62), (4.00, 45, 82, 46, 72, 475, 35), (4.13, 37, 74, 46, 71, 502, 36),
    (4.33, 26, 63, 46, 71, 558, 38), (4.53, 14, 52, 46, 72, 566, 39), (4.80, 0, 36, 46, 72, 560, 39),
    (5.00, 0, 24, 46, 72, 400, 39), (5.33, 0, 3, 50, 72, 50, 40),
)  # fmt: skip


def test_who_only_grows_to_a_border_where_another_walks_does_not_cross_it_and_stays_one():
    assert border_side(TURNS, BARRED, leaving=True) is None
    assert border_side(GOES_ON, BARRED, leaving=False) is None
    (path,) = paths_of([Track(TURNS), Track(GOES_ON)], BARRED)
    assert border_side(path.pieces[-1], BARRED, leaving=True) == Side.LEFT


def test_ground_near_a_border_that_is_taken_up_by_who_comes_in_there_ends_at_that_border():
    ground = [Step(91.0 + n / 10, 102, 65, 120, 104, 175, 88) for n in range(11)]
    taken_up = [*ground, *recorded((92.1, 84, 120, 65, 108, 464, 46))]
    assert border_side(taken_up, Frame(192, 108, 0.0, 140.0, 0.1), leaving=True) == Side.BOTTOM


def test_a_flash_a_second_before_somebody_comes_in_elsewhere_is_no_part_of_the_path():
    flash = recorded((0.50, 92, 113, 25, 42, 216, 130))
    coming = recorded(
        (1.62, 185, 192, 77, 89, 44, 37), (1.75, 179, 192, 77, 93, 132, 35), (1.88, 177, 192, 80, 93, 156, 31),
        (2.00, 167, 192, 78, 93, 171, 31), (2.12, 161, 188, 78, 93, 193, 32), (2.25, 154, 182, 77, 93, 181, 34),
        (2.38, 149, 172, 77, 93, 226, 38), (2.50, 143, 169, 77, 93, 241, 46),
    )  # fmt: skip
    (path,) = paths_of([Track([*flash, *coming])], Frame(192, 144, 0.0, 20.0, 0.125))
    assert path.steps[0].second == pytest.approx(1.62)
    assert border_side(path.pieces[0], Frame(192, 144, 0.0, 20.0, 0.125), leaving=False) == Side.RIGHT


# As recorded while the camera shook: second, left, top, right and bottom, area, brightness.
ALONG_THE_BOTTOM = [
    (2.4, 152, 75, 187, 101, 488, 124),
    (2.6, 139, 72, 179, 102, 566, 123),
    (2.8, 130, 71, 170, 102, 563, 127),
    (3.0, 123, 71, 161, 102, 537, 127),
    (3.2, 113, 70, 152, 104, 540, 123),
    (3.4, 105, 71, 144, 102, 437, 120),
    (3.6, 96, 71, 135, 103, 412, 116),
    (3.8, 88, 74, 126, 103, 432, 118),
    (4.0, 79, 75, 118, 102, 361, 119),
    (4.2, 70, 73, 109, 104, 437, 122),
    (4.4, 62, 76, 101, 103, 419, 122),
    (4.6, 52, 72, 92, 104, 575, 124),
    (4.8, 44, 73, 84, 103, 495, 124),
]


def test_who_goes_on_along_a_border_at_one_pace_only_touches_it_and_who_turns_back_elsewhere_is_another():
    steps = [Step(*row[:5], float(row[5]), float(row[6])) for row in ALONG_THE_BOTTOM]
    shaken = Frame(192, 108, 0.0, 9.9, 0.2, rim=2.9)
    assert [len(part) for part in split_at_borders(steps, shaken)] == [len(steps)]
    back = [replace(step, left=245 - step.right, right=245 - step.left) for step in steps[7:]]
    assert len(split_at_borders([*steps[:7], *back], shaken)) == 2
