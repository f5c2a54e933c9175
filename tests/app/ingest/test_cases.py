"""Files as people really have them, where PUGMARK_TEST_DATA holds them: each is read as its table says."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest

from app.ingest.intake import Taken, source_files, take_in
from app.ingest.limits import Limits
from app.ingest.refusals import Refusal, RefusedFile
from app.ingest.store import MediaStore
from app.survey.media.folders import card_name, place_of

CASES = Path(os.environ.get("PUGMARK_TEST_DATA", "/nowhere")) / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="PUGMARK_TEST_DATA holds no cases")


def taken(root: Path, store: Path) -> dict[str, Taken]:
    """What an import of this folder or zip takes in, by path."""
    found = source_files(root, limits=Limits())
    kept = MediaStore(store)
    return {file.path: take_in(file, kept, Limits()) for file in found if not isinstance(file, RefusedFile)}


def refused(root: Path) -> dict[str, Refusal]:
    """What an import of this folder or zip names and does not take in, by path."""
    return {file.path: file.refusal for file in source_files(root, limits=Limits()) if isinstance(file, RefusedFile)}


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("d01_hour24", datetime(2019, 1, 2, 0, 4, 20)),
        ("d02_slashes", datetime(2007, 6, 30, 18, 45, 17)),
        ("d03_iso_Z", None),
        ("d04_offset_in_value", datetime(2018, 5, 10, 13, 23, 29)),
        ("d05_blank_original_good_datetime", datetime(2021, 6, 5, 4, 3, 2)),
        ("d06_subsec_in_value", datetime(2022, 3, 4, 5, 6, 7, 250000)),
        ("d07_no_seconds", datetime(2022, 3, 4, 5, 6)),
        ("d08_single_digits", datetime(2015, 8, 3, 4, 30, 58)),
        ("d09_reset_2000", datetime(2000, 1, 1, 0, 1, 12)),
        ("d10_reset_1970", datetime(1970, 1, 1, 0, 0, 10)),
        ("d11_future", datetime(2036, 1, 1, 0, 0, 10)),
        ("d12_dayfirst", datetime(2023, 12, 25, 6, 15)),
        ("d13_undef_type", datetime(2020, 2, 29, 23, 59, 59)),
        ("d14_no_nul", datetime(2020, 2, 29, 23, 59, 58)),
        ("d15_gmt_ampm", datetime(2012, 5, 1, 20, 30, 12)),
        ("d16_xmp_only", datetime(2022, 7, 8, 9, 10, 11)),
        ("d17_modifydate_of_editor", None),
    ],
)
def test_nearly_right_dates(tmp_path: Path, name: str, moment: datetime | None) -> None:
    (media,) = taken(CASES / f"exif/dates/{name}.jpg", tmp_path).values()
    assert media.taken_at == moment


def test_forms_of_a_place(tmp_path: Path) -> None:
    places = {path: (media.latitude, media.longitude) for path, media in taken(CASES / "exif/gps", tmp_path).items()}
    expected = (pytest.approx(-23.5417, abs=1e-4), pytest.approx(30.1667, abs=1e-4))
    assert places == dict.fromkeys(places, expected)
    assert len(places) == 5


def test_a_reconyx(tmp_path: Path) -> None:
    (media,) = taken(CASES / "makernote", tmp_path).values()
    assert (media.taken_at, media.camera_make) == (datetime(2015, 5, 7, 8, 8, 31), "RECONYX")


@pytest.mark.parametrize(
    ("path", "moment"),
    [
        ("phone/VID_20240312_064112.mp4", datetime(2024, 3, 12, 6, 41, 12)),
        ("names/StationA__2015-01-31__18-59-59(1).AVI", datetime(2015, 1, 31, 18, 59, 59)),
        ("names/StationA__2015-01-31__18-59-59(1).JPG", datetime(2015, 1, 31, 18, 59, 59)),
        ("names/2010 01 22 13 22 07.JPG", datetime(2010, 1, 22, 13, 22, 7)),
        ("names/2013-08-20 02-45-00 M 1 5.JPG", datetime(2013, 8, 20, 2, 45)),
        ("names/IMG-20240312-WA0001.jpg", None),
        ("idit_slash/PICT0001.AVI", datetime(2024, 3, 12, 5, 41, 7)),
        ("idit_canon/MVI_0001.AVI", datetime(2024, 3, 12, 5, 41, 7)),
        ("mtime/SYFW0001.AVI", None),
        ("gps/IMG_0004.MP4", datetime(2024, 3, 12, 5, 41, 30)),
    ],
)
def test_times_of_videos_and_names(tmp_path: Path, path: str, moment: datetime | None) -> None:
    (media,) = taken(CASES / "clips" / path, tmp_path).values()
    assert media.taken_at == moment
    if path.startswith("gps"):
        assert (media.latitude, media.longitude) == (-23.5417, 30.1667)


def test_a_small_picture_beside_a_video_is_no_picture(tmp_path: Path) -> None:
    assert list(taken(CASES / "clips/thm", tmp_path)) == ["MVI_0007.AVI"]
    assert refused(CASES / "clips/thm") == {"MVI_0007.THM": Refusal.THUMBNAIL}


def test_odd_pictures(tmp_path: Path) -> None:
    found = taken(CASES / "odd", tmp_path)
    assert {path: bool(media.damage) for path, media in found.items()} == {
        "o01_no_eoi.jpg": True, "o03_cut_70_percent.jpg": True, "o09.tif": False, "o10.bmp": False,
        "o12_mpo.jpg": False,
    }  # fmt: skip


def test_pictures_kept_by_a_time_shifting_tool(tmp_path: Path) -> None:
    assert len(taken(CASES / "shifted", tmp_path)) == 4
    assert list(refused(CASES / "shifted").values()) == [Refusal.BEFORE_EDIT] * 4


@pytest.mark.parametrize(
    ("name", "station", "files"),
    [("bsdtar_dot", "bsdtar_dot", 4), ("dotslash", "Station 08", 2), ("backslash", "Station 07", 2),
     ("cp866", "Кордон 3", 1), ("cp850", "Forêt Nº1", 1), ("mac_nfd", "Forêt 5", 1)],
)  # fmt: skip
def test_zips(tmp_path: Path, name: str, station: str, files: int) -> None:
    found = taken(CASES / f"zips/{name}.zip", tmp_path)
    assert len(found) == files
    assert {place.station for path in found if (place := place_of(path, card=name))} == {station}


@pytest.mark.parametrize(
    ("folder", "stations", "deployments"),
    [("codes", 3, 3), ("layout", 6, 6), ("paired", 2, 4), ("long", 2, 2), ("swap", 2, 2), ("nfc", 1, 1)],
)
def test_folders(folder: str, stations: int, deployments: int) -> None:
    listed = [file.path for file in source_files(CASES / folder, limits=Limits())]
    places = {place for path in listed if (place := place_of(path, card=card_name(CASES / folder)))}
    assert len({place.station for place in places}) == stations
    assert len(places) == deployments
