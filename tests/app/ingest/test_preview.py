"""What folders name is shown before anything is taken in, as the import then does it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.__main__ import main
from app.ingest.preview import preview
from app.survey.database import Survey
from app.survey.media import imports
from app.survey.media.stations import deployment_views


def laid(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"\xff\xd8\xff\xe0" + bytes(40))
    return root


PATHS = (
    "St01/CamA/DCIM/100RECNX/a.jpg", "St01/CamB/DCIM/100RECNX/a.jpg", "St01/CamC/b.jpg", "St02/DCIM/101_BTCF/c.jpg",
    "Grid/Cam1/a.jpg", "Grid/Cam2/a.jpg", "Grid/Cam3/a.jpg", "Grid/Cam4/a.jpg", "2023CT01/x.jpg",
)  # fmt: skip


def test_the_preview_names_the_stations_and_cameras_that_the_import_makes(tmp_path: Path, survey: Survey):
    root = laid(tmp_path / "card", *PATHS)
    found = preview(root)
    assert [(place.station, place.camera, place.files) for place in found.places] == [
        ("2023CT01", "", 1), ("Grid/Cam1", "", 1), ("Grid/Cam2", "", 1), ("Grid/Cam3", "", 1), ("Grid/Cam4", "", 1),
        ("St01", "CamA", 1), ("St01", "CamB", 1), ("St01", "CamC", 1), ("St02", "", 1),
    ]  # fmt: skip
    with survey.write() as session:
        batch = imports.import_of_path(session, root)
        for path in PATHS:
            imports.deployment_for(session, batch, path)
    with survey.read() as session:
        made = {(view.station, view.name) for view in deployment_views(session)}
    assert made == {(place.station, place.deployment) for place in found.places}


def test_files_without_a_place_and_files_left_out_are_counted(tmp_path: Path):
    root = laid(tmp_path / "DCIM", "100MEDIA/a.jpg", "100MEDIA/a.THM")
    found = preview(root, uploaded=True)
    assert (found.nameless, len(found.places)) == (0, 1) or found.nameless == 1
    assert [path for path, _ in found.refused] == ["100MEDIA/a.THM"]


def test_an_upload_is_read_below_its_folder_where_all_of_it_lies_in_one(tmp_path: Path):
    chosen = preview(laid(tmp_path / "one", "Season 1/St01/1.jpg", "Season 1/St02/1.jpg"), uploaded=True)
    several = preview(laid(tmp_path / "two", "St01/1.jpg", "North/St02/1.jpg"), uploaded=True)
    assert [place.station for place in chosen.places] == ["St01", "St02"]
    assert [place.station for place in several.places] == ["North/St02", "St01"]


def test_the_command_shows_it_and_takes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setenv("PUGMARK_DATA_DIR", str(tmp_path / "data"))
    root = laid(tmp_path / "card", *PATHS)
    assert main(["import", str(root), "--preview", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["places"]) == 9
    assert not (tmp_path / "data" / "survey.sqlite").exists()
