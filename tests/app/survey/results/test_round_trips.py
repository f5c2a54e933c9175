"""What Pugmark writes it reads again: boxes, individuals and species come back the same."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest

from app.exchange import camtrap_dp, coco, megadetector_json, sightings_csv
from app.exchange.incoming import bringing_in, identities, taking_over
from app.exchange.incoming.recognise import recognise
from app.settings import Settings
from app.survey.database import Survey, open_survey
from app.survey.decisions import boxes as review
from app.survey.decisions import catalogue, identities_file, results, stations
from app.survey.decisions import identity as identify
from app.survey.detections.boxes import boxes_of
from app.survey.detections.results import box_key
from modal_backend.contracts import Category
from tests.pages.test_videos import add_video
from tests.support.catalogued import place, seen
from tests.support.surveys import add_media, found

BOXES = [[found(0.9), found(0.6, x=0.6)], [found(0.7, category=Category.PERSON)], []]


def as_seen(survey: Survey) -> list[list[tuple[object, ...]]]:
    """Category, confidence and place of the boxes of each image."""
    with survey.read() as session:
        views = boxes_of(session, [1, 2, 3])
    return [
        [(view.category, round(view.confidence, 4), box_key(view.box)) for view in views[media_id]]
        for media_id in (1, 2, 3)
    ]


@pytest.fixture
def empty(tmp_path: Path):
    """Another survey without images."""
    (tmp_path / "other").mkdir()
    survey = open_survey(Settings(PUGMARK_DATA_DIR=tmp_path / "other", PUGMARK_REVIEWER="ben", _env_file=None))
    yield survey
    survey.close()


@pytest.fixture
def other(empty: Survey):
    """A survey with the same images and nothing on them."""
    for _ in BOXES:
        add_media(empty, [])
    return empty


def test_megadetector_json_comes_back_with_every_box_and_is_written_the_same_again(survey, other, tmp_path):
    for boxes in BOXES:
        add_media(survey, boxes)
    megadetector_json.export(survey, tmp_path / "first.json")
    results_id = bringing_in.register(other, tmp_path / "first.json", "first.json", "ben")
    bringing_in.read_in(other, results_id)
    with other.write() as session:
        results.bring_in(session, "ben", results_id)
    bringing_in.take_some(other, results_id, 0)
    assert as_seen(other) == as_seen(survey)
    megadetector_json.export(other, tmp_path / "second.json")
    first, second = (list(recognise(tmp_path / name).entries()) for name in ("first.json", "second.json"))
    assert first == second


def test_individuals_with_difficult_names_come_back_from_a_table(survey, other, tmp_path):
    names = ["NA", "TRUE", "007"]
    for name in names:
        _, (box, *_) = add_media(survey, [found()])
        with survey.write() as session:
            identify.new_individual(session, "ana", box, name=name)
    rows = [f"Ridge 1/IMG_000{number}.JPG,{name}" for number, name in enumerate(names, start=1)]
    table = tmp_path / "who.csv"
    table.write_text("file,individual\n" + "\n".join(rows) + "\n", encoding="utf-8")
    with other.write() as session:
        identities_file.take(session, "ben", taking_over.match(session, identities.read(table)).lines, table.name)
        views = boxes_of(session, [1, 2, 3])
    assert [view.individual for media_id in (1, 2, 3) for view in views[media_id]] == names


def test_megadetector_json_with_a_video_comes_back_the_same(survey, empty, tmp_path):
    documents = []
    for target in (survey, empty):
        add_media(target, [found(0.9)] if target is survey else [])
        add_video(target)
    for source, name in ((survey, "first.json"), (empty, "second.json")):
        megadetector_json.export(source, tmp_path / name)
        documents.append(json.loads((tmp_path / name).read_text(encoding="utf-8"))["images"])
        if source is survey:
            results_id = bringing_in.register(empty, tmp_path / name, name, "ben")
            bringing_in.read_in(empty, results_id)
            with empty.write() as session:
                results.bring_in(session, "ben", results_id)
            bringing_in.take_some(empty, results_id, 0)
            assert bringing_in.plan(empty, results_id).unmatched == []
    assert [len(image["detections"]) for image in documents[0]] == [1, 3]
    assert documents[0] == documents[1]


def filled(survey: Survey) -> None:
    """Two stations with named, accepted, drawn, weak and rejected boxes, blank and doubtful images."""
    seen(survey, "NA", "Ridge 1", 0)
    seen(survey, "T-2", "Ford 2", 30, flank="right")
    _, both = add_media(survey, [found(0.7), found(0.1, x=0.6), found(0.9, x=0.45)], folder="Ridge 1", minutes=60)
    blank, _ = add_media(survey, [found(0.9)], folder="Ridge 1", minutes=90)
    unsure, _ = add_media(survey, [], folder="Ford 2", minutes=120)
    add_media(survey, [], folder="Ford 2", minutes=150)
    car, _ = add_media(survey, [found(0.8, category=Category.VEHICLE)], folder="Ford 2", minutes=180)
    place(survey, "Ridge 1", 10.12345, 77.6)
    place(survey, "Ford 2", 10.2, 77.7)
    with survey.write() as session:
        catalogue.describe(session, "ana", 1, species="Cuon alpinus", sex="female", age_class="cub")
        stations.set_deployment(session, "ana", 1, first_day="2024-03-01", last_day="2024-04-30", camera="C7")
        review.correct_box(session, "ben", both[0], species="Axis axis")
        review.judge_media(session, "ben", blank, "blank")
        review.judge_media(session, "ana", unsure, "unsure")
        review.accept_media(session, "ana", car, 0.5)


def bare(survey: Survey) -> None:
    """The same images with nothing on them."""
    for number, folder in enumerate(("Ridge 1", "Ford 2", "Ridge 1", "Ridge 1", "Ford 2", "Ford 2", "Ford 2")):
        add_media(survey, [], folder=folder, minutes=30 * number)


def taken_over(survey: Survey, path: Path) -> list[tuple[str, str]]:
    """Take a file over; returns what was left out."""
    contents = identities.read(path)
    with survey.read() as session:
        plan = taking_over.plan(session, contents)
    with taking_over.prepared(survey, contents, plan.found) as ready, survey.write() as session:
        taking_over.take(session, "eve", ready, path.name)
    return plan.left_out


def camtrap_tables(survey: Survey, out: Path) -> dict[str, list[dict[str, str]]]:
    """The tables of a package; ids that each survey counts for itself are left away."""
    with survey.read() as session:
        camtrap_dp.write(session, out, camtrap_dp.Statement("t", "targeted", "activityDetection", "+05:30"), "ana")
    tables = {}
    with zipfile.ZipFile(out) as package:
        for name in ("deployments", "media", "observations", "individuals"):
            rows = list(csv.DictReader(io.StringIO(package.read(f"{name}.csv").decode())))
            kept = [{key: cell for key, cell in row.items() if key not in ("observationID", "eventID")} for row in rows]
            tables[name] = sorted(kept, key=lambda row: list(row.values()))
    return tables


def test_a_camtrap_dp_package_comes_back_the_same_in_every_table(survey, empty, tmp_path):
    filled(survey)
    bare(empty)
    first = camtrap_tables(survey, tmp_path / "first.zip")
    assert taken_over(empty, tmp_path / "first.zip") == []
    second = camtrap_tables(empty, tmp_path / "second.zip")
    assert len([row for row in first["observations"] if row["mediaID"]]) == 8
    for name, rows in first.items():
        assert second[name] == rows, name


def test_coco_comes_back_the_same_with_boxes_species_individuals_and_flanks(survey, empty, tmp_path):
    filled(survey)
    bare(empty)
    with survey.read() as session:
        coco.write(session, tmp_path / "first.json")
    assert taken_over(empty, tmp_path / "first.json") == []
    with empty.read() as session:
        coco.write(session, tmp_path / "second.json")
    assert as_coco(tmp_path / "second.json") == as_coco(tmp_path / "first.json")


def as_coco(path: Path) -> list[tuple[object, ...]]:
    """The annotations with what their ids mean; the format has no verdict of a whole image, nor whose id it is."""
    document = json.loads(path.read_text(encoding="utf-8"))
    images = {image["id"]: image["file_name"] for image in document["images"]}
    names = {category["id"]: category["name"] for category in document["categories"]}
    rows = []
    for annotation in document["annotations"]:
        about = {key: value for key, value in annotation["attributes"].items() if key != "individual_id"}
        rows.append(
            (
                images[annotation["image_id"]],
                names[annotation["category_id"]],
                annotation["bbox"],
                sorted(about.items()),
            )
        )
    return [*sorted(rows, key=repr), tuple(images.values())]


def test_the_table_of_sightings_comes_back_the_same(survey, empty, tmp_path):
    filled(survey)
    bare(empty)
    tables = []
    for source, other in ((survey, empty), (empty, None)):
        with source.read() as session:
            text = sightings_csv.table(session)
        (tmp_path / "sightings.csv").write_text(text, encoding="utf-8")
        own = ("detection", "latitude", "longitude", "event")
        rows = list(csv.DictReader(io.StringIO(text)))
        tables.append([{key: cell for key, cell in row.items() if key not in own} for row in rows])
        if other is not None:
            assert taken_over(other, tmp_path / "sightings.csv") == []
    assert tables[0] == tables[1]
    assert [row["individual"] for row in tables[0]] == ["'NA", "T-2"]
