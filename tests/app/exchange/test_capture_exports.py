"""Exports read field by field as the documentation of secr, camtrapR and Program MARK says they are read."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import date, datetime, timedelta

import pytest
from PIL import Image

from app.__main__ import main
from app.exchange import camtrapr, history_csv, mark, secr, sightings_csv
from app.exchange.coordinates import metres, transverse_mercator
from app.exchange.formats import FORMATS
from app.exchange.identifiers import ExportRefused, identifiers
from app.exchange.wishes import Wish
from app.settings import load_settings
from app.survey.capture.history import Design, capture_history
from app.survey.decisions import catalogue
from app.survey.decisions.stations import set_deployment
from app.survey.detections.boxes import box
from app.survey.detections.results import crop_name
from modal_backend.contracts import Box
from tests.support.catalogued import DAY, opened, place, seen
from tests.support.surveys import START


def rows(text: str) -> list[list[str]]:
    """As R's read.table reads it: blanks separate, # begins a comment."""
    return [line.split("#")[0].split() for line in text.splitlines() if line.split("#")[0].strip()]


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory):
    """Awkward names, two stations, three occasions of which the second has no camera at Ridge_A 1 and none at all."""
    with opened(tmp_path_factory.mktemp("exports")) as survey:
        yield fill(survey)


def fill(survey):
    """The sightings, places and days of `named`."""
    seen(survey, "T 1, old", "Ridge_A 1", 0)
    seen(survey, "T 1, old", "Ridge_A 1", 5)
    seen(survey, "NA", "Valley/2", DAY)
    seen(survey, "T 1, old", "Valley/2", 11 * DAY)
    place(survey, "Ridge_A 1", 10.0, 77.0)
    place(survey, "Valley/2", 10.05, 77.02)
    with survey.write() as session:
        set_deployment(session, "ana", 1, first_day="2024-03-12", last_day="2024-03-15")
        set_deployment(
            session, "ana", 2, first_day="2024-03-12", last_day="2024-03-26",
            broken_from="2024-03-17", broken_to="2024-03-21",
        )  # fmt: skip
        catalogue.describe(session, "ana", 1, sex="female", species="Panthera tigris")
    return survey


@pytest.fixture(scope="module")
def written(named):
    with named.read() as session:
        return capture_history(session, Design(occasion_days=5))


def test_secr_captures_are_session_id_occasion_detector_and_sex(written):
    captures = rows(secr.files(written)["captures.txt"])
    assert captures == [
        ["1", "NA-A1", "1", "Valley-2", "NA"],
        ["1", "T-1-old", "1", "Ridge-A-1", "F"],
        ["1", "T-1-old", "3", "Valley-2", "F"],
    ]


def test_secr_counts_repeat_a_line_for_each_event(written):
    counted = rows(secr.files(written)["captures-count.txt"])
    assert counted.count(["1", "T-1-old", "1", "Ridge-A-1", "F"]) == 2
    assert len(counted) == 4


def test_secr_detectors_have_metres_and_one_usage_an_occasion_that_matches_the_captures(written):
    files = secr.files(written)
    detectors = {row[0]: row[1:] for row in rows(files["detectors.txt"])}
    assert detectors["Ridge-A-1"][2:] == ["4", "0", "0"]
    assert detectors["Valley-2"][2:] == ["5", "0", "5"]
    for _session, _animal, occasion, detector, _sex in rows(files["captures.txt"]):
        assert float(detectors[detector][1 + int(occasion)]) > 0
    assert all("_" not in name for name in detectors)
    assert all(re.fullmatch(r"-?\d+", value) for row in detectors.values() for value in row)
    apart = [float(a) - float(b) for a, b in zip(detectors["Valley-2"][:2], detectors["Ridge-A-1"][:2], strict=True)]
    assert (apart[0] ** 2 + apart[1] ** 2) ** 0.5 == pytest.approx(5950, rel=0.01)


