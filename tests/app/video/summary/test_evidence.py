"""What the detector's marks prove of things that move: several frames, a path that leads somewhere, no parts."""

from __future__ import annotations

from dataclasses import replace

from app.video.motion.tracker import Step
from app.video.paths.frame_borders import Frame
from app.video.paths.path import MotionPath
from app.video.summary.evidence import Doubted
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


def marked(
    moving: MotionPath, confidences: list[float], category: Category = Category.ANIMAL, doubted: tuple[int, ...] = ()
):
    """A look a second, at which the detector marks this path with these confidences; 0 marks nothing.

    At the doubted seconds only an enlarged part shows it, and a fifth of its confidence is believed.
    """
    looked = {}
    for second, confidence in zip(LOOKS, confidences, strict=True):
        box = moving.box_at(float(second), FRAME)
        assert isinstance(box, Box)
        mark = Detection(category, confidence, box)
        if second in doubted:
            mark = Doubted(category, confidence, box, believed=confidence / 5)
        looked[second] = (float(second), [mark] if confidence else [])
    return looked


def found(moving: MotionPath, confidences: list[float], **values) -> Tracklet:
    (tracklet,) = tracklets_of([moving], FRAME, marked(moving, confidences, **values), 0.0)
    return tracklet


def test_what_is_marked_on_several_frames_counts_and_on_one_alone_it_does_not():
    walker = path(10.0, 15.0)
    assert found(walker, [0, 0.8, 0.7, 0, 0.6, 0, 0, 0.7, 0]).counted
    assert not found(walker, [0, 0, 0, 0.9, 0, 0, 0, 0, 0]).counted


def test_a_faint_mark_long_before_the_others_is_of_something_else():
    swaying = path(80.0, 0.0, sway=4.0)
    tracklet = found(swaying, [0.3, 0, 0, 0, 0, 0.8, 0.9, 0.8, 0.9])
    assert tracklet.counted
    assert tracklet.boxes[0].second >= 6.0
    assert tracklet.first_second >= 3.0
    both = found(swaying, [0.8, 0.7, 0, 0, 0, 0.8, 0.9, 0.8, 0.9])
    assert both.boxes[0].second == 1.0


def test_a_clear_mark_long_before_the_others_is_of_the_same_thing():
    tracklet = found(path(80.0, 0.0, sway=4.0), [0.5, 0, 0, 0, 0, 0.8, 0.9, 0.8, 0.9])
    assert (tracklet.boxes[0].second, tracklet.first_second) == (1.0, 0.5)


def test_what_only_enlarged_parts_show_proves_nobody_and_places_who_is_proven_as_well_as_any():
    swaying = path(80.0, 0.0, sway=4.0)
    assert not found(swaying, [0.6] * 9, doubted=tuple(LOOKS)).counted
    proven = found(swaying, [0.6] * 9, doubted=(1, 2, 8, 9))
    assert proven.counted
    assert [box.second for box in proven.boxes] == [float(second) for second in LOOKS]
    assert proven.spans == ((0.5, 9.4),)


def test_what_only_enlarged_parts_show_counts_when_it_leads_through_the_frame_as_animals_do():
    seldom = [0.25, 0, 0.2, 0, 0.25, 0, 0, 0, 0]
    assert found(path(10.0, 15.0), seldom, doubted=tuple(LOOKS)).counted
    assert not found(path(80.0, 0.0, sway=4.0), seldom, doubted=tuple(LOOKS)).counted


def test_weak_marks_are_enough_for_what_strides_through_and_not_for_what_sways():
    weak = [0.12, 0, 0.1, 0, 0.14, 0, 0.1, 0, 0]
    assert found(path(10.0, 15.0), weak).counted
    assert not found(path(80.0, 0.0, sway=4.0), weak).counted


def test_hardly_known_but_marked_again_and_again_while_it_crosses_a_border_counts():
    faint = [0.05, 0, 0.04, 0, 0.05, 0, 0.04, 0, 0]
    assert found(path(4.0, 15.0), faint).counted
    assert not found(path(4.0, 15.0, sway=6.0), [0.05, 0, 0.04, *[0] * 6]).counted
    assert not found(path(80.0, 0.0, sway=4.0), faint).counted


