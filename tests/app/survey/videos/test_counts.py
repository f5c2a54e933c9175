"""The count of a video as it stands: what people said wins, wherever they said it, and can be taken back."""

from __future__ import annotations

import pytest

from app.survey.database import Survey
from app.survey.decisions import boxes, videos
from app.survey.decisions.identity import new_individual
from app.survey.decisions.kinds import BOXES, COUNTS
from app.survey.decisions.refusals import BadDecision
from app.survey.decisions.undoing import undo_last
from app.survey.detections.boxes import boxes_of
from app.survey.tables.media import Media
from app.survey.videos.counts import count_of, counts_of
from app.survey.videos.views import opened
from modal_backend.contracts import Box
from tests.pages.test_videos import add_video
from tests.support.surveys import add_media, found


@pytest.fixture
def video(survey: Survey) -> int:
    """The id of a summarised video with one animal."""
    return add_video(survey)


def standing(survey: Survey, media_id: int) -> tuple[int, float]:
    """The count and the score by which Detections filters."""
    with survey.read() as session:
        count = count_of(session, media_id)
        return count.animals, session.get_one(Media, media_id).animal_score


def box_ids(survey: Survey, media_id: int) -> list[int]:
    with survey.read() as session:
        return [box.id for box in boxes_of(session, [media_id])[media_id]]


def test_a_persons_count_stands_in_every_place_and_is_taken_back(survey, video):
    with survey.write() as session:
        videos.correct_count(session, "ana", video, 3)
    assert standing(survey, video) == (3, 1.0)
    with survey.write() as session:
        undo_last(session, "ana", COUNTS.words)
    assert standing(survey, video) == (1, pytest.approx(0.8))


def test_a_count_of_none_is_blank_in_detections_and_another_count_opens_it_again(survey, video):
    with survey.write() as session:
        videos.correct_count(session, "ana", video, 0)
    assert standing(survey, video) == (0, 0.0)
    with survey.write() as session:
        videos.correct_count(session, "ana", video, 2)
    assert standing(survey, video) == (2, 1.0)


def test_blank_said_in_detections_is_a_count_of_none(survey, video):
    with survey.write() as session:
        boxes.judge_media(session, "ana", video, "blank")
    assert standing(survey, video) == (0, 0.0)


def test_a_rejected_box_takes_its_tracklet_out_and_undo_brings_it_back(survey, video):
    with survey.write() as session:
        boxes.correct_box(session, "ana", box_ids(survey, video)[0], verdict="rejected")
    assert standing(survey, video) == (0, 0.0)
    with survey.write() as session:
        undo_last(session, "ana", BOXES.words)
    assert standing(survey, video)[0] == 1


def test_a_box_drawn_on_a_frame_counts_there_unless_a_tracklet_shows_the_same(survey, video):
    with survey.write() as session:
        boxes.draw_box(session, "ana", video, Box(0.21, 0.31, 0.18, 0.18), "animal", frame=(20, 2.0))
    assert standing(survey, video)[0] == 1
    with survey.write() as session:
        boxes.draw_box(session, "ana", video, Box(0.7, 0.3, 0.2, 0.2), "animal", frame=(20, 2.0))
        boxes.draw_box(session, "ana", video, Box(0.7, 0.3, 0.2, 0.2), "animal", frame=(40, 4.0))
    assert standing(survey, video)[0] == 2
    with survey.read() as session:
        assert sorted(number for number, _ in opened(session, video).drawn) == [20, 20, 40]


def test_a_video_in_which_an_individual_was_named_is_not_made_empty(survey, video):
    with survey.write() as session:
        new_individual(session, "ana", box_ids(survey, video)[0])
    with survey.write() as session, pytest.raises(BadDecision, match="was named in this video"):
        videos.correct_count(session, "ana", video, 0)


def test_images_whose_boxes_people_decided_about_have_no_count_and_no_part_in_it(survey, video):
    image, ids = add_media(survey, [found()], folder="Ridge 1")
    with survey.write() as session:
        boxes.correct_box(session, "ana", ids[0], species="Panthera tigris")
    with survey.read() as session:
        assert set(counts_of(session, [image, video])) == {video}
