"""Regions to tracks where animals meet: who comes out of a region that others are in is who went in."""

from __future__ import annotations

from app.video.motion.regions import Blob
from app.video.motion.tracker import Step, Track, Tracker

WIDTH = 192

# What moves in two drawn videos: second, then left, right, top, bottom, area, grey of each region.
# Somebody comes in from the left and stands; two come by as one region from the right, and for a moment all are one.
STANDS = (49, 72, 70, 86, 238, 86)
COME_BY = [
    (second, STANDS, (153 - 54 * (second - 4), min(196 - 54 * (second - 4), 192), 24, 65, 950, 58))
    for even in range(36, 64, 2)
    for second in (even / 10, even / 10 + 0.13)
]
PASSED = [
    (2.93, (7, 29, 70, 86, 232, 80)), (3.0, (11, 34, 70, 86, 240, 83)),
    (3.13, (21, 43, 71, 86, 232, 81), (186, 192, 50, 64, 40, 72)),
    (3.2, (25, 48, 70, 86, 240, 83), (184, 192, 50, 65, 81, 67)),
    (3.33, (35, 57, 70, 86, 236, 84), (179, 192, 50, 65, 124, 64), (187, 192, 23, 34, 41, 69)),
    (3.4, (39, 62, 70, 86, 241, 86), (176, 192, 50, 65, 165, 67), (184, 192, 22, 35, 90, 56)),
    (3.53, (176, 192, 22, 51, 254, 58), STANDS, (171, 192, 50, 65, 207, 70)),
    *COME_BY, (6.4, (27, 84, 26, 86, 1181, 64)), (6.53, (19, 79, 25, 86, 1178, 62)), (6.6, (16, 77, 25, 86, 1159, 62)),
    (6.73, (9, 72, 26, 66, 942, 57), (59, 81, 70, 86, 235, 85)),
    (6.8, (5, 69, 26, 65, 959, 58), (63, 86, 70, 86, 241, 87)),
    (6.93, (0, 41, 26, 55, 712, 48), (73, 95, 70, 86, 234, 87), (44, 64, 51, 65, 201, 75)),
    (7.13, (0, 30, 28, 55, 597, 54), (36, 57, 51, 65, 203, 73), (87, 109, 71, 86, 200, 86)),
    (7.33, (0, 20, 30, 55, 364, 54), (102, 123, 70, 86, 224, 76), (29, 49, 51, 66, 199, 69)),
]  # fmt: skip
# A small dark one walks behind a large one that stops, and comes back; bright ground is uncovered.
LARGE, GROUND = (66, 83, 34, 65, 219, 82), (89, 94, 43, 52, 34, 144)
COMES_BACK = [
    (5.0, (15, 32, 55, 65, 111, 40)), (5.5, (21, 37, 56, 65, 96, 40)), (6.0, (27, 45, 55, 65, 105, 40)),
    (6.5, (0, 24, 29, 52, 273, 101), (36, 51, 55, 65, 104, 47)),
    (7.0, (3, 42, 29, 52, 439, 106), (41, 58, 55, 65, 116, 54)),
    (7.5, (21, 64, 29, 65, 577, 105)), (8.0, (38, 106, 29, 65, 851, 109)), (8.5, (57, 106, 29, 65, 537, 109)),
    (9.0, LARGE, GROUND), (9.5, (67, 90, 34, 65, 178, 78)), (10.0, (78, 101, 43, 65, 166, 86)),
    (10.5, (86, 103, 55, 65, 113, 66), (80, 85, 43, 51, 27, 124)),
]  # fmt: skip


def follow(frames: list[tuple]) -> list[Track]:
    tracker = Tracker(WIDTH)
    for second, *regions in frames:
        blobs = [Blob(left, top, right, bottom, area, grey) for left, right, top, bottom, area, grey in regions]
        tracker.add_frame(second, blobs)
    return tracker.tracks


def at(second: float, track: Track) -> Step:
    return min(track.steps, key=lambda step: abs(step.second - second))


def test_who_stands_where_others_come_by_is_the_same_when_they_part():
    stood = follow(PASSED)[0]
    assert at(5.0, stood).left == 49
    assert (at(7.33, stood).left, at(7.33, stood).top) == (102, 70)


def test_bright_ground_is_not_the_dark_animal_that_went_in_behind_another():
    walker = follow(COMES_BACK)[0]
    assert all(step.grey < 100 for step in walker.steps)
    assert (walker.last.left, walker.last.top) == (86, 55)