def test_two_faint_marks_count_what_moves_straight_on_as_one_region_of_one_size_and_one_or_none_do_not():
    two = [0, 0.05, 0, 0, 0, 0.04, 0, 0, 0]
    walker = found(path(10.0, 15.0), two)
    assert walker.counted
    assert [box.second for box in walker.boxes] == [float(second) for second in LOOKS]
    assert found(path(10.0, 15.0), [0, 0.025, 0, 0, 0.02, *[0] * 4]).counted
    assert not found(path(10.0, 15.0), [0, 0.015, 0, 0, 0.015, *[0] * 4]).counted
    assert not found(path(10.0, 15.0), [0, 0.05, *[0] * 7]).counted
    assert not found(path(10.0, 15.0), [0] * 9).counted
    (steps,) = path(10.0, 15.0).pieces
    swelling = [replace(step, area=step.area * 3 ** (number % 2)) for number, step in enumerate(steps)]
    assert not found(MotionPath([swelling]), two).counted
    scattered = [replace(step, area=step.area / 4) for step in steps]
    assert not found(MotionPath([scattered]), two).counted
    assert not found(path(10.0, 15.0, sway=6.0), two).counted
    assert not found(path(10.0, 15.0, size=8.0), two).counted


def test_who_walks_in_and_back_out_is_as_steady_as_who_walks_across():
    out, back = path(2.0, 20.0).pieces[0][:45], path(195.0, -20.0).pieces[0][45:]
    assert found(MotionPath([[*out, *back]]), [0, 0.05, 0, 0, 0, 0, 0.04, 0, 0]).counted


def test_weak_marks_at_one_place_are_not_of_what_passes_it():
    walker = path(10.0, 15.0, size=40.0)
    stump = walker.box_at(3.5, FRAME)
    assert stump is not None
    marks = [Detection(Category.ANIMAL, 0.05, stump)]
    looked = {second: (float(second), marks if second in (3, 4) else []) for second in LOOKS}
    (tracklet,) = tracklets_of([walker], FRAME, looked, 0.0)
    assert sum(box.confidence is not None for box in tracklet.boxes) == 2
    assert not tracklet.counted


def test_a_border_is_named_only_where_the_frames_looked_at_around_the_crossing_are_near():
    walker, confidences = path(-4.0, 15.0), [0.8] * 9
    looked = {0: (0.0, []), **marked(walker, confidences)}
    (seen,) = tracklets_of([walker], FRAME, looked, 0.0)
    assert seen.entry == Side.LEFT
    (unseen,) = tracklets_of([walker], FRAME, {key: look for key, look in looked.items() if key not in (1, 2)}, 0.0)
    assert (unseen.counted, unseen.entry) == (True, None)


def test_what_only_touches_a_border_when_the_video_ends_is_in_view_and_what_it_cuts_off_leaves():
    def leaves(until: float) -> Side | None:
        steps = [
            Step(at / 10, 20.0 + 1.6 * at, 40.0, min(40.0 + 1.6 * at, 192.0), 60.0, 300.0, 80.0)
            for at in range(round(10 * until) + 1)
        ]
        walker, frame = MotionPath([steps]), Frame(192, 108, 0.0, until, 0.1)
        looked = {}
        for second in range(1, int(until) + 1):
            box = walker.box_at(float(second), frame)
            assert isinstance(box, Box)
            looked[second] = (float(second), [Detection(Category.ANIMAL, 0.8, box)])
        (tracklet,) = tracklets_of([walker], frame, looked, 0.0)
        return tracklet.exit

    assert leaves(9.4) is None
    assert leaves(10.2) == Side.RIGHT


def stays(seconds, box: Box, confidence: float = 0.7) -> dict[int, tuple[float, list[Detection]]]:
    """A look a second up to 80; at these seconds the detector marks a person here."""
    marks = [Detection(Category.PERSON, confidence, box)]
    return {second: (float(second), marks if second in seconds else []) for second in range(81)}


