"""Names that other programs take for something else come back from every format as they were given."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import frictionless
import pandas as pd
import pytest

from app.exchange.camtrap_dp import Statement
from app.exchange.csv_text import csv_text
from app.exchange.formats import FORMATS
from app.exchange.identifiers import identifiers
from app.exchange.safe_cells import original
from app.exchange.wishes import Wish
from app.survey.decisions import catalogue, deployments, identity
from app.survey.decisions.refusals import BadDecision
from app.survey.tables.deployments import Deployment
from app.survey.tables.individuals import Individual, Sighting
from tests.support.catalogued import DAY, opened, seen
from tests.support.surveys import add_media, found

NAMES = (
    "NA", "None", "null", "nan", "N/A", "TRUE", "T", "1", "01", "1e5", "T 01", "T-01", "T__01", "T_01", "Ünïcode राजा",
    'She said "no", twice', "two\nlines", "=1+1", "-x", "'quoted'", "''",
)  # fmt: skip
STATEMENT = Statement("Ridge", "targeted", "activityDetection", "+05:30")


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory):
    """Every name is that of an individual and of the station where it was seen."""
    with opened(tmp_path_factory.mktemp("names")) as survey:
        for number, name in enumerate(NAMES):
            media, ids = add_media(survey, [found()], folder=f"folder {number}", minutes=number * DAY)
            with survey.write() as session:
                row = session.get_one(Deployment, media)
                row.name = row.station = name
                row.latitude, row.longitude = 10.0 + number / 10, 77.0
                animal = Individual(name=name, species="Axis axis")
                session.add(animal)
                session.flush()
                session.add(Sighting(detection_id=ids[0], individual_id=animal.id, who="ana"))
        yield survey


@pytest.fixture(scope="module")
def written(named, tmp_path_factory: pytest.TempPathFactory):
    """Every format's files by name, as bytes, and the folder of the package."""
    folder = tmp_path_factory.mktemp("written")
    found: dict[str, dict[str, bytes]] = {}
    for key, kind in FORMATS.items():
        out = folder / f"{key}.{kind.suffix}"
        if key in ("crops", "images"):  # want files
            continue
        kind.write(named, Wish(statement=STATEMENT, individual_id=1), out)
        if kind.suffix == "zip":
            with zipfile.ZipFile(out) as package:
                found[key] = {name: package.read(name) for name in package.namelist()}
    return folder, found


def column(content: bytes, name: str, **options) -> list[str]:
    return [original(str(value)) for value in pd.read_csv(io.BytesIO(content), **options)[name]]


@pytest.mark.parametrize("options", [{}, {"keep_default_na": False}], ids=["default", "keep_default_na=False"])
def test_tables_give_back_every_name_in_pandas_and_the_csv_module(written, options):
    _, files = written
    tables = {
        ("camtrapr", "record_table.csv", "Individual"), ("camtrapr", "identifiers.csv", "name in Pugmark"),
        ("history", "individuals_x_occasions.csv", "individual"), ("history", "effort.csv", "station"),
        ("camtrap-dp", "deployments.csv", "deploymentID"), ("camtrap-dp", "deployments.csv", "locationName"),
        ("camtrap-dp", "observations.csv", "individualID"), ("camtrap-dp", "individuals.csv", "individualID"),
    }  # fmt: skip
    for key, name, field in tables:
        times = 2 if name == "observations.csv" else 1  # of the image and of its event
        assert sorted(column(files[key][name], field, **options)) == sorted(NAMES * times), (key, name, field)
        rows = csv.DictReader(io.StringIO(files[key][name].decode(), newline=""))
        assert sorted(original(row[field]) for row in rows) == sorted(NAMES * times)


@pytest.mark.parametrize("options", [{}, {"keep_default_na": False}], ids=["default", "keep_default_na=False"])
def test_the_sightings_join_each_individual_with_its_own_station(named, tmp_path, options):
    out = tmp_path / "sightings.csv"
    FORMATS["sightings"].write(named, Wish(), out)
    content = out.read_bytes()
    pairs = zip(column(content, "individual", **options), column(content, "station", **options), strict=True)
    assert sorted(pairs) == sorted((name, name) for name in NAMES)
    FORMATS["sightings-xlsx"].write(named, Wish(), tmp_path / "sightings.xlsx")
    sheet = pd.read_excel(tmp_path / "sightings.xlsx", **options)
    found = zip(map(str, sheet["individual"]), map(str, sheet["station"]), strict=True)
    assert sorted((original(name), original(station)) for name, station in found) == sorted(
        (name, name) for name in NAMES
    )


