"""Every format of a small survey: it opens in the program named for it, and holds no place that must not leave."""

from __future__ import annotations

import io
import re
import sqlite3
import struct
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyogrio
import pytest
from openpyxl import Workbook, load_workbook
from PIL import Image
from pycocotools.coco import COCO
from pypdf import PdfReader

from app import files
from app.exchange import sightings_xlsx
from app.exchange.camtrap_dp import Statement
from app.exchange.coordinates import transverse_mercator
from app.exchange.formats import FORMATS
from app.exchange.identifiers import ExportRefused
from app.exchange.wishes import Wish
from app.exchange.writers import readme_beside
from app.jobs import exports as job
from app.survey.capture.history import Design
from app.survey.decisions import boxes, catalogue
from app.survey.detections.boxes import box
from app.survey.detections.results import crop_name
from app.survey.exports import written as exports
from app.survey.tables.media import Media
from modal_backend.contracts import Box, Category, Detection
from tests.support.catalogued import DAY, opened, place, seen
from tests.support.surveys import add_media, found

PLACES = {"Ridge": (23.5431, 85.9682), "Valley": (23.5576, 85.9411)}
STATEMENT = Statement("Ridge", "targeted", "activityDetection", "+05:30")
CHOSEN = {
    "individual": "1", "name": "Machli", "title": "Ridge", "sampling": "targeted", "method": "activityDetection",
    "utc_offset": "+05:30",
}  # fmt: skip
GPS, DATE, DESCRIPTION = 0x8825, 0x9003, 0x010E


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory):
    """A tiger at two stations, a deer, a person with a deer, a blank; every file says where it was taken."""
    with opened(tmp_path_factory.mktemp("every")) as survey:
        tigers = [seen(survey, "Machli", "Ridge", 0), seen(survey, "Machli", "Valley", DAY)]
        deer = add_media(survey, [found()], folder="Ridge", minutes=40)[1]
        person = Detection(Category.PERSON, 0.9, Box(0.1, 0.1, 0.4, 0.8))
        deer += add_media(survey, [found(x=0.6), person], folder="Valley", minutes=2 * DAY)[1][:1]
        add_media(survey, [], folder="Valley", minutes=3 * DAY)
        for station, (latitude, longitude) in PLACES.items():
            place(survey, station, latitude, longitude)
        with survey.write() as session:
            catalogue.describe(session, "ana", 1, species="Panthera tigris", sex="female")
            for number in deer:
                boxes.correct_box(session, "ana", number, species="Axis axis")
            for media in session.query(Media):
                media.latitude, media.longitude = PLACES["Ridge"]
                _photo(files.original_path(survey.data_dir, media.sha256, ".jpg"))
        with survey.read() as session:
            for number in tigers:
                view = box(session, number)
                path = files.crop_path(survey.data_dir, crop_name(number, Box(view.x, view.y, view.width, view.height)))
                stripes = np.indices((60, 80))[1] % (1 + number) == 0
                files.write_jpeg(path, np.stack([255 * stripes.astype(np.uint8)] * 3, axis=2), 80, 90)
        yield survey


def _photo(path: Path) -> None:
    exif = Image.Exif()
    exif[DESCRIPTION] = "N 23.5431 E 85.9682"
    exif.get_ifd(0x8769)[DATE] = "2024:03:12 05:41:00"
    exif.get_ifd(GPS).update({1: "N", 2: (23.0, 32.0, 35.16), 3: "E", 4: (85.0, 58.0, 5.52)})
    path.parent.mkdir(parents=True, exist_ok=True)
    stripes = Image.new("L", (80, 60))
    stripes.putdata([255 * (x % 2) for _ in range(60) for x in range(80)])
    stripes.convert("RGB").save(path, "JPEG", exif=exif, comment=b"23.5431,85.9682", quality=95)


@pytest.fixture(scope="module")
def written(kept) -> dict[str, Path]:
    """Every format as the worker writes it."""
    found = {}
    for key in FORMATS:
        with kept.write() as session:
            number = exports.ask_for(session, key, CHOSEN, "ana").id
        job.bring_to_end(kept, number)
        with kept.read() as session:
            file = exports.view(session, kept.data_dir, number)
        assert file.path, file.error
        found[key] = file.path
    return found


def texts(name: str, content: bytes):
    """Every text a file holds, those of the files in it included, with where it stands."""
    yield name, name
    if name.endswith((".zip", ".xlsx")):
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            for inner in package.namelist():
                yield from texts(f"{name}/{inner}", package.read(inner))
    elif name.endswith(".pdf"):
        for page in PdfReader(io.BytesIO(content)).pages:
            yield name, page.extract_text()
    elif name.endswith(".jpg"):
        with Image.open(io.BytesIO(content)) as picture:
            exif = picture.getexif()
            metadata = [dict(exif), dict(exif.get_ifd(GPS)), dict(exif.get_ifd(0x8769)), picture.info]
            yield name, str([{key: value for key, value in part.items() if key != "exif"} for part in metadata])
        yield name, content.decode("latin-1")
    elif name.endswith(".gpkg"):
        connection = sqlite3.connect(":memory:")
        connection.deserialize(content)
        yield name, "\n".join(connection.iterdump())
        connection.close()
        shapes = pyogrio.raw.read(content)[2]
        yield name, str([struct.unpack("<BIdd", shape)[2:] for shape in shapes])
    else:
        yield name, content.decode("utf-8")


