"""The most at once and the range of different ones, from tracklets; and what the words make of them."""

from __future__ import annotations

from dataclasses import replace

from app.video.summary.counts import count_of
from app.video.summary.coverage import VideoCoverage
from app.video.summary.sentences import summarise_in_words
from modal_backend.contracts import Box, Category, FrameBox, Source, Tracklet
from modal_backend.models.video.summary import Count

FRAMES = tuple((index, index / 10) for index in range(0, 100, 10))


def tracklet(first: int, last: int, x: float = 0.1, *, sure: float = 0.9, counted: bool = True, **values) -> Tracklet:
    """One seen from frame to frame at a place."""
    boxes = tuple(
        FrameBox(index, second, Box(x, 0.4, 0.1, 0.2), sure) for index, second in FRAMES if first <= index <= last
    )
    spans = values.pop("spans", ((first / 10, last / 10),))
    source = Source.BOTH if counted else Source.MOTION
    return Tracklet(Category.ANIMAL, sure, source, spans, boxes, None, None, 1.0, counted, **values)


def first_sentence(*tracklets: Tracklet, **values) -> str:
    summary = summarise_in_words(tracklets, VideoCoverage(10.0, FRAMES, None, **values))
    return summary.sentences[0].text


def test_two_that_meet_and_one_that_comes_later_are_two_at_once_and_two_or_three_different_ones():
    found = [tracklet(0, 50), tracklet(30, 60, 0.5), tracklet(80, 90)]
    assert count_of(found, [Category.ANIMAL]) == Count(2, 30, 3.0, 2, 3)


def test_two_at_once_on_a_single_frame_are_one_where_their_boxes_touch_and_probably_two_where_they_are_apart():
    handed_over = [tracklet(0, 50), tracklet(50, 90, 0.14)]
    assert count_of(handed_over, [Category.ANIMAL]).at_once == 1
    apart = [tracklet(0, 50), tracklet(50, 90, 0.5)]
    assert count_of(apart, [Category.ANIMAL]) == Count(2, 50, 5.0, 1, 2)
    assert first_sentence(*apart) == "Probably two animals at once, at 0:05.0."


def test_what_the_detector_marks_weakly_widens_the_range_and_what_it_never_marks_does_not():
    weak, unmarked = tracklet(0, 30, 0.5, sure=0.1, counted=False), tracklet(0, 30, 0.5, sure=0.0, counted=False)
    unmarked = replace(unmarked, boxes=tuple(replace(box, confidence=None) for box in unmarked.boxes))
    assert count_of([tracklet(0, 50), weak, unmarked], [Category.ANIMAL]) == Count(1, 0, 0.0, 1, 2)
    assert count_of([weak], [Category.ANIMAL]) == Count(high=1)
    summary = summarise_in_words([weak], VideoCoverage(10.0, FRAMES, None))
    assert summary.sentences[1].text.startswith("Perhaps one animal is there")


def test_one_that_leaves_and_comes_back_may_be_two():
    found = [tracklet(0, 90, spans=((0.0, 2.0), (6.0, 9.0)))]
    assert (count_of(found, [Category.ANIMAL]).low, count_of(found, [Category.ANIMAL]).high) == (1, 2)


def test_two_boxes_at_one_place_are_one_animal_at_once():
    assert count_of([tracklet(0, 50), tracklet(0, 50)], [Category.ANIMAL]).at_once == 1


def test_what_does_not_count_may_be_one_more_at_most_and_other_categories_are_not_counted():
    assert count_of([tracklet(0, 50, counted=False)], [Category.ANIMAL]) == Count(high=1)
    assert count_of([tracklet(0, 50)], [Category.PERSON]) == Count()


def test_the_first_sentence_gives_the_most_at_once_and_doubt_comes_first():
    assert first_sentence(tracklet(0, 50), tracklet(30, 60, 0.5)) == "At most two animals at once, at 0:03.0."
    assert first_sentence(tracklet(0, 50, sure=0.3)) == "Probably one animal, at 0:00.0."
    assert first_sentence() == "No animal was found on the 10 frames looked at."


def test_the_sentence_of_the_most_at_once_leads_to_the_frame_that_shows_them():
    found = [tracklet(0, 50), tracklet(30, 60, 0.5)]
    sentence = summarise_in_words(found, VideoCoverage(10.0, FRAMES, None)).sentences[0]
    assert (sentence.first_second, sentence.last_second, sentence.frames) == (3.0, 3.0, (30,))


def test_a_camera_that_moves_is_in_the_first_sentence():
    assert first_sentence(tracklet(0, 50), carried=True) == "One animal, at 0:00.0, and the camera itself moves."
    assert first_sentence(carried=True).endswith("looked at, and the camera itself moves.")


def test_who_was_seen_comes_before_what_was_not():
    people = [replace(tracklet(0, 20), category=Category.PERSON), replace(tracklet(50, 90), category=Category.PERSON)]
    texts = [sentence.text for sentence in summarise_in_words(people, VideoCoverage(10.0, FRAMES, None)).sentences]
    assert texts[:3] == [
        "One person at a time, at 0:00.0.",
        "One to two different people.",
        "No animal was found on the 10 frames looked at.",
    ]


def test_the_same_doubt_about_several_is_one_sentence():
    badly = {"note": "is marked weakly or seldom"}
    weak = [replace(tracklet(at, at + 10, sure=0.1, counted=False), source=Source.DETECTOR) for at in (0, 70)]
    found = [tracklet(0, 50, **badly), tracklet(30, 60, 0.5, **badly), *weak]
    texts = [sentence.text for sentence in summarise_in_words(found, VideoCoverage(10.0, FRAMES, None)).uncertainty]
    assert texts == [
        "Each of animal 1 and animal 2 is marked weakly or seldom.",
        "What the detector marks from 0:00.0 to 0:01.0 and from 0:07.0 to 0:08.0"
        " is not counted: too weak or too seldom.",
    ]
