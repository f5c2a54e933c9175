"""The Videos page on a survey with a video: words, count and tracklets; no model and no decoder in its process."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.settings import load_settings
from app.survey.database import Survey, open_survey
from app.survey.decisions import boxes
from app.survey.decisions import videos as video_decisions
from app.survey.decisions.kinds import RUNS
from app.survey.decisions.undoing import undo_last
from app.survey.detections import results
from app.survey.detections.boxes import boxes_of
from app.survey.individuals import rankings
from app.survey.individuals.rankings import Scope
from app.survey.media import imports
from app.survey.tables.media import ListedFile, Media, Stage
from app.survey.tables.videos import TrackletRow, VideoReview, VideoRunRow
from app.survey.videos import accounts, answers, tracklets, views
from app.survey.videos import runs as video_run_rows
from app.ui.videos.items import state_of
from modal_backend.contracts import (
    Box,
    Category,
    Detection,
    FrameBox,
    Provenance,
    Side,
    Source,
    Tracklet,
    VideoAnswer,
)
from modal_backend.models.video.summary import Count, Sentence
from tests.pages.test_every_page import page, words
from tests.support.commands import brought_in
from tests.support.pages import survey_of_pages

BOXES = tuple(FrameBox(index, index / 10, Box(0.2, 0.3, 0.2, 0.2), 0.6, 0.5) for index in (10, 20, 30))
TRACKLET = Tracklet(Category.ANIMAL, 0.8, Source.BOTH, ((1.0, 3.0),), BOXES, Side.LEFT, Side.RIGHT, 1.0)


def add_video(survey: Survey) -> int:
    """A summarised video with one tracklet, without any model."""
    with survey.write() as session:
        batch = imports.start_import(session, kind="folder", root="/card", label="card")
        media = Media(
            sha256="c" * 64, kind="video", format="mp4", bytes=9, width=640, height=360, stage=Stage.READY,
            deployment_id=imports.deployment_named(session, "Ridge 1").id,
        )  # fmt: skip
        session.add(media)
        session.flush()
        session.add(ListedFile(import_id=batch.id, path="Ridge 1/CLIP.MP4", media_id=media.id, outcome="new", bytes=9))
        tracklets.put_video(
            session, media.id, duration=5.0, frame_rate=10.0, frames=50, codec="h264", container="mov", key_frame=20,
        )  # fmt: skip
        add_run(session, media.id, "d", 1).query_id = 1
        return media.id


def add_run(session: Session, media_id: int, detector: str, animals: int) -> TrackletRow:
    """A run of this detector over the video, with one tracklet and this count."""
    run = video_run_rows.begin(session, media_id, None)
    version = results.model_version(session, "detect", Provenance("embedded", detector, "1", "", "p"), 0.25)
    found = [Detection(Category.ANIMAL, 0.8, box.box) for box in BOXES]
    ids = results.store_analysis(session, media_id, version, None, found)
    row = tracklets.put_tracklet(session, media_id, TRACKLET, ids, run.id)
    sentence = Sentence(f"{animals} animal is in this video.", 1.0, 3.0, (10, 20, 30))
    facts = video_run_rows.RunFacts(
        looked=[[index, index / 10] for index in range(0, 50, 10)], compared=50, sentences=tracklets.as_rows([sentence])
    )
    count = Count(animals, 20, 2.0, animals, animals)
    video_run_rows.finish(session, run, version.id, count, False, facts)
    return row


@pytest.fixture
def video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Id of a video in the survey that the dashboard opens."""
    with survey_of_pages(tmp_path / "data", monkeypatch) as survey:
        yield add_video(survey)


@pytest.mark.parametrize("name", ["survey", "detections", "identify", "individuals", "videos"])
def test_every_page_runs_on_a_survey_with_a_video(video, name):
    assert not page(name).exception


def test_an_open_video_says_what_was_computed_and_from_what(video):
    test = page("videos", media=str(video))
    assert not test.exception
    shown = words(test)
    assert "1 animal is in this video." in shown
    assert "Computed on this machine from detections and motion" in shown
    assert "5 of 50 frames" in shown
    assert "left → right" in shown


def test_a_list_says_which_videos_hold_people_or_vehicles_beside_what_moves(video):
    survey = open_survey(load_settings())
    with survey.write() as session:
        row = session.scalars(sa.select(TrackletRow)).one()
        row.category = "vehicle"
        session.get_one(Media, video).vehicle_score = 0.8
        run = session.get_one(VideoRunRow, row.run_id)
        run.animals, run.distinct_low, run.distinct_high, run.unidentified = 0, 0, 0, True
        session.flush()
        (view,) = views.page(session, limit=5)
    survey.close()
    assert state_of(view) == "a vehicle · moving, unidentified"


def test_a_corrected_count_stands_and_can_be_taken_back(video):
    test = page("videos", media=str(video))
    test.number_input[0].set_value(3)
    next(button for button in test.button if button.label == "Save the count").click().run()
    assert "Counted by ana; computed: 1." in words(test)
    next(button for button in test.button if button.label == "Undo").click().run()
    assert not test.exception
    assert "Counted by" not in words(test)