def betrays(text: str) -> list[str]:
    """The numbers in a text that say where a station is more finely than 0.1 degree: in degrees, in minutes, in UTM."""
    degrees = [value for where in PLACES.values() for value in where]
    metres = [value for where in PLACES.values() for value in transverse_mercator(*where, zone=45, south=False)]
    found = []
    for number in re.findall(r"(?<![\w.])-?\d+\.?\d*", text):
        value = float(number)
        finer = any(abs(value - place) < 0.06 for place in degrees) and value != round(value, 1)
        if finer or any(abs(value - place) < 3000 for place in metres):
            found.append(number)
    return found


def test_no_export_of_a_survey_with_a_sensitive_species_holds_a_finer_place_than_the_rule(written):
    found = {}
    for path in (beside for file in written.values() for beside in file.parent.iterdir()):
        for where, text in texts(path.name, path.read_bytes()):
            if "\ufffd" not in text and (numbers := betrays(text)):
                found[where] = numbers
            assert "GPSLatitude" not in text
    assert not found


def test_exact_places_leave_when_a_person_asks_for_them(kept, tmp_path):
    for key in ("stations", "images", "sightings", "camtrap-dp", "secr", "sightings-xlsx"):
        path = tmp_path / f"{key}.{FORMATS[key].suffix}"
        FORMATS[key].write(kept, Wish(individual_id=1, statement=STATEMENT, exact=True), path)
        assert any(betrays(text) for _, text in texts(path.name, path.read_bytes())), key


NAMES_STAND = ("catalogue", "megadetector", "coco", "stations")


def test_every_format_has_a_readme_with_settings_models_and_what_was_left_out(written):
    for key, path in written.items():
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as package:
                readme = package.read("README.txt").decode()
        elif path.suffix == ".xlsx":
            readme = "\n".join(str(row[0]) for row in load_workbook(path)["README"].values)
        elif path.suffix == ".pdf":
            readme = " ".join(PdfReader(path).pages[0].extract_text().split())
        else:
            readme = readme_beside(path).read_text()
        assert "pocket-detector test (detect, embedded, boxes count from 0.5" in readme, path.stem
        assert "sampling design targeted" in readme, path.stem
        assert "eft out" in readme, path.stem
        assert readme.count("Left out: ") == 1, path.stem
        assert ("apostrophe" in readme) != (key in NAMES_STAND), key


def test_coco_opens_in_pycocotools_with_its_species_and_boxes(written):
    coco = COCO(str(written["coco"]))
    (tiger,) = coco.getCatIds(catNms=["Panthera tigris"])
    images = coco.getImgIds(catIds=[tiger])
    assert sorted(image["file_name"] for image in coco.loadImgs(images)) == [
        "Ridge/IMG_0001.JPG",
        "Valley/IMG_0002.JPG",
    ]
    annotations = coco.loadAnns(coco.getAnnIds(imgIds=images))
    assert {annotation["attributes"]["individual"] for annotation in annotations} == {"Machli"}
    assert all(
        annotation["bbox"][2] * annotation["bbox"][3] == pytest.approx(annotation["area"], abs=0.01)
        for annotation in annotations
    )


def test_stations_are_the_same_points_for_gdal_in_geojson_geopackage_and_kml(written, tmp_path):
    with zipfile.ZipFile(written["stations"]) as package:
        package.extractall(tmp_path)
    for name in ("stations.geojson", "stations.gpkg", "stations.kml"):
        about, _, shapes, columns = pyogrio.raw.read(tmp_path / name)
        assert about["geometry_type"] in ("Point", "Unknown")  # GDAL says Unknown of every KML
        assert len(shapes) == 2
        field = "Name" if name.endswith("kml") else "station"
        assert sorted(columns[list(about["fields"]).index(field)]) == ["Ridge", "Valley"]
    assert pyogrio.read_info(tmp_path / "stations.gpkg")["crs"] == "EPSG:4326"
    assert pyogrio.read_bounds(tmp_path / "stations.gpkg")[1][:2].tolist() == [[85.9 + 0.1, 85.9], [23.5, 23.6]]