def test_ground_that_differs_all_the_time_hides_nobody_who_stands_on_it_later():
    steps = [Step(number / 10, 60.0, 30.0, 110.0, 100.0, 900.0, 80.0) for number in range(801)]
    uncovered, person = MotionPath([steps]), Box(0.33, 0.25, 0.24, 0.68)
    frame = Frame(192, 108, 0.0, 80.0, 0.1)
    found = tracklets_of([uncovered], frame, stays(range(20, 28), person), 0.0)
    assert [(tracklet.category, tracklet.spans) for tracklet in found if tracklet.counted] == [
        (Category.PERSON, ((20.0, 27.0),))
    ]
    elsewhere = Box(0.45, 0.2, 0.3, 0.7)  # it hides most of it, and is not taken for it
    found = tracklets_of([uncovered], frame, stays(range(20, 28), elsewhere), 0.0)
    assert sum(tracklet.counted for tracklet in found) == 1


def test_what_stands_all_the_time_keeps_its_box_when_something_moves_past_it():
    shell = Box(0.4, 0.3, 0.1, 0.1)
    looked = {second: (float(second), [Detection(Category.ANIMAL, 0.7, shell)]) for second in range(15)}
    flake = MotionPath([[Step(4 + at / 10, 78.0, 20.0 + at, 98.0, 40.0 + at, 300.0, 90.0) for at in range(25)]])
    found = tracklets_of([flake], Frame(192, 108, 0.0, 14.0, 0.1), looked, 0.0)
    assert [tracklet.counted for tracklet in found] == [False, False]
    assert sorted(len([box for box in tracklet.boxes if box.confidence]) for tracklet in found) == [0, 15]


def test_what_stands_all_the_time_proves_nothing_of_what_leads_past_it_through_the_frame():
    flake, stump = path(4.0, 15.0), Box(0.23, 0.3, 0.25, 0.35)

    def counted(marked: range) -> int:
        marks = [Detection(Category.ANIMAL, 0.6, stump)]
        looked = {second: (float(second), marks if second in marked else []) for second in range(11)}
        return sum(tracklet.counted for tracklet in tracklets_of([flake], FRAME, looked, 0.0))

    assert counted(range(11)) == 0
    assert counted(range(3, 5)) == 1  # while it is there, nowhere else


def test_who_stands_on_looks_after_each_other_is_the_same_however_long_the_pause_between_them():
    looks = {second: look for second, look in stays(range(81), Box(0.4, 0.3, 0.2, 0.5)).items() if second % 8 == 0}
    looks = {second: (at, marks if 8 <= second <= 32 else []) for second, (at, marks) in looks.items()}
    found = tracklets_of([], Frame(192, 108, 0.0, 80.0, 0.1), looks, 0.0)
    assert [(tracklet.spans, tracklet.counted) for tracklet in found] == [(((8.0, 32.0),), True)]


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


def at_one_place(confidences: list[float]) -> list[Tracklet]:
    """Something rocks at one place until second 5.2; at once something else does there."""
    whole = path(80.0, 0.0, size=40.0, sway=3.0)
    (steps,) = whole.pieces
    two = [MotionPath([steps[:48]]), MotionPath([steps[48:]])]
    return [tracklet for tracklet in tracklets_of(two, FRAME, marked(whole, confidences), 0.0) if tracklet.counted]


def test_who_comes_to_where_another_stood_is_another_when_nobody_is_marked_there_for_several_looks_in_between():
    assert len(at_one_place([0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8])) == 1
    assert len(at_one_place([0.8, 0.8, 0.8, 0, 0, 0, 0.8, 0.8, 0.8])) == 2