def test_paired_cameras_are_one_detector_whose_effort_is_not_doubled(survey):
    for camera in ("CamA", "CamB", "CamC"):
        seen(survey, "T", f"St01/{camera}", 1, flank="left" if camera == "CamA" else "right")
        seen(survey, "T", f"St01/{camera}", 4 * DAY)
    for camera in ("CamA", "CamB"):
        seen(survey, "U", f"St02/{camera}", 2)
        seen(survey, "U", f"St02/{camera}", 4 * DAY)
    place(survey, "St01", 10.0, 77.0)
    place(survey, "St02", 10.05, 77.02)
    with survey.read() as session:
        history = capture_history(session, Design(occasion_days=5))
    written = secr.files(history)
    assert [row[0] for row in rows(written["detectors.txt"])] == ["St01", "St02"]
    assert [row[3:] for row in rows(written["detectors.txt"])] == [["5"], ["5"]]
    assert rows(written["captures.txt"]) == [["1", "T", "1", "St01", "NA"], ["1", "U", "1", "St02", "NA"]]
    stations = table(camtrapr.files(history, {})["stations.csv"])
    assert [row["Station"] for row in stations] == ["St01", "St02"]
    assert {(row["Setup_date"], row["Retrieval_date"]) for row in stations} == {("2024-03-12", "2024-03-16")}


def test_secr_readme_reads_the_files_it_lies_beside(written):
    readme = secr.files(written)["README.txt"]
    assert "read.capthist('captures.txt', 'detectors.txt', detector = 'proximity'" in readme
    assert "noccasions = 3, covnames = 'Sex', binary.usage = FALSE" in readme
    assert "NA, not 0" in readme


def test_the_origin_of_a_sensitive_species_is_hidden_unless_asked(written):
    hidden = rows(secr.files(written)["detectors.txt"])
    assert min(float(row[1]) for row in hidden) == 0.0
    exact = rows(secr.files(written, exact=True)["detectors.txt"])
    assert min(float(row[2]) for row in exact) > 1_000_000
    assert "UTM zone 43N" in secr.files(written, exact=True)["README.txt"]


def test_secr_refuses_a_station_without_coordinates_by_name(survey):
    seen(survey, "C", "Ford", 2 * DAY)
    with survey.read() as session:
        found = capture_history(session, Design(occasion_days=5))
    with pytest.raises(ExportRefused, match="Ford has none"):
        secr.files(found)


def test_camtrapr_operation_matrix_has_a_row_a_station_a_column_a_day_and_0_1_na(written):
    header, *lines = csv.reader(io.StringIO(camtrapr.files(written, {})["camera_operation.csv"]))
    days = [date.fromisoformat(day) for day in header[1:]]
    assert days == [date(2024, 3, 12) + timedelta(days=n) for n in range(15)]
    matrix = {row[0]: row[1:] for row in lines}
    assert matrix["Ridge_A 1"] == ["1"] * 4 + ["NA"] * 11
    assert matrix["Valley/2"] == ["1"] * 5 + ["0"] * 5 + ["1"] * 5


def test_camtrapr_records_have_the_columns_and_times_it_reads(written):
    records = table(camtrapr.files(written, {1: "Ridge_A 1/IMG_0001.JPG"})["record_table.csv"])
    assert list(records[0])[:6] == ["Station", "Species", "Individual", "DateTimeOriginal", "Date", "Time"]
    first = next(
        record for record in records if record["Individual"] == "T 1, old" and record["Station"] == "Ridge_A 1"
    )
    assert datetime.strptime(first["DateTimeOriginal"], "%Y-%m-%d %H:%M:%S") == START
    assert (first["Species"], first["FileName"], first["Directory"]) == ("Panthera tigris", "IMG_0001.JPG", "Ridge_A 1")
    stations = {row[0] for row in csv.reader(io.StringIO(camtrapr.files(written, {})["camera_operation.csv"]))}
    assert {record["Station"] for record in records} <= stations