def test_images_lie_in_folders_of_their_species_with_people_blurred_and_times_kept(written):
    with zipfile.ZipFile(written["images"]) as package:
        names = [name for name in package.namelist() if name.endswith(".jpg")]
        folders = sorted(name.split("/")[0] for name in names)
        assert folders == ["Axis-axis", "Axis-axis", "Panthera-tigris", "Panthera-tigris", "blank", "person"]
        (tiger, *_) = [name for name in names if name.startswith("Panthera-tigris/Ridge_2024-03-12_054100_")]
        with Image.open(io.BytesIO(package.read(tiger))) as picture:
            assert picture.getexif().get_ifd(0x8769)[DATE] == "2024:03:12 05:41:00"
            assert not picture.getexif().get_ifd(GPS)
        (person,) = [name for name in names if name.startswith("person/")]
        with Image.open(io.BytesIO(package.read(person))) as picture:
            left = picture.convert("L").crop((12, 12, 36, 48)).getextrema()
            right = picture.convert("L").crop((50, 12, 76, 48)).getextrema()
        assert left[1] - left[0] < 60 < right[1] - right[0]
        listed = pd.read_csv(io.BytesIO(package.read("files.csv")))
    assert sorted(listed["file"]) == sorted(names)
    assert set(listed["original"]) == {"Ridge/IMG_0001.JPG", "Valley/IMG_0002.JPG", "Ridge/IMG_0003.JPG",
                                       "Valley/IMG_0004.JPG", "Valley/IMG_0005.JPG"}  # fmt: skip


def test_images_can_be_sorted_by_individual(kept, tmp_path):
    FORMATS["images"].write(kept, Wish(sorted_by="individual"), tmp_path / "images.zip")
    with zipfile.ZipFile(tmp_path / "images.zip") as package:
        assert {name.split("/")[0] for name in package.namelist() if "/" in name} == {"Machli-1"}
        assert "3 of nobody who is named" in package.read("README.txt").decode()


def test_detection_histories_have_a_matrix_a_species_with_1_0_and_na(kept, tmp_path):
    FORMATS["occupancy"].write(kept, Wish(design=Design(occasion_days=1)), tmp_path / "occupancy.zip")
    with zipfile.ZipFile(tmp_path / "occupancy.zip") as package:
        deer = pd.read_csv(io.BytesIO(package.read("species/Axis-axis.csv")), index_col="station")
        long = pd.read_csv(io.BytesIO(package.read("detections.csv")))
        works = pd.read_csv(io.BytesIO(package.read("operation.csv")), index_col="station")
    assert deer.loc["Ridge"].tolist()[0] == 1
    assert deer.loc["Ridge"].isna().tolist() == [False, True, True, True]
    assert deer.loc["Valley"].tolist()[1:] == [0, 1, 0]
    assert works.loc["Valley"].fillna(-1).tolist() == [-1, 1, 1, 1]
    assert long.groupby("species")["events"].sum().to_dict() == {"Axis axis": 2, "Panthera tigris": 2}


def test_the_workbook_has_the_rows_of_the_table_and_no_formula(written):
    book = load_workbook(written["sightings-xlsx"])
    rows = list(book["Sightings"].values)
    table = pd.read_csv(written["sightings"])
    assert list(rows[0]) == list(table.columns)
    assert [row[0] for row in rows[1:]] == table["individual"].tolist()
    assert "pocket-detector test" in "\n".join(str(row[0]) for row in book["README"].values)


def test_a_workbook_goes_on_in_another_sheet_where_rows_end_and_keeps_odd_names(tmp_path):
    book = Workbook(write_only=True)
    names = ["NA", "=1+1", "01", "TRUE", "a\x07b", "T-01"]
    assert sightings_xlsx._sheets(book, [(name, 1) for name in names], 4) == 6
    book.save(tmp_path / "out.xlsx")
    read = load_workbook(tmp_path / "out.xlsx")
    assert read.sheetnames == ["Sightings", "Sightings 2"]
    values = [row[0] for sheet in read for row in list(sheet.values)[1:]]
    assert values == ["'NA", "'=1+1", "'01", "'TRUE", "ab", "T-01"]
    assert all(cell.data_type != "f" for sheet in read for row in sheet for cell in row)


def test_the_printed_catalogue_has_each_individual_with_crops_and_sightings(written):
    pages = PdfReader(written["catalogue"]).pages
    text = "\n".join(page.extract_text() for page in pages)
    assert "Machli" in text
    assert "Panthera tigris" in text
    assert "2024-03-12 05:41:00" in text
    assert sum(len(page.images) for page in pages) == 2


def test_everything_holds_each_format_and_says_what_it_could_not_write(written, kept, tmp_path):
    with zipfile.ZipFile(written["everything"]) as package:
        held = {key: kind for key, kind in FORMATS.items() if key not in ("crops", "everything")}
        beside = {f"{key}.README.txt" for key in ("sightings", "megadetector", "coco")}
        files_of = {f"{key}.{kind.suffix}" for key, kind in held.items()}
        assert set(package.namelist()) == {"README.txt", *beside, *files_of}
    FORMATS["everything"].write(kept, Wish(), tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as package:
        assert "camtrap-dp.zip" not in package.namelist()
        assert "how stations were chosen" in package.read("README.txt").decode()


def test_an_empty_survey_refuses_each_new_format_with_a_sentence(survey, tmp_path):
    for key in ("stations", "catalogue", "images"):
        with pytest.raises(ExportRefused, match=r"\w+\."):
            FORMATS[key].write(survey, Wish(), tmp_path / "out")
