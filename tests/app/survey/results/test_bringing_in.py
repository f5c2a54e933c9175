"""Results of other detectors come in as model output, matched by path, and one undo takes them back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.exchange.incoming import bringing_in
from app.survey.database import Survey
from app.survey.decisions import boxes as review
from app.survey.decisions import results, undoing
from app.survey.detections import hints
from app.survey.detections.boxes import boxes_of
from app.survey.detections.hints import Hint
from app.survey.tables.detections import ModelVersion
from app.survey.tables.media import ImportBatch, ListedFile, Media, Stage
from app.survey.tables.results import ResultsFile, ResultsState
from app.survey.videos.counts import count_of
from app.survey.videos.tracklets import frames_of
from tests.pages.test_videos import add_video
from tests.support.surveys import add_media, found

LILA = {
    "info": {"detector": "md_v5a.0.0.pt", "detector_metadata": {"megadetector_version": "v5a.0.0"}},
    "detection_categories": {"1": "animal", "2": "person", "3": "vehicle"},
}


def box(confidence: float = 0.8, bbox: tuple[float, ...] = (0.1, 0.1, 0.2, 0.2), category: str = "1") -> dict:
    return {"category": category, "conf": confidence, "bbox": list(bbox)}


def lila(*images: dict) -> dict:
    return {"images": list(images), **LILA}


def read(survey: Survey, folder: Path, document: object, name: str = "results.json") -> int:
    place = folder / name
    place.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    results_id = bringing_in.register(survey, place, name, "ana")
    bringing_in.read_in(survey, results_id)
    return results_id


def take(survey: Survey, results_id: int) -> None:
    with survey.write() as session:
        results.bring_in(session, "ana", results_id)
    after: int | None = 0
    while after is not None:
        after = bringing_in.take_some(survey, results_id, after)
    bringing_in.finish(survey, results_id)


def seen(survey: Survey, media_id: int) -> tuple[list[float], float, str]:
    with survey.read() as session:
        media = session.get_one(Media, media_id)
        return [view.confidence for view in boxes_of(session, [media_id])[media_id]], media.animal_score, media.stage


def row(survey: Survey, results_id: int) -> ResultsFile:
    with survey.read() as session:
        return session.get_one(ResultsFile, results_id)


def test_boxes_come_in_with_model_version_and_threshold_and_one_undo_takes_them_back(survey, tmp_path):
    first, _ = add_media(survey, [found(0.9)])
    second, _ = add_media(survey, [])
    images = [{"file": "Ridge 1/IMG_0001.JPG", "detections": [box(0.7), box(0.3)]},
              {"file": "Ridge 1/IMG_0002.JPG", "detections": []}]  # fmt: skip
    results_id = read(survey, tmp_path, lila(*images))
    assert (row(survey, results_id).state, row(survey, results_id).matched) == (ResultsState.READY, 2)
    assert seen(survey, first)[0] == [0.9], "a preview changes nothing"
    take(survey, results_id)
    assert seen(survey, first) == ([0.7, 0.3], 0.7, Stage.DETECTED)
    assert seen(survey, second) == ([], 0.0, Stage.READY)
    with survey.write() as session:
        version = session.get_one(ModelVersion, row(survey, results_id).model_version_id)
        assert (version.model, version.version, version.threshold) == ("md_v5a.0.0", "v5a.0.0", 0.2)
        decision = undoing.undo_last(session, "ana", ["bring in results"])
    assert seen(survey, first)[:2] == ([0.9], 0.9)
    with survey.write() as session:
        undoing.redo_one(session, decision.id, "ana")
    assert seen(survey, first)[:2] == ([0.7, 0.3], 0.7)


def test_an_image_that_nothing_else_has_looked_at_waits_for_the_own_detector_after_an_undo(survey, tmp_path):
    media_id, _ = add_media(survey)
    with survey.write() as session:
        session.execute(sa.update(Media).values(analysis_id=None, stage=Stage.STORED))
        session.execute(sa.text("delete from analysis"))
    take(survey, results_id := read(survey, tmp_path, lila({"file": "Ridge 1/IMG_0001.JPG", "detections": [box()]})))
    assert seen(survey, media_id)[2] == Stage.DETECTED
    with survey.write() as session:
        undoing.undo_last(session, "ana", ["bring in results"])
    assert seen(survey, media_id) == ([], 0.0, Stage.STORED)
    assert bringing_in.waiting(survey, results_id, 0, 10) == [media_id]
    assert row(survey, results_id).state == ResultsState.TAKING, "a job is due"


def test_what_a_person_decided_stays_and_the_plan_says_so(survey, tmp_path):
    media_id, ids = add_media(survey, [found(0.9)])
    with survey.write() as session:
        review.accept_media(session, "ben", media_id, 0.5)
    results_id = read(survey, tmp_path, lila({"file": "Ridge 1/IMG_0001.JPG", "detections": []}))
    assert bringing_in.plan(survey, results_id).kept == 1
    take(survey, results_id)
    with survey.read() as session:
        assert [view.id for view in boxes_of(session, [media_id])[media_id]] == ids


def test_the_same_file_twice_and_an_unfinished_run_store_every_box_once(survey, tmp_path):
    media_id, _ = add_media(survey)
    document = lila({"file": "Ridge 1/IMG_0001.JPG", "detections": [box()]})
    take(survey, first := read(survey, tmp_path, document))
    assert read(survey, tmp_path, document, "copy.json") == first
    bringing_in.match_again(survey, first)
    assert row(survey, first).state == ResultsState.DONE
    bringing_in.take_some(survey, first, 0)
    assert seen(survey, media_id)[0] == [0.8]


def test_images_that_come_later_get_their_boxes_when_the_file_is_matched_again(survey, tmp_path):
    images = [{"file": f"Ridge 1/IMG_000{number}.JPG", "detections": [box()]} for number in (1, 2)]
    add_media(survey)
    take(survey, results_id := read(survey, tmp_path, lila(*images)))
    later, _ = add_media(survey, [found(0.9)])
    bringing_in.match_again(survey, results_id)
    assert row(survey, results_id).state == ResultsState.TAKING
    bringing_in.take_some(survey, results_id, 0)
    assert seen(survey, later)[0] == [0.8]


def test_an_import_takes_the_boxes_that_come_with_it_before_its_own_detector_looks(survey, tmp_path):
    images = [{"file": f"D:\\photos\\card\\Ridge {number}\\IMG.JPG", "detections": [box()]} for number in (1, 2)]
    results_id = read(survey, tmp_path, lila(*images))
    with survey.write() as session:
        results.bring_in(session, "ana", results_id)
    media_id, _ = add_media(survey, folder="Ridge 2", name="IMG.JPG")
    other, _ = add_media(survey, [], name="OTHER.JPG")
    with survey.write() as session:
        (import_id,) = session.scalars(sa.select(ListedFile.import_id).where(ListedFile.media_id == media_id))
        session.get_one(ImportBatch, import_id).results_id = results_id
    bringing_in.take_for(survey, import_id, [media_id, other])
    assert seen(survey, media_id)[0] == [0.8]
    assert seen(survey, other)[0] == []


def test_entries_that_cannot_be_used_are_listed_with_their_reason(survey, tmp_path):
    add_media(survey)
    bad = [
        ({"file": "a.jpg", "detections": [box(bbox=(0.9, 0.1, 0.4, 0.2))]}, "A box lies outside the picture."),
        ({"file": "b.jpg", "detections": [box(confidence=1.4)]}, "A confidence of 1.4 is not between 0 and 1."),
        ({"file": "c.jpg", "detections": [box(category="9")]}, "The file does not say what category 9 is."),
        ({"file": "d.jpg", "detections": [box(bbox=(1, 2))]}, "A box or its confidence is not made of numbers."),
        ({"file": "e.jpg", "failure": "Failure image access", "detections": None},
         "The file says that it failed: failure image access."),
        ({"detections": []}, "The entry names no file."),
    ]  # fmt: skip
    results_id = read(
        survey, tmp_path, lila({"file": "Ridge 1/IMG_0001.JPG", "detections": []}, *(entry for entry, _ in bad))
    )
    assert [reason for _, reason in bringing_in.plan(survey, results_id).unmatched] == [reason for _, reason in bad]
    assert row(survey, results_id).matched == 1


def test_boxes_in_pixels_fit_the_picture_that_is_found(survey, tmp_path):
    media_id, _ = add_media(survey)
    add_media(survey)
    corners = {"Ridge 1/IMG_0001.JPG": [160, 120, 480, 360], "Ridge 1/IMG_0002.JPG": [0, 0, 4000, 360]}
    images = [{"img_id": path, "bbox": [at], "category": [0], "confidence": [0.8]} for path, at in corners.items()]
    take(survey, results_id := read(survey, tmp_path, {"annotations": images, "categories": {"0": "animal"}}))
    with survey.read() as session:
        (view,) = boxes_of(session, [media_id])[media_id]
    assert (view.x, view.y, view.width, view.height) == pytest.approx((0.1, 0.1, 0.2, 0.2))
    problem = "A box lies outside the picture."
    assert bringing_in.plan(survey, results_id).unmatched == [("Ridge 1/IMG_0002.JPG", problem)]


def test_species_of_a_classifier_come_in_as_hints_that_no_own_hint_replaces_and_nobody_has_decided(survey, tmp_path):
    media_id, _ = add_media(survey)
    add_media(survey)
    labels = {"0": "eastern_fox_squirrel", "1": "x"}
    about = {"1": "id;mammalia;carnivora;canidae;vulpes;vulpes;red fox", "0": ""}
    info = {"detector": "md_v5a", "classifier": "ecosystem1"}
    named = [{**box(0.9), "classifications": [["1", 0.8], ["0", 0.1]]}, {**box(0.7), "classifications": [["0", 0.6]]}]
    document = {
        "info": info, "classification_categories": labels, "classification_category_descriptions": about,
        "detection_categories": {"1": "animal", "2": "wild_boar", "0": "empty"},
        "images": [{"file": "Ridge 1/IMG_0001.JPG", "detections": [*named, box(0.3)]},
                   {"file": "Ridge 1/IMG_0002.JPG", "detections": [box(0.9, category="2"), box(0.9, category="0")]}],
    }  # fmt: skip
    take(survey, read(survey, tmp_path, document))
    with survey.write() as session:
        views = boxes_of(session, [1, 2])
        assert [view.species for view in views[media_id]] == [None, None, None]
        first, second, _ = (view.id for view in views[media_id])
        hints.put(session, {first: (7, "cat", 0.9)})
        found_hints = hints.of_boxes(session, [view.id for some in views.values() for view in some])
        assert hints.newest(session) == 7, "the own hints go on"
        assert [(view.category, view.confidence) for view in views[2]] == [("animal", 0.9)]
    assert found_hints == {
        first: Hint("Vulpes vulpes", 0.8, "ecosystem1"),
        second: Hint("eastern fox squirrel", 0.6, "ecosystem1"),
        views[2][0].id: Hint("wild boar", 0.9, "md_v5a"),
    }


def test_speciesnet_names_the_surest_animal_as_far_as_it_is_sure(survey, tmp_path):
    add_media(survey)
    cat = "id;mammalia;carnivora;felidae;;;cat family"
    predictions = [
        {"filepath": "Ridge 1/IMG_0001.JPG", "prediction": cat, "prediction_score": 0.77, "model_version": "4.0.1a",
         "classifications": {"classes": ["id;m;c;f;felis;catus;domestic cat"], "scores": [0.4]},
         "detections": [box(0.5), box(0.8)]}
    ]  # fmt: skip
    take(survey, read(survey, tmp_path, {"predictions": predictions}))
    with survey.read() as session:
        sure, _ = boxes_of(session, [1])[1]
        assert hints.of_boxes(session, [sure.id]) == {sure.id: Hint("cat family", 0.77, "SpeciesNet")}


def test_microsofts_list_has_corners_in_pixels_and_names_for_categories(survey, tmp_path):
    add_media(survey)
    found_box = {"category": "person", "confidence": 0.8, "bbox": [160, 120, 480, 360]}
    take(survey, read(survey, tmp_path, [{"file": "Ridge 1/IMG_0001.JPG", "detections": [found_box]}]))
    with survey.read() as session:
        (view,) = boxes_of(session, [1])[1]
    assert (view.category, view.x, view.width) == ("person", pytest.approx(0.1), pytest.approx(0.2))


def test_boxes_on_frames_of_a_video_are_a_run_of_it_that_counts_until_it_is_taken_back(survey, tmp_path):
    media_id, ids = add_video(survey), [1, 2, 3]
    add_media(survey)
    frames = [
        {**box(0.7), "frame_number": 10, "classifications": [["0", 0.83]]},
        {**box(0.6), "frame_number": 20},
        {**box(0.1, (0.6, 0.1, 0.2, 0.2)), "frame_number": 20},
        {**box(0.9, category="2"), "frame_number": 20},
    ]
    film = {"file": "Ridge 1/CLIP.MP4", "frame_rate": 10, "frames_processed": [0, 10, 20], "detections": frames}
    document = lila(film, {**film, "file": "Ridge 1/IMG_0002.JPG"}, {"file": "x", "detections": frames[:1]})
    document["classification_categories"] = {"0": "Panthera tigris"}
    results_id = read(survey, tmp_path, document)
    assert [why for _, why in bringing_in.plan(survey, results_id).unmatched] == [
        "It is an image here and a video in the file.", "It is not in the survey.",
    ]  # fmt: skip
    take(survey, results_id)
    with survey.read() as session:
        views = boxes_of(session, [media_id])[media_id]
        on = frames_of(session, [view.id for view in views])
        assert sorted((view.category, view.confidence, on[view.id].frame_number) for view in views) == [
            ("animal", 0.1, 20), ("animal", 0.6, 20), ("animal", 0.7, 10), ("person", 0.9, 20),
        ]  # fmt: skip
        surest = next(view.id for view in views if view.confidence == 0.7)
        assert hints.of_boxes(session, on) == {surest: Hint("Panthera tigris", 0.83, "classifier")}
        assert count_of(session, media_id).animals == 1
        assert bringing_in.waiting_videos(survey, results_id) == [media_id]
    with survey.write() as session:
        decision = undoing.undo_last(session, "ana", ["bring in results"])
        assert sorted(view.id for view in boxes_of(session, [media_id])[media_id]) == ids
        undoing.redo_one(session, decision.id, "ana")
        assert len(boxes_of(session, [media_id])[media_id]) == 4


def test_a_file_that_is_no_results_has_failed_with_the_reason(survey, tmp_path):
    results_id = read(survey, tmp_path, "[" * 5000)
    assert row(survey, results_id).state == ResultsState.FAILED
    assert "nested more than 30 levels deep" in (row(survey, results_id).error or "")
