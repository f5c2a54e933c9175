"""COCO: every rule of the format that a reader relies on, people's decisions applied, what is left out is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.__main__ import parsed
from app.commands import exports
from app.exchange.coco import write
from app.exchange.identifiers import ExportRefused
from app.survey.database import Survey
from app.survey.decisions import boxes, catalogue
from app.survey.decisions.stations import set_deployment
from app.survey.tables.media import Media
from modal_backend.contracts import Box, Category, Detection
from tests.support.catalogued import DAY, opened, seen
from tests.support.surveys import add_media, found


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory):
    """Named tigers, a weak box, one over the edge, one rejected, a blank, a person, a vehicle, a video, a failure."""
    with opened(tmp_path_factory.mktemp("coco")) as survey:
        seen(survey, "Machli", "Ridge", 0)
        seen(survey, "Machli", "Valley", DAY, flank="right")
        add_media(survey, [found(0.7), found(0.1, x=0.6)], folder="Ridge", minutes=30)
        add_media(survey, [Detection(Category.ANIMAL, 0.9, Box(0.9, 0.8, 0.3, 0.4))], folder="Ridge", minutes=None)
        blank, _ = add_media(survey, [found(0.9)], folder="Ridge", minutes=60)
        _, rejected = add_media(survey, [found(0.9)], folder="Ridge", minutes=70)
        add_media(survey, [Detection(Category.PERSON, 0.9, Box(0.1, 0.1, 0.2, 0.5)), found()], folder="Ridge")
        add_media(survey, [Detection(Category.VEHICLE, 0.2, Box(0.1, 0.1, 0.2, 0.5))], folder="Ridge", minutes=95)
        video, _ = add_media(survey, [found()], folder="Ridge", minutes=99)
        failed, _ = add_media(survey, [], folder="Ridge", minutes=120)
        with survey.write() as session:
            session.get_one(Media, video).kind = "video"
            session.get_one(Media, failed).stage = "failed"
            catalogue.describe(session, "ana", 1, species="Panthera tigris")
            boxes.judge_media(session, "ben", blank, "blank")
            boxes.correct_box(session, "ben", rejected[0], verdict="rejected")
            set_deployment(session, "ana", 1, clock_offset_seconds=3600)
        yield survey


def document(survey: Survey) -> dict[str, Any]:
    out = survey.data_dir / "coco.json"
    with survey.read() as session:
        write(session, out)
    return json.loads(out.read_text(encoding="utf-8"))


def test_ids_are_unique_positive_and_refer_to_what_is_there(filled):
    coco = document(filled)
    for table in ("images", "annotations", "categories"):
        ids = [entry["id"] for entry in coco[table]]
        assert len(ids) == len(set(ids)) > 0
        # COCO Camera Traps asks for text, except of categories
        assert all(isinstance(number, int if table == "categories" else str) and int(number) > 0 for number in ids)
    images, categories = ({entry["id"] for entry in coco[table]} for table in ("images", "categories"))
    assert {annotation["image_id"] for annotation in coco["annotations"]} <= images
    assert {annotation["category_id"] for annotation in coco["annotations"]} <= categories
    assert len({category["name"] for category in coco["categories"]}) == len(coco["categories"])
    assert len({image["file_name"] for image in coco["images"]}) == len(coco["images"])


def test_boxes_are_in_pixels_inside_their_image_with_their_area(filled):
    coco = document(filled)
    images = {entry["id"]: entry for entry in coco["images"]}
    for annotation in coco["annotations"]:
        x, y, wide, high = annotation["bbox"]
        image = images[annotation["image_id"]]
        assert min(x, y) >= 0
        assert min(wide, high) > 0
        assert x + wide <= image["width"] + 0.01
        assert y + high <= image["height"] + 0.01
        assert annotation["area"] == pytest.approx(wide * high, abs=0.01)
        assert annotation["iscrowd"] == 0
    assert coco["annotations"][0]["bbox"] == [160.0, 360.0, 480.0, 480.0]
    assert [1440.0, 960.0, 160.0, 240.0] in [annotation["bbox"] for annotation in coco["annotations"]], (
        "cut at the edge"
    )


def test_the_individual_its_species_and_its_flank_are_on_its_annotations(filled):
    coco = document(filled)
    names = {category["id"]: category["name"] for category in coco["categories"]}
    mine = [annotation for annotation in coco["annotations"] if annotation["attributes"].get("individual") == "Machli"]
    assert [annotation["attributes"]["flank"] for annotation in mine] == ["left", "right"]
    assert {annotation["attributes"]["individual_id"] for annotation in mine} == {1}
    assert {names[annotation["category_id"]] for annotation in mine} == {"Panthera tigris"}
    assert all(
        "individual_id" not in annotation["attributes"] for annotation in coco["annotations"] if annotation not in mine
    )
    assert {category["supercategory"] for category in coco["categories"] if category["name"] == "Panthera tigris"} == {
        "animal"
    }


def test_decisions_count_and_videos_people_and_failures_are_left_out_and_said(filled):
    coco = document(filled)
    names = {category["id"]: category["name"] for category in coco["categories"]}
    assert sorted(names[annotation["category_id"]] for annotation in coco["annotations"]) == [
        "Panthera tigris", "Panthera tigris", "animal", "animal", "vehicle",
    ]  # fmt: skip
    assert len(coco["images"]) == 7  # the blank one and the one whose box was rejected are images without annotations
    assert coco["info"]["left_out"] == [
        "videos and their frames: 1",
        "images with a person: 1",
        "images not analysed yet, or whose analysis failed: 1",
    ]


def test_times_have_their_correction_and_are_missing_where_unknown(filled):
    images = document(filled)["images"]
    assert images[0]["datetime"] == images[0]["date_captured"] == "2024-03-12 06:41:00"
    assert images[0]["location"] == "Ridge"
    assert "datetime" not in images[3]


def test_the_command_writes_the_file_and_tells_what_it_holds(filled, tmp_path: Path, capsys, settings):
    out = tmp_path / "survey.json"
    there = settings.model_copy(update={"data_dir": filled.data_dir})
    assert exports.run(there, parsed(["export", "coco", str(out), "--json"])) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["holds"].startswith("7 images, 5 boxes; left out: videos and their frames: 1")
    assert len(json.loads(out.read_text())["annotations"]) == 5


def test_a_survey_without_images_is_refused(survey, tmp_path: Path):
    with survey.read() as session, pytest.raises(ExportRefused, match="nothing to write"):
        write(session, tmp_path / "none.json")
    assert not (tmp_path / "none.json").exists()