def test_camtrapr_stations_have_setup_retrieval_and_problem_periods(written):
    stations = {row["Station"]: row for row in table(camtrapr.files(written, {})["stations.csv"])}
    valley = stations["Valley/2"]
    assert (valley["Setup_date"], valley["Retrieval_date"]) == ("2024-03-12", "2024-03-26")
    assert (valley["Problem1_from"], valley["Problem1_to"]) == ("2024-03-17", "2024-03-21")
    assert stations["Ridge_A 1"]["Problem1_from"] == ""


def test_camtrapr_names_keep_no_double_underscore():
    assert camtrapr.station_name("A__CAM__1") == "A_CAM_1"


def test_mark_lines_are_comment_history_frequency_semicolon(written):
    files = mark.files(written)
    lines = [line for line in files["capture_history.inp"].splitlines() if not line.endswith("*/")]
    assert lines == ["/* NA-A1 */ 1.0 1;", "/* T-1-old */ 1.1 1;"]
    plain = re.sub(r"/\*.*?\*/", "", files["capture_history.inp"])
    assert all(re.fullmatch(r"\s*[01.]{3} 1;", line) for line in plain.splitlines() if line.strip())
    closed = re.sub(r"/\*.*?\*/", "", files["closed.inp"])
    assert [line.strip() for line in closed.splitlines() if line.strip()] == ["10 1;", "11 1;"]
    assert "dropped: 2" in files["closed.inp"]


def test_mark_refuses_records_longer_than_it_reads(survey):
    seen(survey, "A", "Ridge", 0)
    place(survey, "Ridge", 0.0, 0.0)
    with survey.write() as session:
        set_deployment(session, "ana", 1, first_day="2024-03-12", last_day="2024-12-31")
    with survey.read() as session:
        found = capture_history(session, Design(occasion_days=1))
    with pytest.raises(ExportRefused, match="longer occasions"):
        mark.files(found)


def test_the_tables_say_na_where_a_station_did_not_work(written):
    files = history_csv.files(written)
    wide = table(files["individuals_x_occasions.csv"])
    assert wide[0] == {"individual": "'NA", "2024-03-12": "1", "2024-03-17": "NA", "2024-03-22": "0"}
    long = table(files["individuals_x_stations_x_occasions.csv"])
    assert len(long) == 2 * 2 * 3
    assert {row["events"] for row in long if row["station"] == "Ridge_A 1" and row["occasion"] != "1"} == {"NA"}


def test_sightings_are_rounded_for_sensitive_species_and_exact_when_asked(named):
    with named.read() as session:
        rounded = table(sightings_csv.table(session))
        exact = table(sightings_csv.table(session, exact=True))
    assert {row["latitude"] for row in rounded} == {"10.0", "10.1"} or {row["latitude"] for row in rounded} == {"10.0"}
    assert {row["latitude"] for row in exact} == {"10.0", "10.05"}
    assert rounded[0]["taken_at"] == START.isoformat()
    assert all(row["decided_by"] == "ana" for row in rounded)


def test_utm_agrees_with_published_coordinates():
    """CN Tower: 17N 630084 E 4833438 N; Sydney Opera House: 56S 334873 E 6252266 N."""
    x, y = transverse_mercator(43.642567, -79.387139, zone=17, south=False)
    assert (x, y) == pytest.approx((630084.3, 4833438.6), abs=0.5)
    x, y = transverse_mercator(-33.857001, 151.214998, zone=56, south=True)
    assert (x, y) == pytest.approx((334873.0, 6252266.0), abs=0.5)


def test_hidden_metres_keep_distances():
    where = {"a": (20.0, 80.0), "b": (20.1, 80.05)}
    hidden, exact = metres(where, exact=False), metres(where, exact=True)
    assert hidden.zone is None
    for axis in (0, 1):
        assert hidden.xy["b"][axis] - hidden.xy["a"][axis] == pytest.approx(
            exact.xy["b"][axis] - exact.xy["a"][axis], abs=1
        )


