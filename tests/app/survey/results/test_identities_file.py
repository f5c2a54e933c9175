"""A table of who is on which image, or a folder for each individual, makes individuals with crops; one undo."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from openpyxl import Workbook

from app.exchange.incoming import identities, taking_over
from app.exchange.incoming.entries import UnknownResults
from app.exchange.incoming.lines import Contents, Line
from app.survey.database import Survey
from app.survey.decisions import identities_file, undoing
from app.survey.decisions import identity as identify
from app.survey.detections.boxes import boxes_of
from app.survey.tables.individuals import Individual, Sighting
from tests.support.surveys import add_media, found


def take(survey: Survey, lines: list[Line]) -> list[tuple[str, str]]:
    """Take the lines; returns what was left out, with the reasons."""
    with survey.write() as session:
        matched = taking_over.match(session, Contents(lines))
        planned = identities_file.plan(session, matched.lines)
        identities_file.take(session, "ana", matched.lines, "tigers.csv")
    return [
        *matched.left_out,
        *((change.line.path, change.problem) for change in planned if change.problem is not None),
    ]


def test_individuals_get_the_animal_of_each_image_or_the_whole_picture_and_one_undo_takes_all_back(survey):
    first, (box,) = add_media(survey, [found()])
    second, _ = add_media(survey, [])
    lines = [Line("D:\\cat\\Ridge 1\\IMG_0001.JPG", "NA", "Panthera tigris", "left"), Line("IMG_0002.JPG", "na")]
    assert take(survey, lines) == []
    with survey.read() as session:
        views = boxes_of(session, [first, second])
        assert [(view.id, view.individual, view.species, view.flank) for view in views[first]] == [
            (box, "NA", "Panthera tigris", "left")
        ]
        assert [(view.individual, view.width, view.drawn) for view in views[second]] == [("NA", 1.0, True)]
        assert session.scalars(sa.select(Individual.name)).all() == ["NA"]
    with survey.write() as session:
        undoing.undo_last(session, "ana", ["identities file"])
    with survey.read() as session:
        assert session.scalars(sa.select(Individual)).all() == []
        assert session.scalars(sa.select(Sighting)).all() == []
        assert boxes_of(session, [second])[second] == []


def test_doubtful_lines_and_named_boxes_are_left_out_with_the_reason(survey):
    _, (named,) = add_media(survey, [found()])
    add_media(survey, [found(), found(x=0.6)])
    add_media(survey, [found()])
    add_media(survey, [found()])
    with survey.write() as session:
        identify.new_individual(session, "ben", named, name="T-7")
    names = ["IMG_0001.JPG", "IMG_0002.JPG", "IMG_0003.JPG", "IMG_0099.JPG", ""]
    lines = [Line(name, "T-9") for name in names] + [Line("IMG_0004.JPG", name) for name in "ab"]
    several = "Several animals are named on this image: name them in Identify."
    assert sorted(take(survey, lines)) == [
        ("", "The line names no file, or nothing that is on it."),
        ("IMG_0001.JPG", "Somebody has named it T-7."),
        ("IMG_0002.JPG", "2 animals are on it: name this one in Identify."),
        ("IMG_0004.JPG", several),
        ("IMG_0004.JPG", several),
        ("IMG_0099.JPG", "It is not in the survey."),
    ]


def test_the_first_folder_of_an_import_names_the_individual(survey):
    add_media(survey, [found()], folder="T-12/left")
    with survey.read() as session:
        assert identities.of_folders(session, 1) == [Line("T-12/left/IMG_0001.JPG", "T-12")]


def test_a_table_is_read_from_csv_and_excel_by_the_names_of_its_columns(tmp_path: Path):
    text = tmp_path / "tigers.csv"
    text.write_text("Image Name;Individual ID;Side\na.jpg;NA;L\nb.jpg;007;\n", encoding="utf-8")
    expected = [Line("a.jpg", "NA", None, "left"), Line("b.jpg", "007")]
    assert identities.read(text).lines == expected
    book = Workbook()
    for row in (["file", "individual", "flank"], ["a.jpg", "NA", "left"], ["b.jpg", "007", None]):
        book.active.append(row)
    book.save(tmp_path / "tigers.xlsx")
    assert identities.read(tmp_path / "tigers.xlsx").lines == expected
    text.write_text("station,colour\nRidge 1,red\n", encoding="utf-8")
    with pytest.raises(UnknownResults, match="file, and individual or species; this one has station, colour"):
        identities.read(text)


def test_timelapse_and_wildlife_insights_are_read_with_their_paths_and_species(tmp_path: Path):
    table = tmp_path / "table.csv"
    table.write_text("File,RelativePath,DateTime,Species\na.jpg,Ridge 1\\100EK,2024-03-12,leopard\n", encoding="utf-8")
    assert identities.read(table).lines == [Line("Ridge 1\\100EK/a.jpg", species="leopard")]
    header = "project_id,deployment_id,image_id,filename,is_blank,identified_by,genus,species\n"
    lines = ["1,d,i,a.jpg,0,Ana,Panthera,pardus", "1,d,j,b.jpg,1,Ana,,", "1,d,k,c.jpg,0,Computer vision,Sus,scrofa"]
    table.write_text(header + "\n".join(lines), encoding="utf-8")
    found = identities.read(table).lines
    assert (found[0].path, found[0].species, found[0].problem) == ("a.jpg", "Panthera pardus", None)
    assert [line.problem is None for line in found] == [True, False, False]


def test_a_species_goes_to_all_animals_of_an_image_and_what_somebody_said_stays(survey):
    image, _ = add_media(survey, [found(), found(x=0.6)])
    assert take(survey, [Line("IMG_0001.JPG", species="Axis axis")]) == []
    add_media(survey, [found()])
    lines = [Line("IMG_0001.JPG", species="Sus scrofa"), Line("IMG_0002.JPG", species="Sus scrofa")]
    assert take(survey, lines) == [("IMG_0001.JPG", "Somebody has said that it is Axis axis.")]
    with survey.read() as session:
        assert [view.species for view in boxes_of(session, [image])[image]] == ["Axis axis", "Axis axis"]


def test_observations_of_a_camtrap_dp_example_are_read_from_folder_descriptor_and_zip(real_data: Path, tmp_path: Path):
    folder = real_data / "exchange" / "camtrap-dp-1.0.2" / "example"
    contents = identities.read(folder)
    lines = contents.lines
    with (folder / "observations.csv").open(encoding="utf-8") as file:
        rows = len(list(csv.DictReader(file)))
    assert len(lines) + sum(len(entry.boxes) or 1 for entry in contents.boxes) == rows, "no row is lost"
    assert len(contents.stations) == 4
    assert any(line.species == "Anas platyrhynchos" and line.path.endswith("RCNX0001.JPG") for line in lines)
    assert identities.read(folder / "datapackage.json").lines == lines
    with zipfile.ZipFile(tmp_path / "package.zip", "w") as package:
        for file in folder.iterdir():
            package.write(file, file.name)
    assert identities.reads(tmp_path / "package.zip")
    assert identities.read(tmp_path / "package.zip").lines == lines


def test_coco_camera_traps_gives_what_people_said(tmp_path: Path):
    place = tmp_path / "coco.json"
    human = {"image_id": "i", "category_id": 1, "attributes": {"decided_by": "human", "individual": "NA"}}
    machine = {"image_id": "i", "category_id": 1, "attributes": {"decided_by": "machine"}}
    images = [{"id": "i", "file_name": "Ridge 1/a.jpg"}]
    document = {"images": images, "annotations": [human, machine], "categories": [{"id": 1, "name": "Panthera tigris"}]}
    place.write_text(json.dumps(document), encoding="utf-8")
    assert identities.reads(place)
    first, second = identities.read(place).lines
    assert first == Line("Ridge 1/a.jpg", "NA", "Panthera tigris")
    assert second.problem is not None
