"""The count of a video as it stands: what people said wins, wherever they said it, and can be taken back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from app.exchange import megadetector_json
from app.exchange.camtrap_dp_rows import OBSERVATIONS, kept_media, observation_rows
from app.survey.calls.overview import waiting_figures
from app.survey.database import Survey
from app.survey.decisions import boxes, videos
from app.survey.decisions.identity import new_individual
from app.survey.decisions.kinds import BOXES, COUNTS
from app.survey.decisions.refusals import BadDecision
from app.survey.decisions.undoing import undo_last
from app.survey.detections import results
from app.survey.detections.boxes import boxes_of, rescore
from app.survey.media import browse
from app.survey.media.stations import deployment_views
from app.survey.tables.media import Media
from app.survey.videos import tracklets
from app.survey.videos.counts import count_of, counts_of
from app.survey.videos.runs import RunFacts, begin, finish
from app.survey.videos.views import opened, page
from modal_backend.contracts import Box, Category, Detection, Provenance
from modal_backend.models.video.summary import Count
from tests.pages.test_videos import TRACKLET, add_video
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


def add_run_of_two(survey: Survey, media_id: int, x: float, most: int) -> int:
    """A newer run with another animal on the same frames, at this share of the width; the id of its first box."""
    shown = tuple(replace(box, box=replace(box.box, x=x)) for box in TRACKLET.boxes)
    with survey.write() as session:
        run = begin(session, media_id, None)
        version = results.model_version(session, "detect", Provenance("embedded", "other", "1", "", "p"), 0.25)
        every = [Detection(Category.ANIMAL, 0.8, box.box) for box in (*TRACKLET.boxes, *shown)]
        ids = results.store_analysis(session, media_id, version, None, every)
        for tracklet, mine in ((TRACKLET, ids[: len(shown)]), (replace(TRACKLET, boxes=shown), ids[len(shown) :])):
            tracklets.put_tracklet(session, media_id, tracklet, mine, run.id)
        finish(session, run, version.id, Count(most, 20, 2.0, most, 2), False, RunFacts())
        rescore(session, [media_id])
    return ids[-1]


def every_count(survey: Survey, media_id: int, folder: Path) -> dict[str, int]:
    """How many animals a video has in each place that says so."""
    megadetector_json.export(survey, folder / "boxes.json")
    (listed,) = json.loads((folder / "boxes.json").read_text())["images"]
    with survey.read() as session:
        kept = kept_media(session, deployment_views(session), "+00:00")
        rows = [dict(zip(OBSERVATIONS, row, strict=True)) for row in observation_rows(session, kept)]
        (detections,), (in_list,) = browse.views(session, [media_id]), page(session, limit=5)
        counts = {
            "Detections": detections.count.animals,
            "Videos, list": in_list.count.animals,
            "Videos, opened": tracklets.summary_of(session, media_id).animals,
            "MegaDetector JSON": listed["pugmark"]["max_at_once"],
            "Camtrap DP": sum(row["count"] or 0 for row in rows if row["observationType"] == "animal"),
        }
        assert waiting_figures(session).animals == (1 if detections.count.animals else 0)  # the Survey page
    return counts


@pytest.mark.parametrize(("x", "most"), [(0.7, 2), (0.21, 1)])
def test_every_page_and_export_gives_the_same_count_before_and_after_a_person_accepts_a_box(
    survey, video, tmp_path, x, most
):
    box = add_run_of_two(survey, video, x, most)
    with survey.write() as session:
        session.get_one(Media, video).taken_at = datetime(2026, 3, 2, 6, 40)
    assert set(every_count(survey, video, tmp_path).values()) == {most}
    with survey.write() as session:
        boxes.correct_box(session, "ana", box, verdict="accepted")
    assert set(every_count(survey, video, tmp_path).values()) == {most}
    with survey.write() as session:
        videos.correct_count(session, "ana", video, 3)
    assert set(every_count(survey, video, tmp_path).values()) == {3}


def test_images_whose_boxes_people_decided_about_have_no_count_and_no_part_in_it(survey, video):
    image, ids = add_media(survey, [found()], folder="Ridge 1")
    with survey.write() as session:
        boxes.correct_box(session, "ana", ids[0], species="Panthera tigris")
    with survey.read() as session:
        assert set(counts_of(session, [image, video])) == {video}