def test_undo_beside_a_video_takes_back_the_count_and_the_deletion_of_this_video_not_the_newest_of_any(video):
    survey = open_survey(load_settings())
    with survey.write() as session:
        other = Media(sha256="d" * 64, kind="video", format="mp4", bytes=9, width=640, height=360, stage=Stage.READY)
        session.add(other)
        session.flush()
        facts = {"duration": 5.0, "frame_rate": 10.0, "frames": 50, "codec": "h264", "container": "mov"}
        tracklets.put_video(session, other.id, **facts)
        questions = [
            answers.ask(session, media_id, "own", "Who?", "ana", model="vlm-1", host="local", through="direct")
            for media_id in (video, other.id)
        ]
        for media_id, asked, animals in zip((video, other.id), questions, (3, 7), strict=True):
            video_decisions.correct_count(session, "ana", media_id, animals)
            answers.fail(session, asked.id, "No answer.")
    test = page("videos", media=str(video))
    next(button for button in test.button if button.key == f"video-delete-{questions[0].id}").click().run()
    with survey.write() as session:
        video_decisions.delete_answer(session, "ana", questions[1].id)
    for key in ("undo-count", f"video-undo-{video}"):
        next(button for button in test.button if button.key == key).click().run()
        assert not test.exception
    with survey.read() as session:
        assert [session.get(VideoReview, media_id) is None for media_id in (video, other.id)] == [True, False]
        assert [len(answers.answers(session, media_id)) for media_id in (video, other.id)] == [1, 0]
    survey.close()


def test_accounts_of_a_video_stand_side_by_side_and_a_count_that_differs_is_marked(video):
    assert "one account of this video" in " ".join(element.value for element in page("videos", media=str(video)).info)
    survey = open_survey(load_settings())
    with survey.write() as session:
        for text in ("<b>Two</b> leave.\nCount: 3", "A quiet forest."):
            asked = answers.ask(session, video, "own", "Who?", "ana", model="vlm-1", host="local", through="direct")
            answers.keep(session, asked.id, VideoAnswer(text, "vlm-1", "local", None, None, 1, False), (None, None))
    with survey.read() as session:
        runs = accounts.runs_of(session, video)
    survey.close()
    assert [(run.kind, run.animals) for run in runs] == [("computed", 1), ("answered", None), ("answered", 3)]
    assert accounts.differing(runs) == {2}
    assert runs[0].tracklets == (("animal", 1.0, 3.0, "left", "right"),)
    test = page("videos", media=str(video))
    assert not test.exception
    assert any("The counts differ: 1, 3" in element.value for element in test.warning)
    assert any("3 animals, not 1" in element.value for element in test.markdown)
    assert "<b>Two</b> leave.\nCount: 3" in [element.value for element in test.text]


def test_of_two_runs_the_newest_counts_until_a_person_chooses_and_the_choice_can_be_undone(video):
    survey = open_survey(load_settings())
    with survey.write() as session:
        add_run(session, video, "e", 2)
    test = page("videos", media=str(video))
    assert "2 animal is in this video." in words(test)
    assert any("The counts differ: 2, 1" in element.value for element in test.warning)
    next(button for button in test.button if button.label == "Use this run").click().run()
    assert not test.exception
    assert (
        next(element.value for element in test.text if "in this video" in element.value) == "1 animal is in this video."
    )
    with survey.write() as session:
        assert tracklets.summary_of(session, video).animals == 1
        undo_last(session, "ana", RUNS.words)
    with survey.read() as session:
        assert tracklets.summary_of(session, video).animals == 2
    survey.close()


def test_a_run_people_have_decided_on_counts_beside_a_newer_one_and_the_newer_one_does_not_wait_in_identify(video):
    survey = open_survey(load_settings())
    with survey.write() as session:
        ((row, _),) = tracklets.tracklets_of(session, video)
        first = tracklets.detections_of(session, row.id)[0].detection_id
        row.query_id = first
        boxes.correct_box(session, "ana", first, species="Cervus elaphus")
        video_decisions.correct_count(session, "ana", video, 4)
        newer = add_run(session, video, "e", 2)
        newer.query_id = tracklets.detections_of(session, newer.id)[0].detection_id
    with survey.read() as session:
        runs = [run for run in accounts.runs_of(session, video) if run.run_id]
        assert [(run.animals, run.counts, run.decided) for run in runs] == [(1, True, 1), (2, False, 0)]
        assert tracklets.summary_of(session, video).animals == 4
        assert [row.query_id for row, _ in tracklets.tracklets_of(session, video)] == [first]
        assert list(session.scalars(tracklets.set_aside())) == [newer.query_id]
        assert newer.query_id in rankings.allowed(session, first, Scope())[1]
    with survey.write() as session:
        video_decisions.use_run(session, "ana", runs[1].run_id)
    with survey.read() as session:
        kept = [box for box in boxes_of(session, [video])[video] if box.species]
        assert [box.id for box in kept] == [first]
        assert tracklets.summary_of(session, video).animals == 4
    survey.close()


def test_a_video_is_asked_for_again_from_the_page_and_only_once_at_a_time(video):
    test = page("videos", media=str(video))
    next(button for button in test.button if button.label == "Summarise again").click().run()
    assert not test.exception
    assert "Waits for the worker" in words(test)
    survey = open_survey(load_settings())
    with survey.write() as session, pytest.raises(boxes.BadDecision):
        video_decisions.ask_again(session, video, "ana")
    survey.close()


def test_a_video_that_does_not_exist_leads_to_the_list(video):
    assert not page("videos", media="999").exception


def test_the_page_brings_no_decoder_into_the_dashboard():
    script = (
        "import app.main, app.shell\n"
        "from app.survey.videos import tracklets, views\n"
        "from app.ui.videos import items, plots, progress, summary"
    )
    assert brought_in(script, "torch", "cv2", "av") == set()
