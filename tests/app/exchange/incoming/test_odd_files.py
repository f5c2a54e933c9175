"""Odd and broken files of every family are refused in a sentence, or read with every entry accounted for."""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path
from random import Random

import pytest
from openpyxl import Workbook

from app.exchange.incoming import identities, json_files
from app.exchange.incoming.entries import BrokenResults, UnknownResults
from app.exchange.incoming.recognise import recognise
from tests.support.odd_results import DOCUMENTS, table, written

SEEDS = 40


@pytest.mark.parametrize("family", DOCUMENTS)
def test_no_entry_of_an_odd_file_is_lost_and_no_odd_box_comes_in(family: str, tmp_path: Path) -> None:
    read, refusals = 0, []
    for seed in range(SEEDS):
        random = Random(f"{family} {seed}")
        document, count = DOCUMENTS[family](random)
        content, whole = written(random, document)
        place = tmp_path / "results.json"
        place.write_bytes(content)
        try:
            if family == "coco":
                if identities.reads(place):
                    assert identities.read(place).lines or identities.read(place).boxes
                    read += 1
                continue
            entries = list(recognise(place).entries())
        except (UnknownResults, BrokenResults) as refused:
            refusals.append((whole, str(refused)))
            continue
        read += 1
        assert len(entries) == count, seed
        for entry in entries:
            assert entry.problem is None or entry.problem.endswith((".", ")"))
            for found in entry.boxes:
                assert 0 <= found.confidence <= 1
                sides = (found.box.x, found.box.y, found.box.width, found.box.height)
                assert all(map(math.isfinite, sides))
                assert entry.pixels or (found.box.x + found.box.width <= 1.0001 and found.box.width > 0)
    assert read >= SEEDS / 4
    assert all(reason.endswith(".") for _, reason in refusals)
    assert family == "coco" or not [reason for whole, reason in refusals if whole]


def test_odd_tables_are_refused_in_words_or_every_row_is_a_line(tmp_path: Path) -> None:
    read, refusals = 0, []
    for seed in range(SEEDS):
        content, rows = table(Random(seed))
        place = tmp_path / "table.csv"
        place.write_bytes(content)
        try:
            contents = identities.read(place)
        except (UnknownResults, BrokenResults) as refused:
            refusals.append(str(refused))
            continue
        read += 1
        assert len(contents.lines) + len(contents.stations) <= rows
    assert read >= SEEDS / 4
    assert all(refusals)