def test_who_comes_in_where_another_goes_out_at_the_same_moment_is_another():
    leaving = [(2.9, 121, 162, 44, 72), (3.1, 135, 176, 44, 72), (3.3, 150, 192, 43, 77), (3.4, 156, 192, 43, 87)]
    coming = [(3.5, 165, 192, 47, 87), (3.7, 160, 192, 47, 87), (3.9, 147, 175, 68, 87), (4.2, 128, 156, 68, 87)]
    before = [(0.8 + n / 5, 10 * n, 40 + 10 * n, 44, 72) for n in range(10)]
    after = [(4.5 + n / 5, 110 - 11 * n, 138 - 11 * n, 68, 87) for n in range(11)]
    paths = [
        MotionPath([[Step(second, left, top, right, bottom, 600, 60) for second, left, right, top, bottom in boxes]])
        for boxes in (before + leaving, coming + after)
    ]
    looked = {}
    for number, second in enumerate((1.2, 1.6, 2.0, 2.6, 3.0, 3.38, 3.55, 3.9, 4.4, 5, 5.4, 5.8, 6.2, 6.5, 7.5)):
        boxes = [box for path in paths if (box := path.box_at(second, FRAME))]
        looked[number] = (second, [Detection(Category.ANIMAL, 0.7, box) for box in boxes])
    both = tracklets_of(paths, FRAME, looked, 0.0)
    assert [(tracklet.entry, tracklet.exit) for tracklet in both] == [("left", "right"), ("right", "left")]


# As recorded of an animal that stops on its way: second, left, top, right and bottom, area; what the detector marks.
WALKS = [
    (1.4, 188, 22, 192, 32, 34),
    (1.92, 163, 21, 192, 48, 474),
    (2.4, 140, 21, 180, 48, 653),
    (2.92, 115, 21, 155, 48, 662),
    (3.4, 92, 21, 132, 48, 663),
    (3.92, 67, 21, 107, 48, 641),
    (5.92, 65, 21, 105, 48, 640),
    (6.4, 42, 21, 83, 48, 663),
    (6.92, 17, 21, 57, 48, 643),
    (7.4, 0, 21, 35, 48, 606),
    (7.92, 0, 25, 10, 48, 147),
]
HARDLY = {
    1.84: Detection(Category.ANIMAL, 0.04, Box(0.88, 0.21, 0.11, 0.23)),
    4.0: Detection(Category.ANIMAL, 0.04, Box(0.34, 0.22, 0.19, 0.22)),
    6.0: Detection(Category.ANIMAL, 0.04, Box(0.33, 0.21, 0.2, 0.24)),
    6.96: Detection(Category.ANIMAL, 0.03, Box(0.1, 0.22, 0.18, 0.21)),
}


def test_who_crosses_the_frame_hardly_marked_counts_with_its_sides_and_times():
    frame, seconds = Frame(192, 108, 0.0, 7.92, 0.08), [0.0, 1.0, 1.6, 1.84, *(2 + at / 4 for at in range(23)), 6.96]
    walker = MotionPath([[Step(*row[:5], float(row[5]), 80.0) for row in WALKS]])
    looked = {round(100 * at): (at, [HARDLY[at]] if at in HARDLY else []) for at in sorted(seconds)}
    (animal,) = tracklets_of([walker], frame, looked, 0.0)
    assert (animal.counted, animal.entry, animal.exit, animal.spans) == (True, Side.RIGHT, Side.LEFT, ((1.4, 7.92),))
    unmarked = {index: (at, []) for index, (at, _) in looked.items()}
    assert not any(tracklet.counted for tracklet in tracklets_of([walker], frame, unmarked, 0.0))


def test_an_insect_that_flies_by_in_infrared_light_is_none_though_it_is_marked_again_and_again():
    # As recorded: second, middle across and down; a dot of 10 pixels that the detector marks six times.
    flight = [(1.0, 134, 51), (1.2, 130, 52), (1.4, 122, 50), (1.6, 108, 49), (1.8, 92, 49), (2.0, 80, 52)]
    flight += [(2.1, 76, 55), (2.2, 74, 58), (2.3, 72, 60), (2.4, 72, 62)]

    insect = MotionPath([[Step(at, x - 5.0, y - 5.0, x + 5.0, y + 5.0, 80.0, 200.0) for at, x, y in flight]])
    looked = {}
    for at, sure in ((1.0, 0.35), (1.3, 0.15), (1.6, 0.05), (1.9, 0.05), (2.1, 0.04), (2.4, 0.07)):
        box = insect.box_at(at, FRAME)
        assert box is not None
        believed = sure if at == 1.0 else sure / 4
        looked[round(10 * at)] = (at, [Doubted(Category.ANIMAL, sure, box, believed=believed)])
    assert not any(tracklet.counted for tracklet in tracklets_of([insect], FRAME, looked, 0.0))