def test_identifiers_are_unique_and_never_words_r_reads_otherwise():
    found = identifiers(["NA", "none", "a b", "a-b", "A B", "राजा", "01", "#1"], "A")
    assert (found["a-b"], found["a b"]) == ("a-b", "a-b-2")
    assert len({identifier.lower() for identifier in found.values()}) == 8
    assert all(re.fullmatch(r"[A-Za-z0-9.-]+", identifier) for identifier in found.values())
    assert not {identifier.lower() for identifier in found.values()} & {"na", "none"}
    assert (found["01"], found["राजा"]) == ("01", "A6")
    found = identifiers(["T", "01", "1", "1.0", "1e0"], "A")
    assert found == {name: name if name in ("T", "1") else f"{name}-2" for name in found}, "R reads the others as 1"
    assert set(identifiers(["T", "F"], "A").values()) == {"T-2", "F-2"}, "R reads them as TRUE and FALSE"


def test_crops_of_an_individual_are_zipped_with_people_blurred(survey):
    from modal_backend.contracts import Category, Detection
    from tests.support.surveys import add_media

    person = Detection(Category.PERSON, 0.9, Box(0.2, 0.3, 0.15, 0.4))
    _, (animal, _) = add_media(survey, [Detection(Category.ANIMAL, 0.9, Box(0.2, 0.3, 0.3, 0.4)), person])
    with survey.write() as session:
        from app.survey.decisions import identity

        identity.new_individual(session, "ana", animal, name="A/1")
    with survey.read() as session:
        view = box(session, animal)
    path = survey.data_dir / "crops" / "0" / crop_name(animal, Box(view.x, view.y, view.width, view.height))
    path.parent.mkdir(parents=True)
    stripes = Image.new("L", (200, 100))
    stripes.putdata([255 * (x % 2) for _ in range(100) for x in range(200)])
    stripes.convert("RGB").save(path, "JPEG", quality=95)
    out = survey.data_dir / "crops.zip"
    FORMATS["crops"].write(survey, Wish(individual_id=1), out)
    with zipfile.ZipFile(out) as package:
        (name,) = [member for member in package.namelist() if member.endswith(".jpg")]
        assert name.startswith("A-1/A-1_unknown_2024-03-12_054100_Ridge-1_")
        assert "A-1/sightings.csv" in package.namelist()
        picture = Image.open(io.BytesIO(package.read(name))).convert("L")
    left, right = picture.crop((10, 10, 80, 90)), picture.crop((120, 10, 190, 90))
    (dark, light), (darkest, lightest) = left.getextrema(), right.getextrema()
    assert light - dark < 40
    assert lightest - darkest > 150


def test_the_command_line_writes_every_format(named, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PUGMARK_DATA_DIR", str(named.data_dir))
    load_settings.cache_clear()
    with pytest.raises(SystemExit):
        main(["export", "nonsense", str(tmp_path / "no.zip")])
    offered = capsys.readouterr().err
    assert all(kind in offered for kind in FORMATS)
    for kind in ("secr", "camtrapr", "mark", "history", "sightings", "megadetector"):
        out = tmp_path / f"{kind}.{FORMATS[kind].suffix}"
        assert main(["export", kind, str(out), "--occasion-days", "3"]) == 0
        assert out.stat().st_size > 50
    with zipfile.ZipFile(tmp_path / "secr.zip") as package:
        assert {"captures.txt", "detectors.txt", "README.txt"} <= set(package.namelist())
    assert main(["export", "secr", str(tmp_path / "no.zip"), "--start", "2035-01-01"]) == 2
    assert not list(tmp_path.glob("no.zip*"))
    assert "No camera worked after 2035-01-01" in capsys.readouterr().err
    load_settings.cache_clear()
