"""Folders name stations and deployments: what a person named counts, what a camera made below DCIM does not."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PurePosixPath

import pytest
import sqlalchemy as sa

from app.survey.capture.effort import effort
from app.survey.media import imports
from app.survey.media.folders import Place, card_name, is_nameless_card, place_in_chosen, place_of
from app.survey.media.stations import deployment_views
from app.survey.tables.deployments import Deployment
from tests.support.surveys import add_media


def station(path: str, card: str = "card", *, on_card: bool = False) -> str | None:
    place = place_of(path, card=card, on_card=on_card)
    return place.station if place else None


@pytest.mark.parametrize(
    "code", ["2023CT01", "2023CT02", "2023_C01", "001NORTH", "101RIDGE", "045_CT_A", "20230501", "100MEDIA", "PHOTO"]
)
def test_a_station_code_that_looks_like_a_cameras_folder_is_a_station_where_it_is_not_below_dcim(code: str) -> None:
    assert station(f"{code}/IMG_0001.JPG") == code
    assert station(f"{code}/DCIM/100EK113/IMG_0001.JPG") == code
    assert station(f"Season 1/{code}/100.JPG") == f"Season 1/{code}"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Season 1/2023CT01/1.JPG", Place("2023CT01", "2023CT01")),
        ("Ridge/DCIM/100EK113/1.JPG", Place("Ridge", "Ridge")),
        ("Ridge/CamA/1.JPG", Place("Ridge", "Ridge/CamA")),
        ("Ridge/1.JPG", Place("Ridge", "Ridge")),
        ("DCIM/100EK113/1.JPG", None),
        ("zips/season.zip/Ridge/1.JPG", Place("Ridge", "Ridge")),
    ],
)
def test_a_folder_chosen_in_the_browser_is_read_like_one_that_the_command_imports(path: str, expected: Place | None):
    assert place_in_chosen(path) == expected


@pytest.mark.parametrize("card", ["", "cards"])
def test_a_zip_stands_for_the_folders_in_it_and_names_a_place_only_where_they_do_not(card: str) -> None:
    assert station("season.zip/Station 07/DCIM/100EK113/1.JPG", card) == "Station 07"
    assert station("North/season.ZIP/Station 07/1.JPG", card) == "North/Station 07"
    assert station("Station 07.zip/DCIM/100EK113/1.JPG", card) == "Station 07"
    assert station("Station 07.zip/1.JPG", card) == "Station 07"
    assert station("outer.zip/inner.zip/Station 07/1.JPG", card) == "Station 07"
    assert place_of("Station 07.zip/CamA/1.JPG", card=card) == Place("Station 07", "Station 07/CamA")


@pytest.mark.parametrize(
    "folder",
    ["100RECNX", "101RECNX", "100MEDIA", "100_BTCF", "100EK113", "100STC", "100DSCIM", "100MFCAM", "100CANON", 
     "DCIM100", "MFDC0100", "PHOTO", "VIDEO", "PICT", "100_0312", "photo", "Camera",
     "10140312", "202403__", "202403_A", "TIMELAPSE", "Time Lapse", "EVENTS",
     "100MEDIA (1)", "100RECNX - Copy", "100RECNX copy 2", "100MEDIA - Kopie", "2024_03_12", "20240312"],
)  # fmt: skip
def test_a_folder_that_a_camera_makes_below_dcim_names_no_place(folder: str) -> None:
    assert station(f"Ridge/DCIM/{folder}/IMG_0001.JPG") == "Ridge"
    assert station(f"DCIM/{folder}/IMG_0001.JPG") == "card"
    assert station(f"dcim/{folder}/IMG_0001.JPG", "") is None
    assert station(f"{folder}/IMG_0001.JPG", "Ridge", on_card=True) == "Ridge"


def test_several_cards_in_one_folder_are_deployments_of_its_station() -> None:
    for folder in ("DCIM 1", "DCIM (2)", "DCIM_3"):
        assert place_of(f"Ridge/{folder}/100MEDIA/1.JPG", card="card") == Place("Ridge", f"Ridge/{folder}")
        assert place_of(f"{folder}/100MEDIA/1.JPG", card="card") == Place("card", f"card/{folder}")
    assert station("DCIM Ridge/100MEDIA/1.JPG") == "DCIM Ridge"


def test_a_persons_folder_below_dcim_is_kept_and_camcorders_folders_are_not() -> None:
    assert station("DCIM/2023CT01/IMG_0001.JPG") == "2023CT01"
    assert station("Ridge/PRIVATE/AVCHD/BDMV/STREAM/00001.MTS") == "Ridge"
    assert station("Ridge/PRIVATE/M4ROOT/CLIP/C0001.MP4") == "Ridge"
    assert station("Private/IMG_0001.JPG") == "Private"


def test_a_card_imported_by_a_folder_of_its_own_is_called_by_its_name() -> None:
    for root in ("/cards/card_A", "/cards/card_A/DCIM", "/cards/card_A/DCIM/100EK113", "/cards/card_A/PRIVATE/AVCHD"):
        assert card_name(PurePosixPath(root)) == "card_A"
    for root in ("/DCIM", "/media/DCIM", "/media/NO NAME/DCIM/100EK113"):
        assert card_name(PurePosixPath(root)) == ""


def test_a_card_without_a_name_asks_for_one(tmp_path: Path, survey) -> None:
    card = tmp_path / "NO NAME"
    (card / "DCIM/100EK113").mkdir(parents=True)
    for root in (card, card / "DCIM", card / "DCIM/100EK113"):
        assert is_nameless_card(root)
        with survey.write() as session, pytest.raises(imports.CardWithoutName):
            imports.import_of_path(session, root)
    assert not is_nameless_card(tmp_path)
    with survey.write() as session:
        chosen = imports.deployment_named(session, "Ridge").id
        assert imports.import_of_path(session, card, chosen).deployment_id == chosen


@pytest.mark.parametrize(
    "pair",
    [
        ("CamA", "CamB"),
        ("Camera 1", "Camera 2"),
        ("A", "B"),
        ("left", "Right"),
        ("L", "R"),
        ("Izquierda", "Derecha"),
        ("gauche", "droite"),
        ("Câmera 1", "Câmera 2"),
        ("камера 1", "Камера 2"),
        ("левая", "правая"),
    ],
)
def test_paired_cameras_are_two_deployments_of_one_station(pair: tuple[str, str]) -> None:
    for camera in pair:
        expected = Place("St01", f"St01/{camera}")
        assert place_of(f"St01/{camera}/DCIM/100EK113/1.JPG", card="paired") == expected
        assert place_of(f"{camera}/DCIM/100EK113/1.JPG", card="St01") == expected


@pytest.mark.parametrize("folder", ["01", "CT01", "North", "Cam12", "Block A", "C"])
def test_a_folder_that_may_be_a_station_stays_one(folder: str) -> None:
    assert station(f"Grid/{folder}/1.JPG") == f"Grid/{folder}"


def test_three_cameras_in_one_folder_are_three_stations_whatever_comes_first(survey) -> None:
    for folder in ("Grid/Cam2", "Grid/Cam1", "St01/A", "Grid/Cam3", "St01/B", "Grid/Cam4"):
        add_media(survey, folder=folder)
    with survey.read() as session:
        stations = dict(session.execute(sa.select(Deployment.name, Deployment.station)).all())  # type: ignore[arg-type]
    assert {stations[f"Grid/Cam{number}"] for number in range(1, 5)} == {f"Grid/Cam{number}" for number in range(1, 5)}
    assert (stations["St01/A"], stations["St01/B"]) == ("St01", "St01")


def test_effort_of_paired_cameras_is_that_of_their_station(survey) -> None:
    for folder, minutes in (("St01/CamA", 0), ("St01/CamA", 5760), ("St01/CamB", 1440), ("St01/CamB", 7200)):
        add_media(survey, folder=folder, minutes=minutes)
    with survey.read() as session:
        worked = effort(session, deployment_views(session))
    assert worked.stations == ("St01",)
    assert worked.days.tolist() == [[1] * 6]


def test_both_unicode_forms_of_a_name_are_one_station(survey) -> None:
    name = "Forêt 5"
    for form in ("NFC", "NFD"):
        add_media(survey, folder=unicodedata.normalize(form, name))  # type: ignore[arg-type]
    with survey.read() as session:
        assert session.scalars(sa.select(Deployment.name)).all() == [unicodedata.normalize("NFC", name)]


def test_names_that_differ_only_at_their_end_stay_apart_however_long(survey) -> None:
    above = "/".join(["Season two thousand twenty three block " + "abcdefgh " * 14 + "z"] * 2)
    for end in ("South ridge", "North ridge"):
        add_media(survey, folder=f"{above}/{end}")
    with survey.read() as session:
        assert sorted(session.scalars(sa.select(Deployment.station))) == [
            f"{above}/North ridge",
            f"{above}/South ridge",
        ]
