"""Camtrap DP: every field as its table schema wants it, individualID filled, people left out, nothing made up."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from app.exchange.camtrap_dp import METHODS, SAMPLING, Statement, refusal, write
from app.exchange.identifiers import ExportRefused
from app.survey.database import Survey
from app.survey.decisions import boxes, catalogue
from app.survey.decisions.stations import set_deployment
from app.survey.decisions.undoing import undo_last
from app.survey.media.events import regroup
from app.survey.tables.detections import PeopleShown
from app.survey.tables.media import Media
from app.survey.tables.stamps import StampReading
from modal_backend.contracts import Box, Category, Detection
from tests.support.catalogued import DAY, opened, place, seen
from tests.support.surveys import add_media, found

STATEMENT = Statement("Ridge survey", "targeted", "activityDetection", "+05:30")
TABLES = ("deployments", "media", "observations")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory):
    """A named tiger, an unnamed weak box, a blank, a picture with a person, one without a time."""
    with opened(tmp_path_factory.mktemp("camtrap")) as survey:
        yield fill(survey)


def fill(survey):
    """The media and decisions of `filled`."""
    seen(survey, "Machli", "Ridge", 0)
    seen(survey, "Machli", "Valley", DAY)
    add_media(survey, [found(0.7), found(0.1, x=0.6)], folder="Ridge", minutes=30)
    blank, _ = add_media(survey, [found(0.9)], folder="Ridge", minutes=60)
    add_media(survey, [Detection(Category.PERSON, 0.9, Box(0.1, 0.1, 0.2, 0.5))], folder="Ridge", minutes=90)
    add_media(survey, [found()], folder="Ridge", minutes=None)
    place(survey, "Ridge", 10.12345, 77.6)
    place(survey, "Valley", 10.2, 77.7)
    with survey.write() as session:
        catalogue.describe(session, "ana", 1, species="Panthera tigris", sex="female", age_class="cub")
        boxes.judge_media(session, "ben", blank, "blank")
    return survey


def package(survey: Survey, statement: Statement = STATEMENT, *, exact: bool = False) -> dict[str, Any]:
    out = survey.data_dir / "dp.zip"
    with survey.read() as session:
        write(session, out, statement, "ana", exact=exact)
    with zipfile.ZipFile(out) as zipped:
        tables = {
            name: list(csv.DictReader(io.StringIO(zipped.read(f"{name}.csv").decode()))) for name in TABLES
        }  # fmt: skip
        events = [row for row in tables["observations"] if row["observationLevel"] == "event"]
        tables["observations"] = [row for row in tables["observations"] if row["observationLevel"] == "media"]
        return {
            **tables,
            "events": events,
            "package": json.loads(zipped.read("datapackage.json")),
            "readme": zipped.read("README.txt"),
        }


def test_the_individual_is_in_individual_id_with_who_said_so(filled):
    rows = package(filled)["observations"]
    (first, other) = [row for row in rows if row["individualID"]]
    assert (first["individualID"], first["scientificName"], first["sex"], first["lifeStage"]) == (
        "Machli", "Panthera tigris", "female", "juvenile",
    )  # fmt: skip
    assert (first["classificationMethod"], first["classifiedBy"], first["classificationProbability"]) == (
        "human",
        "ana",
        "1",
    )
    assert first["eventStart"] == "2024-03-12T05:41:00+05:30"
    assert other["deploymentID"] == "Valley"


def test_model_boxes_count_from_the_threshold_and_say_the_model(filled):
    rows = [row for row in package(filled)["observations"] if row["classificationMethod"] == "machine"]
    assert [(row["observationType"], row["classificationProbability"]) for row in rows] == [
        ("animal", "0.7"),
        ("human", "0.9"),
    ]
    assert rows[0]["classifiedBy"] == "pocket-detector test"


def test_a_blank_said_by_a_person_is_an_observation_of_its_own(filled):
    (blank,) = [row for row in package(filled)["observations"] if row["observationType"] == "blank"]
    assert (blank["classifiedBy"], blank["bboxX"], blank["count"]) == ("ben", "", "")


def test_what_has_no_time_is_left_out_and_told(filled):
    written = package(filled)
    assert len(written["media"]) == 5
    assert b"images without a capture time: 1" in written["readme"]


def test_a_person_is_counted_without_a_box(filled):
    (person,) = [row for row in package(filled)["observations"] if row["observationType"] == "human"]
    assert (person["count"], person["bboxX"], person["classifiedBy"]) == ("1", "", "pocket-detector test")


def test_persons_and_vehicles_count_from_the_confidence_from_which_screens_show_them(survey):
    fill(survey)
    add_media(survey, [Detection(Category.PERSON, 0.2, Box(0.1, 0.1, 0.2, 0.5))], folder="Ridge", minutes=200)
    add_media(survey, [Detection(Category.VEHICLE, 0.2, Box(0.1, 0.1, 0.2, 0.5))], folder="Ridge", minutes=300)
    assert [row["observationType"] for row in package(survey)["observations"]][-2:] == ["human", "vehicle"]


def test_media_at_an_address_are_public_but_those_with_a_person_whether_blurred_or_shown(survey):
    fill(survey)
    add_media(survey, [found(), Detection(Category.PERSON, 0.06, Box(0.6, 0.1, 0.2, 0.5))], folder="Ridge", minutes=91)
    unseen, _ = add_media(survey, [], folder="Ridge", minutes=92)
    with survey.write() as session:
        session.get_one(Media, unseen).stage = "stored"
        session.add(PeopleShown(media_id=5, who="ana"))
    here = package(survey)["media"]
    assert {row["filePublic"] for row in here} == {"false"}
    assert [row["filePath"] for row in here][:2] == ["Ridge/IMG_0001.JPG", "Valley/IMG_0002.JPG"]
    there = package(survey, replace(STATEMENT, media_url="https://example.org/our%20media/"))["media"]
    public = [row["fileName"] for row in there if row["filePublic"] == "true"]
    assert public == [f"IMG_000{number}.JPG" for number in (1, 2, 3, 4)]
    assert len(there) == 7
    assert there[0]["filePath"] == "https://example.org/our%20media/Ridge/IMG_0001.JPG"
    with pytest.raises(ExportRefused, match="is no address of a folder"):
        package(survey, replace(STATEMENT, media_url="D:/media"))


def test_an_event_has_each_individual_once_and_of_others_as_many_as_were_on_one_image(survey):
    seen(survey, "Machli", "Ridge", 0)
    seen(survey, "Machli", "Ridge", 0.1, boxes=2)
    _, deer = add_media(survey, [found(x=0.1), found(x=0.4), found(x=0.7)], folder="Ridge", minutes=0.2)
    add_media(survey, [found(), Detection(Category.PERSON, 0.9, Box(0.1, 0.1, 0.2, 0.5))], folder="Ridge", minutes=0.3)
    add_media(survey, [], folder="Ridge", minutes=60)
    place(survey, "Ridge", 10.12345, 77.6)
    with survey.write() as session:
        catalogue.describe(session, "ana", 1, species="Panthera tigris")
        for number in deer[:2]:
            boxes.correct_box(session, "ben", number, species="Axis axis")
        regroup(session, [1], 60)
    written = package(survey)
    fields = ("observationType", "scientificName", "individualID", "count")
    assert [tuple(row[field] for field in fields) for row in written["events"]] == [
        ("animal", "Panthera tigris", "Machli", "1"),
        ("animal", "Axis axis", "", "2"),
        ("human", "", "", "1"),
        ("blank", "", "", ""),
    ]
    first = written["events"][0]
    assert (first["mediaID"], first["bboxX"], first["classifiedBy"]) == ("", "", "ana")
    assert {row["eventID"] for row in written["events"]} == {row["eventID"] for row in written["observations"]}
    assert written["package"]["project"]["observationLevel"] == ["media", "event"]


def test_coordinates_are_rounded_and_say_so_unless_asked(filled):
    rounded, exact = package(filled), package(filled, exact=True)
    assert rounded["deployments"][0]["latitude"] == "10.1"
    assert rounded["deployments"][0]["coordinateUncertainty"] == "15691"
    assert rounded["package"]["coordinatePrecision"] == 0.1
    assert exact["deployments"][0]["latitude"] == "10.12345"
    assert "coordinatePrecision" not in exact["package"]


def test_stated_days_and_a_corrected_clock_are_in_the_times(filled):
    with filled.write() as session:
        set_deployment(
            session, "ana", 1, first_day="2024-03-01", last_day="2024-03-31", clock_offset_seconds=3600
        )  # fmt: skip
    written = package(filled)
    ridge = next(row for row in written["deployments"] if row["deploymentID"] == "Ridge")
    assert (ridge["deploymentStart"], ridge["deploymentEnd"], ridge["timestampIssues"]) == (
        "2024-03-01T00:00:00+05:30", "2024-03-31T23:59:59+05:30", "true",
    )  # fmt: skip
    assert written["media"][0]["timestamp"] == "2024-03-12T06:41:00+05:30"
    with filled.write() as session:
        undo_last(session, "ana", ["deployment"])


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (Statement("x", "", "activityDetection", "+05:30"), "how stations were chosen"),
        (Statement("x", "targeted", "sometimes", "+05:30"), "Pugmark cannot know"),
        (Statement("x", "targeted", "timeLapse", None), "offset"),
        (Statement("x", "targeted", "timeLapse", "five"), "no offset from UTC"),
    ],
)
def test_what_only_a_person_knows_is_asked_and_never_guessed(filled, statement, words):
    with pytest.raises(ExportRefused, match=words):
        package(filled, statement)


def test_a_clock_that_differs_from_the_pictures_is_a_doubt_about_the_timestamps(survey):
    seen(survey, "Machli", "Ridge", 0)
    place(survey, "Ridge", 10.12345, 77.6)
    assert [row["timestampIssues"] for row in package(survey)["deployments"]] == ["false"]
    with survey.write() as session:
        session.add(StampReading(media_id=1, grammar="1", dates={"ymd": "2023-01-01"}, time="00:00:00", form="y-"))
    assert [row["timestampIssues"] for row in package(survey)["deployments"]] == ["true"]


def test_species_have_a_vernacular_name_for_readers_that_ask_for_one(filled):
    assert package(filled)["package"]["taxonomic"] == [
        {"scientificName": "Panthera tigris", "vernacularNames": {"en": "Tiger"}}
    ]


def test_deployments_without_coordinates_are_named(survey):
    seen(survey, "Machli", "Ford", 2 * DAY)
    with pytest.raises(ExportRefused, match="Ford has none"):
        package(survey)


def test_what_is_missing_can_be_asked_before_the_package_is_written(filled, survey):
    seen(survey, "Machli", "Ford", 2 * DAY)
    with survey.read() as session:
        assert "Ford has none" in refusal(session, STATEMENT)
    with filled.read() as session:
        assert refusal(session, STATEMENT) == ""
        assert "offset" in refusal(session, Statement("x", "targeted", "timeLapse", None))


def test_every_table_follows_the_published_schemas(filled, real_data):
    folder: Path = real_data / "exchange" / "camtrap-dp-1.0.2"
    written = package(filled)
    for name in TABLES:
        fields = {
            field["name"]: field for field in json.loads((folder / f"{name}-table-schema.json").read_text())["fields"]
        }
        assert written[name]
        assert list(written[name][0]) == list(fields)  # some readers go by position
        for row in written[name]:
            for key, value in row.items():
                check(fields[key], value)
            missing = [column for column, field in fields.items() if field["constraints"].get("required")]
            assert all(row.get(key) for key in missing), missing
        for key, field in fields.items():
            if field["constraints"].get("unique"):
                assert len({row[key] for row in written[name]}) == len(written[name])
    profile = json.loads((folder / "camtrap-dp-profile.json").read_text())
    (own,) = [part for part in profile["allOf"] if "properties" in part]
    assert set(own["required"]) <= set(written["package"])
    project = own["properties"]["project"]
    assert set(project["required"]) <= set(written["package"]["project"])
    assert project["properties"]["samplingDesign"]["enum"] == list(SAMPLING)
    assert project["properties"]["captureMethod"]["items"]["enum"] == list(METHODS)


def test_foreign_keys_hold(filled):
    written = package(filled)
    deployments = {row["deploymentID"] for row in written["deployments"]}
    media = {row["mediaID"] for row in written["media"]}
    assert {row["deploymentID"] for row in written["media"]} <= deployments
    assert {row["deploymentID"] for row in written["observations"]} <= deployments
    assert {row["mediaID"] for row in written["observations"]} == media


def check(field: dict[str, Any], value: str) -> None:
    """One cell against its field of a Table Schema."""
    rules = field["constraints"]
    if value == "":
        return
    if field["type"] == "datetime":
        datetime.strptime(value, field["format"])
    elif field["type"] in ("number", "integer"):
        number = float(value)
        assert field["type"] == "number" or number == int(number)
        assert rules.get("minimum", number) <= number <= rules.get("maximum", number), (field["name"], value)
    elif field["type"] == "boolean":
        assert value in ("true", "false")
    assert value in rules.get("enum", [value]), (field["name"], value)
    if "pattern" in rules:
        assert re.search(rules["pattern"], value), (field["name"], value)
