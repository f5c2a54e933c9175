"""Videos with animals on known paths: how many, when, from which side to which, and none where there are none."""

from __future__ import annotations

from dataclasses import replace
from itertools import count, pairwise

import cv2
import numpy as np
import pytest

from app.video.motion.background import find_motion
from app.video.motion.tracker import Step, Track
from app.video.paths.frame_borders import Frame
from app.video.paths.paths import paths_of
from app.video.summary.summarise import SummarisedVideo, summarise_video
from app.video.timecode import timecode
from modal_backend.contracts import Box, Category, Detection, Source
from tests.support.drawn_videos import DrawnVideo, Path2, draw_video
from tests.support.marked import marks_animals

QUICK = {"width": 320, "height": 180, "fps": 8}


def nothing(pictures):
    return [[] for _ in pictures]


def summarised(video: DrawnVideo, folder, detect=None) -> SummarisedVideo:
    """With a detector that marks what is not of the scene, where none is given."""
    file = folder / "video.mp4"
    draw_video(video, file, options={"preset": "ultrafast"})
    return summarise_video(file, detect or marks_animals(video, folder))


def crossing(start: float, right: bool, y: float, pace: float = 0.35, size: float = 0.2, look: int = 2) -> Path2:
    here, there = (-0.12, 1.12) if right else (1.12, -0.12)
    return Path2(((start, here, y), (start + 1.24 / pace, there, y)), size, look)


def courses(done: SummarisedVideo) -> list[tuple[str | None, str | None]]:
    return [(tracklet.entry, tracklet.exit) for tracklet in done.summary.tracklets if tracklet.counted]


@pytest.mark.parametrize(
    "effects", [(), ("shake",), ("flicker",), ("wind",), ("bar",), ("infrared",), ("shake", "bar", "noise")]
)
def test_nothing_is_found_where_nothing_lives(tmp_path, effects):
    done = summarised(DrawnVideo(11, 7, look="pasted", effects=effects, **QUICK), tmp_path, nothing)
    assert done.summary.animals == 0
    assert done.summary.sentences[0].text.startswith("No animal was found")


@pytest.mark.parametrize("effects", [(), ("flicker", "bar"), ("wind",), ("infrared",), ("shake",)])
def test_two_animals_that_cross_are_two_with_their_sides_and_times(tmp_path, effects):
    paths = [crossing(0.6, True, 0.35), crossing(1.4, False, 0.72, look=5)]
    done = summarised(DrawnVideo(23, 6.5, effects=effects, animals=paths, **QUICK), tmp_path)
    assert sorted(courses(done)) == [("left", "right"), ("right", "left")]
    for tracklet in (candidate for candidate in done.summary.tracklets if candidate.counted):
        first = 0.6 if tracklet.entry == "left" else 1.4
        assert abs(tracklet.first_second - first) < 1.0
        assert abs(tracklet.last_second - first - 1.24 / 0.35) < 1.0


def test_an_animal_that_stops_and_goes_on_is_one(tmp_path):
    path = Path2(((0.5, -0.12, 0.5), (2.0, 0.45, 0.5), (5.0, 0.45, 0.5), (6.5, 1.12, 0.5)), 0.2, 4)
    done = summarised(DrawnVideo(31, 7.5, animals=[path], **QUICK), tmp_path)
    assert courses(done) == [("left", "right")]
    assert done.summary.tracklets[0].moving < 0.8


def test_an_animal_that_leaves_and_comes_back_is_one_with_two_times_in_view(tmp_path):
    out = ((0.5, -0.12, 0.5), (1.8, 0.4, 0.5), (3.1, -0.12, 0.5))
    back = ((5.0, -0.12, 0.5), (6.3, 0.4, 0.5), (7.6, -0.12, 0.5))
    path = Path2((*out, (3.2, -3.0, 0.5), (4.9, -3.0, 0.5), *back), 0.2, 4)
    done = summarised(DrawnVideo(31, 8.5, animals=[path], **QUICK), tmp_path)
    (tracklet,) = [tracklet for tracklet in done.summary.tracklets if tracklet.counted]
    assert len(tracklet.spans) == 2
    assert (tracklet.entry, tracklet.exit) == ("left", "left")
    assert any("came back" in sentence.text for sentence in done.summary.uncertainty)


def test_an_animal_there_from_the_beginning_has_no_side_it_came_from(tmp_path):
    path = Path2(((-1.0, 0.5, 0.5), (3.0, 0.5, 0.5), (5.0, 1.12, 0.5)), 0.2, 4)
    done = summarised(DrawnVideo(41, 6.5, animals=[path], **QUICK), tmp_path)
    assert courses(done) == [(None, "right")]


def test_every_sentence_names_frames_that_were_looked_at_within_its_seconds(tmp_path):
    done = summarised(
        DrawnVideo(23, 6.5, animals=[crossing(0.6, True, 0.4), crossing(1.4, False, 0.75)], **QUICK), tmp_path
    )
    looked = dict(done.coverage.sampled)
    assert len(done.summary.sentences) >= 3
    for sentence in (*done.summary.sentences, *done.summary.uncertainty):
        assert sentence.frames
        for index in sentence.frames:
            assert sentence.first_second - 0.2 <= looked[index] <= sentence.last_second + 0.2