PACKAGE = {
    "datapackage.json": '{"resources": [], "profile": "p"}',
    "deployments.csv": "deploymentID,latitude,longitude\nd,95,x\n",
    "media.csv": "mediaID,filePath\nm1,a.jpg\n",
    "observations.csv": "mediaID,observationType,bboxX,bboxY,bboxWidth,bboxHeight\n"
    "m1,animal,nan,0,1,1\nm2,dog,,,,\n,,,,,\n",
}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"media.csv": ""}, "media.csv of the package is empty"),
        ({"media.csv": "mediaID;filePath\nm1;a.jpg\n"}, "media.csv has no column mediaID and filePath"),
        ({"observations.csv": None}, "observations.csv is missing from the package"),
        ({"observations.csv": "observationType\n" + "animal\n" * 2}, "has no column mediaID"),
        ({"observations.csv": "mediaID,observationType\n" + "m1,animal\n" * 9 + '"broken'}, "cannot be read"),
    ],
)
def test_a_package_that_lacks_something_is_refused_with_the_reason(changes, reason, tmp_path: Path) -> None:
    for name, text in (PACKAGE | changes).items():
        if text is not None:
            (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises((UnknownResults, BrokenResults), match=reason):
        identities.read(tmp_path)


def test_a_package_inside_a_folder_of_a_zip_is_read_and_each_bad_row_has_its_reason(tmp_path: Path) -> None:
    place = tmp_path / "package.zip"
    with zipfile.ZipFile(place, "w") as package:
        for name, text in PACKAGE.items():
            package.writestr(f"survey/{name}", text)
    contents = identities.read(place)
    assert [line.problem for line in contents.lines] == [
        "A box or its confidence is not made of numbers.",
        "media.csv does not name it.",
        "It is about an event, not about an image.",
    ]
    (station,) = contents.stations
    assert str(station.problem).startswith("“95” is no latitude: it lies between -90 and 90 degrees.")
    place.write_bytes(place.read_bytes()[:-40])
    with pytest.raises((UnknownResults, BrokenResults)):
        identities.read(place)


def test_a_long_table_is_read_whole(tmp_path: Path) -> None:
    place = tmp_path / "large.csv"
    place.write_text("file,species\n" + "".join(f"{n}.jpg,axis\n" for n in range(60_000)), encoding="utf-8")
    lines = identities.read(place).lines
    assert len(lines) == 60_000
    assert [lines[n].path for n in (0, 999, 1000, -1)] == ["0.jpg", "999.jpg", "1000.jpg", "59999.jpg"]
    assert sum(1 for _ in lines) == 60_000


def test_only_an_entry_may_be_too_large_not_what_stands_before_or_behind_a_list(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(json_files, "LARGEST_ENTRY", 200_000)
    place = tmp_path / "large.json"
    images = [{"file_name": "x" * 900}] * 600
    place.write_text(json.dumps({"images": images, "categories": [{"id": 1}], "annotations": images}), encoding="utf-8")
    assert list(json_files.entries(place, "categories.item")) == [{"id": 1}]
    assert len(list(json_files.entries(place, "images.item"))) == 600
    place.write_text(json.dumps({"images": [{"file_name": "x" * 500_000}]}), encoding="utf-8")
    with pytest.raises(BrokenResults, match="One entry of the file is larger"):
        list(json_files.entries(place, "images.item"))


def test_a_table_that_excel_saved_as_unicode_text_is_read(tmp_path: Path) -> None:
    place = tmp_path / "animals.txt"
    place.write_text("Filename\tanimal id\nIMG_1.JPG\tZoë\n", encoding="utf-16")
    assert identities.reads(place)
    assert [(line.path, line.individual) for line in identities.read(place).lines] == [("IMG_1.JPG", "Zoë")]


def test_annotations_and_observations_of_unknown_images_are_each_left_out_by_name(tmp_path: Path) -> None:
    place = tmp_path / "coco.json"
    box = {"image_id": "gone", "category_id": 1, "bbox": [1, 1, 5, 5], "score": 0.9}
    document = {
        "images": [{"id": "i", "file_name": "a.jpg", "width": 9, "height": 9}],
        "annotations": [{"id": 1, **box}, {"id": 2, **box}],
        "categories": [{"id": 1, "name": "tiger"}],
    }
    place.write_text(json.dumps(document), encoding="utf-8")
    contents = identities.read(place)
    assert [(line.path, bool(line.problem)) for line in contents.lines] == [
        ("annotation 1", True),
        ("annotation 2", True),
    ]
    assert not contents.boxes
    (tmp_path / "datapackage.json").write_text('{"resources": [], "profile": "p"}', encoding="utf-8")
    (tmp_path / "media.csv").write_text("mediaID,filePath\nm1,a.jpg\n", encoding="utf-8")
    head = "mediaID,observationType,classificationMethod,bboxX,bboxY,bboxWidth,bboxHeight\n"
    rows = "m8,animal,machine,0.1,0.1,0.2,0.2\nm9,animal,machine,0.1,0.1,0.2,0.2\n"
    (tmp_path / "observations.csv").write_text(head + rows, encoding="utf-8")
    lines = identities.read(tmp_path).lines
    assert [(line.path, line.problem) for line in lines[:2]] == [
        ("m8", "media.csv does not name it."),
        ("m9", "media.csv does not name it."),
    ]
    assert lines[2].problem == "deployments.csv is missing from the package."
    (tmp_path / "media.csv").unlink()
    with pytest.raises(BrokenResults, match=r"^media\.csv is missing from the package\.$"):
        identities.read(tmp_path)


def test_annotations_that_repeat_one_another_are_each_a_line(tmp_path: Path) -> None:
    deer = [{"id": number, "image_id": 1, "category_id": 2} for number in range(3)]
    document = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 10, "height": 10}],
        "categories": [{"id": 2, "name": "deer"}],
        "annotations": [*deer, {"id": 9, "image_id": 1, "category_id": 2, "bbox": [1, 1, 5, 5]}],
    }
    place = tmp_path / "coco.json"
    place.write_text(json.dumps(document), encoding="utf-8")
    lines = list(identities.read(place).lines)
    assert [(line.species, bool(line.problem)) for line in lines] == [
        ("deer", False), ("deer", True), ("deer", True), ("deer", False),
    ]  # fmt: skip


def test_every_sheet_of_a_workbook_is_read_and_one_of_something_else_is_named(tmp_path: Path) -> None:
    book = Workbook()
    book.active.title = "README"
    book.active.append(["A long text about the notes of this survey."])
    book.active.append(["Another."])
    for title, rows in {"Sightings": ["a.jpg"], "Sightings 2": ["b.jpg"], "Rain": [], "Sheet4": []}.items():
        sheet = book.create_sheet(title)
        sheet.append([] if title == "Sheet4" else ["day", "mm"] if title == "Rain" else ["file", "individual"])
        for path in rows:
            sheet.append([path, "T1"])
    book["Rain"].append([1, 2])
    book.save(tmp_path / "animals.xlsx")
    lines = identities.read(tmp_path / "animals.xlsx").lines
    assert [line.path for line in lines if line.problem is None] == ["a.jpg", "b.jpg"]
    assert [line.path for line in lines if line.problem] == ["sheet Rain"]