def test_identifiers_turn_what_secr_and_mark_read_back_into_names(written):
    _, files = written
    for key, kinds in (("secr", ("individual", "station")), ("mark", ("individual",))):
        table = list(csv.DictReader(io.StringIO(files[key]["identifiers.csv"].decode(), newline="")))
        for kind in kinds:
            rows = [row for row in table if row["kind"] == kind]
            back = {original(row["identifier"]): original(row["name in Pugmark"]) for row in rows}
            assert sorted(back.values()) == sorted(NAMES)
            assert back["T-01"] == "T-01"
    captures = [line.split() for line in files["secr"]["captures.txt"].decode().splitlines()[1:]]
    table = list(csv.DictReader(io.StringIO(files["secr"]["identifiers.csv"].decode(), newline="")))
    names = {(row["kind"], original(row["identifier"])): row["name in Pugmark"] for row in table}
    assert len(captures) == len(NAMES)
    for _session, animal, _occasion, station, _sex in captures:
        assert names["individual", animal] == names["station", station]


def test_a_name_that_is_an_identifier_keeps_it_whatever_else_is_exported():
    assert identifiers(["T 01", "T-01"], "A")["T-01"] == identifiers(["T-01"], "A")["T-01"] == "T-01"


def test_stations_of_camtrapr_that_differ_by_underscores_stay_two(written):
    _, files = written
    stations = column(files["camtrapr"]["stations.csv"], "Station")
    assert len(set(stations)) == len(NAMES)
    assert not any("__" in name for name in stations)


def test_the_package_is_valid_for_frictionless_and_gives_back_every_name(written, real_data):
    folder, files = written
    schemas = real_data / "exchange" / "camtrap-dp-1.0.2"
    package = folder / "package"
    for name, content in files["camtrap-dp"].items():
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_bytes(content)
    described = json.loads((package / "datapackage.json").read_text())
    del described["profile"]
    for resource in described["resources"]:
        if isinstance(resource["schema"], str):
            resource["schema"] = json.loads((schemas / Path(resource["schema"]).name).read_text())
    (package / "datapackage.json").write_text(json.dumps(described))
    report = frictionless.validate(str(package / "datapackage.json"))
    assert report.valid, report.flatten(["taskNumber", "rowNumber", "fieldName", "type", "note"])[:5]
    read = frictionless.Package(str(package / "datapackage.json"))
    for resource, field in (("deployments", "deploymentID"), ("individuals", "individualID")):
        rows = read.get_resource(resource).read_rows()
        assert sorted(original(row[field]) for row in rows) == sorted(NAMES)


def test_json_holds_every_name_as_it_is(written):
    folder, _ = written
    coco = json.loads((folder / "coco.json").read_text())
    assert sorted(row["attributes"]["individual"] for row in coco["annotations"]) == sorted(NAMES)
    assert sorted(row["location"] for row in coco["images"]) == sorted(NAMES)


def test_a_missing_value_is_written_otherwise_than_a_name():
    assert csv_text(("a",), [("NA",), (None,)], "NA") == "a\n'NA\nNA\n"


@pytest.mark.parametrize("other", ["t-01", "T 01", "t01", "T–01"])
def test_a_name_that_differs_by_case_space_or_hyphen_is_refused_and_the_other_one_shown(survey, other):
    seen(survey, "T-01", "R-1", 0)
    with survey.write() as session, pytest.raises(BadDecision, match="T-01 is or was"):
        identity.free_name(session, other)
    with survey.write() as session, pytest.raises(BadDecision, match="There is a station R-1 already"):
        deployments.create(session, "ana", "new", "r 1")
    with survey.write() as session, pytest.raises(BadDecision, match="There is a deployment R-1 already"):
        deployments.create(session, "ana", "r1")


def test_the_spelling_of_a_name_can_be_corrected_and_numbers_go_on_after_every_spelling(survey):
    seen(survey, "t 07", "r1", 0)
    with survey.write() as session:
        assert identity.next_name(session) == "T-008"
        catalogue.rename(session, "ana", 1, "T-07")
        deployments.rename_station(session, "ana", "r1", "R-1")
        deployments.rename_deployment(session, "ana", 1, "R-1")