def test_what_only_moves_is_no_animal_but_moving_unidentified(tmp_path):
    done = summarised(DrawnVideo(43, 5, animals=[crossing(0.5, True, 0.5)], **QUICK), tmp_path, nothing)
    (tracklet,) = done.summary.tracklets
    assert (tracklet.source, tracklet.counted) == (Source.MOTION, False)
    assert (done.summary.animals, done.summary.unidentified) == (0, (tracklet,))
    assert [sentence.text for sentence in done.summary.sentences if sentence.text.startswith("Something moved")] == [
        f"Something moved across the frame from {timecode(tracklet.first_second)} to"
        f" {timecode(tracklet.last_second)}; the detector does not take it for an animal."
    ]


def test_what_the_detector_marks_and_never_moves_counts_only_when_it_is_sure(tmp_path):
    def marks(confidence: float):
        return lambda pictures: [[Detection(Category.ANIMAL, confidence, Box(0.4, 0.4, 0.2, 0.2))] for _ in pictures]

    video = DrawnVideo(47, 5, **QUICK)
    sure, unsure = summarised(video, tmp_path, marks(0.9)), summarised(video, tmp_path, marks(0.4))
    assert sure.summary.animals == 1
    assert unsure.summary.animals == 0
    assert [tracklet.counted for tracklet in unsure.summary.tracklets] == [False]
    assert any("not counted" in sentence.text for sentence in unsure.summary.uncertainty)


def test_a_person_the_detector_names_is_a_person(tmp_path):
    video = DrawnVideo(43, 5, animals=[crossing(0.5, True, 0.5)], **QUICK)

    done = summarised(video, tmp_path, marks_animals(video, tmp_path, category=Category.PERSON))
    kinds = {tracklet.category for tracklet in done.summary.tracklets if tracklet.source == Source.BOTH}
    assert Category.PERSON in kinds


def test_what_is_marked_weakly_as_a_person_is_perhaps_a_person_and_no_animal(tmp_path):
    to_and_fro = Path2(((0.5, -0.12, 0.5), *((1.3 + 0.4 * at, (0.55, 0.25)[at % 2], 0.5) for at in range(8))), 0.2, 2)
    video = DrawnVideo(43, 5, animals=[to_and_fro], **QUICK)
    boxes = [Detection(Category.PERSON, 0.1, Box(x / 10, 0.35, 0.2, 0.3)) for x in range(9)]
    looks = count()

    def on_every_third_look(pictures):
        return [boxes if next(looks) % 3 == 0 else [] for _ in pictures]

    done = summarised(video, tmp_path, on_every_third_look)
    (tracklet,) = done.summary.tracklets
    assert (tracklet.category, tracklet.counted) == (Category.PERSON, False)
    assert "for a person" in tracklet.note
    assert [sentence.text.split(":")[0] for sentence in done.summary.sentences if "Perhaps" in sentence.text] == [
        "Perhaps one person is there"
    ]


def test_at_most_the_budget_is_looked_at_and_it_lies_dense_where_something_moves(tmp_path):
    video = replace(DrawnVideo(53, 30, animals=[crossing(12, True, 0.5)], **QUICK), fps=6)
    done = summarised(video, tmp_path)
    seconds = [second for _, second in done.coverage.sampled]
    assert len(seconds) <= 64
    assert max(b - a for a, b in pairwise(seconds)) <= 1.2
    moving = [second for second in seconds if 12.2 <= second <= 15.2]
    assert len(moving) / 3 > 1.5 * (len(seconds) - len(moving)) / 27


def track_of(places: list[tuple[float, float]], size: float = 5.0) -> Track:
    """A track with a place a second."""
    steps = [Step(float(n), x, y, x + size, y + size, size * size, 80.0) for n, (x, y) in enumerate(places)]
    return Track(steps)


def test_at_a_frame_a_second_specks_that_flare_up_here_and_there_are_no_path_but_even_strides_are():
    frame = Frame(106, 60, 0.0, 30.0, 1.0)
    specks = [(96, 20), (49, 5), (51, 25), (51, 25), (52, 25), (51, 26), (20, 40), (20, 41)]
    strides = [(4 + 14 * n, 30) for n in range(7)]
    assert paths_of([track_of(specks)], frame) == []
    (path,) = paths_of([track_of(strides)], frame)
    assert path.spans == ((0.0, 6.0),)


def test_texture_that_settles_with_the_exposure_does_not_move_and_an_animal_before_it_does():
    rng = np.random.default_rng(5)
    scene = cv2.GaussianBlur(rng.uniform(20, 230, (60, 106)).astype(np.float32), (0, 0), 1.2) * 1.6 - 75
    other = cv2.GaussianBlur(rng.uniform(-60, 60, (60, 106)).astype(np.float32), (0, 0), 1.2)
    frames = np.stack([scene + other * max(0.0, 1 - n / 8) for n in range(40)]).clip(0, 255)
    still = find_motion(frames.astype(np.uint8), np.arange(40.0)).masks
    assert still.mean(axis=(1, 2)).max() < 0.01
    frames[3, 20:35, 30:60] = 250
    masks = find_motion(frames.astype(np.uint8), np.arange(40.0)).masks
    assert masks[3, 20:35, 30:60].mean() > 0.8


def test_what_stirs_for_a_moment_inside_the_frame_is_named_and_not_counted(tmp_path):
    path = Path2(((3.0, 0.4, 0.5), (4.2, 0.62, 0.5)), 0.15, 4)
    done = summarised(DrawnVideo(43, 8, animals=[path], **QUICK), tmp_path, nothing)
    assert done.summary.animals == 0
    assert [tracklet.counted for tracklet in done.summary.tracklets] == [False]
    assert any(sentence.text.startswith("Something moved in the middle") for sentence in done.summary.sentences)
