"""EXIF gives facts or nothing: no invented date, zone or place, and no refusal."""

from __future__ import annotations

import struct
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from app.ingest.exif import Exif, read_exif
from app.ingest.file_name_time import file_name_time, phone_time, zone_between


def block(main: dict[int, Any] | None = None, detail: Any = None, gps: Any = None) -> bytes:
    """An EXIF block as Pillow writes it."""
    exif = Image.Exif()
    exif.update(main or {})
    exif.get_ifd(0x8769).update(detail or {})
    exif.get_ifd(0x8825).update(gps or {})
    return exif.tobytes()


def rationals(*pairs: tuple[int, int]) -> tuple[IFDRational, ...]:
    return tuple(IFDRational(*pair) for pair in pairs)


def test_a_camera_traps_facts_are_read() -> None:
    facts = read_exif(
        block(
            {0x010F: "RECONYX\0\0", 0x0110: "  HYPERFIRE 2 ", 0x0112: 6, 0x0132: "2030:01:01 00:00:00"},
            {0x9003: "2024:03:12 05:41:12", 0x9291: "25", 0x9011: "+05:30", 0xA431: "H2X0815"},
            {
                1: "N",
                2: rationals((21, 1), (30, 1), (3600, 100)),
                3: "e",
                4: rationals((79, 1), (15, 1), (0, 1)),
            },
        )
    )
    assert facts == Exif(
        orientation=6,
        taken_at=datetime(2024, 3, 12, 5, 41, 12, 250000),
        utc_offset="+05:30",
        latitude=pytest.approx(21.51),
        longitude=pytest.approx(79.25),
        camera_make="RECONYX",
        camera_model="HYPERFIRE 2",
        camera_serial="H2X0815",
    )
    assert facts.taken_at is not None
    assert facts.taken_at.tzinfo is None


def test_the_time_falls_back_from_original_to_digitised_to_file_time() -> None:
    original, digitised, file_time = "2021:01:01 01:01:01", "2022:02:02 02:02:02", "2023:03:03 03:03:03"
    zones = {0x9010: "+03:00", 0x9012: "+02:00"}
    both = read_exif(block({0x0132: file_time}, {0x9003: original, 0x9004: digitised}))
    assert both.taken_at == datetime(2021, 1, 1, 1, 1, 1)
    blank = read_exif(block({0x0132: file_time}, {0x9003: "    :  :     :  :  ", 0x9004: digitised, **zones}))
    assert (blank.taken_at, blank.utc_offset) == (datetime(2022, 2, 2, 2, 2, 2), "+02:00")
    unset = read_exif(block({0x0132: file_time}, {0x9003: "0000:00:00 00:00:00", **zones}))
    assert (unset.taken_at, unset.utc_offset) == (datetime(2023, 3, 3, 3, 3, 3), "+03:00")


@pytest.mark.parametrize(
    "text",
    [
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "",
        " ",
        "2024:13:45",
        "2024:13:45 10:00:00",
        "2024:02:30 10:00:00",
        "2024:03:12 25:00:00",
        "2018-01-20T11:46:00Z",
        "03/04/2024 06:15:00",
        "2024:03:12 13:30:00 PM",
        "0001:01:01 00:00:00",
        "9999:12:31 24:00:00",
        "2024:03:12 10:61:00",
        "2024:03:12",
        "12 March 2024",
        "2024:03:12 10:00:00 or later",
        "\u0662\u0660\u0662\u0664:03:12 10:00:00",
    ],
)
def test_a_date_that_is_none_stays_none(text: str) -> None:
    facts = read_exif(block(detail={0x9003: text, 0x9011: "+01:00"}))
    assert facts.taken_at is None
    assert facts.utc_offset is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2019:01:01 24:04:20", datetime(2019, 1, 2, 0, 4, 20)),
        ("2024:12:31 24:00:00", datetime(2025, 1, 1)),
        ("2007/06/30 18:45:17", datetime(2007, 6, 30, 18, 45, 17)),
        ("2018-05-10T13:23:29", datetime(2018, 5, 10, 13, 23, 29)),
        ("2022:03:04 05:06:07.250", datetime(2022, 3, 4, 5, 6, 7, 250000)),
        ("2022:03:04 05:06", datetime(2022, 3, 4, 5, 6)),
        ("2015:8:3 4:30:58", datetime(2015, 8, 3, 4, 30, 58)),
        ("25/12/2023 06:15:00", datetime(2023, 12, 25, 6, 15)),
        ("12/25/2023 06:15:00", datetime(2023, 12, 25, 6, 15)),
        ("05.05.2023 06:15", datetime(2023, 5, 5, 6, 15)),
        ("2012:05:01 08:30:12 PM", datetime(2012, 5, 1, 20, 30, 12)),
        ("2012:05:01 12:30:12 am", datetime(2012, 5, 1, 0, 30, 12)),
        ("1970:01:01 00:00:10", datetime(1970, 1, 1, 0, 0, 10)),
    ],
)
def test_a_date_in_another_form_is_read_where_it_can_mean_one_moment(text: str, moment: datetime) -> None:
    assert read_exif(block(detail={0x9003: text})).taken_at == moment


def test_an_offset_inside_the_value_is_kept_and_not_applied() -> None:
    facts = read_exif(block(detail={0x9003: "2018:05:10 13:23:29+02:00"}))
    assert (facts.taken_at, facts.utc_offset) == (datetime(2018, 5, 10, 13, 23, 29), "+02:00")


def test_the_time_an_editor_saved_a_picture_is_not_when_it_was_taken() -> None:
    saved = {0x0132: "2023:01:04 12:40:17"}
    for program in ("GIMP 2.10.32", "Adobe Photoshop CS6 (Windows)"):
        assert read_exif(block({**saved, 0x0131: program})).taken_at is None
    assert read_exif(block({**saved, 0x0131: "Ver 1.0"})).taken_at == datetime(2023, 1, 4, 12, 40, 17)


def reconyx_note(words: tuple[int, ...] = (31, 8, 8, 5, 7, 2015), serial: str = "H500DE01123343") -> bytes:
    start = struct.pack("<11H", 0xF101, 3, 3, 0, 0x1120, 0x110, 0x4D, 4, 5, 0, 7)
    rest = struct.pack("<3Hh", 5, 5, 23, -5)
    return start + struct.pack("<6H", *words) + rest + serial.ljust(15, "\0").encode("utf-16-le") + bytes(40)


def test_a_reconyx_hyperfire_is_dated_by_its_makers_note() -> None:
    facts = read_exif(block(detail={0x927C: reconyx_note()}))
    assert facts.taken_at == datetime(2015, 5, 7, 8, 8, 31)
    assert (facts.camera_make, facts.camera_serial) == ("RECONYX", "H500DE01123343")
    assert read_exif(block(detail={0x927C: reconyx_note((61, 8, 8, 5, 7, 2015))})).taken_at is None
    assert read_exif(block(detail={0x927C: b"Nikon" + bytes(80)})) == Exif()


def newer_note(begins: bytes, moment: int, numbers: bytes, serial: int, letters: bytes) -> bytes:
    """A maker's note of fixed places, 200 bytes long."""
    note = bytearray(200)
    for place, value in ((0, begins), (moment, numbers), (serial, letters)):
        note[place : place + len(value)] = value
    return bytes(note)


@pytest.mark.parametrize(
    "note",
    [
        newer_note(b"RECONYXH2\0", 62, struct.pack("<6H", 7, 41, 5, 3, 12, 2024), 126, "H2X0815".encode("utf-16-le")),
        newer_note(b"RECONYXUF\0", 59, struct.pack("<5BH", 7, 41, 5, 12, 3, 2024), 75, b"H2X0815"),
        newer_note(b"RECONYXHF4K\0", 47, struct.pack("<5BH", 7, 41, 5, 12, 3, 2024), 132, b"H2X0815"),
    ],
    ids=["HyperFire 2", "UltraFire", "HyperFire 4K"],
)
def test_newer_reconyx_cameras_are_dated_by_their_makers_notes(note: bytes) -> None:
    facts = read_exif(block(detail={0x927C: note}))
    assert facts.taken_at == datetime(2024, 3, 12, 5, 41, 7)
    assert (facts.camera_make, facts.camera_serial) == ("RECONYX", "H2X0815")
    assert read_exif(block(detail={0x927C: note[:70]})).camera_make is None


def test_an_offset_that_is_none_stays_none_and_never_shifts_the_time() -> None:
    for zone in ("   :  ", "Z", "5", "+05:99"):
        facts = read_exif(block(detail={0x9003: "2024:03:12 05:41:12", 0x9011: zone}))
        assert (facts.taken_at, facts.utc_offset) == (datetime(2024, 3, 12, 5, 41, 12), None)


HERE = rationals((10, 1), (0, 1), (0, 1))


@pytest.mark.parametrize(
    ("gps", "place"),
    [
        ({1: "S", 2: HERE, 3: "W", 4: HERE}, (-10.0, -10.0)),
        ({1: "N", 2: rationals((0, 1), (0, 1), (0, 1)), 3: "E", 4: HERE}, (0.0, 10.0)),
        ({1: "N", 2: rationals((0, 1), (0, 1), (0, 1)), 3: "E", 4: rationals((0, 1))}, None),
        ({1: "N", 2: rationals((0, 0), (0, 0), (0, 0)), 3: "E", 4: HERE}, None),
        ({1: "N", 2: rationals((10, 1), (5, 0), (0, 1)), 3: "E", 4: HERE}, None),
        ({1: "N", 2: rationals((91, 1), (0, 1), (0, 1)), 3: "E", 4: HERE}, None),
        ({1: "N", 2: rationals((90, 1), (0, 1), (1, 1)), 3: "E", 4: HERE}, None),
        ({1: "N", 2: HERE, 3: "E", 4: rationals((181, 1), (0, 1), (0, 1))}, None),
        ({1: "N", 2: rationals((10, 1), (99, 1), (0, 1)), 3: "E", 4: HERE}, None),
        ({2: HERE, 4: HERE}, None),
        ({1: "X", 2: HERE, 3: "E", 4: HERE}, None),
        ({1: "N", 2: HERE}, None),
    ],
)
def test_a_place_is_whole_and_possible_or_none(gps: dict[int, Any], place: tuple[float, float] | None) -> None:
    facts = read_exif(block(gps=gps))
    assert (facts.latitude, facts.longitude) == (place or (None, None))


def gps_block(*entries: tuple[int, int, int, bytes]) -> bytes:
    """A block with one GPS directory. entries: tag, type, count, value."""
    head = b"II*\0" + struct.pack("<LHHHLLL", 8, 1, 0x8825, 4, 1, 26, 0)
    at = 26 + 2 + 12 * len(entries) + 4
    directory, values = struct.pack("<H", len(entries)), b""
    for tag, kind, count, value in entries:
        inside = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<L", at + len(values))
        directory += struct.pack("<HHL", tag, kind, count) + inside
        values += value if len(value) > 4 else b""
    return head + directory + bytes(4) + values


def signed(*degrees: int) -> bytes:
    return b"".join(struct.pack("<2l", degree, 1) for degree in degrees)


@pytest.mark.parametrize(
    "entries",
    [
        [(2, 10, 3, signed(-23, -32, -30)), (4, 10, 3, signed(30, 10, 0))],
        [(1, 2, 6, b"South\0"), (2, 10, 3, signed(23, 32, 30)), (3, 2, 5, b"East\0"), (4, 10, 3, signed(30, 10, 0))],
        [(1, 2, 2, b"S\0"), (2, 10, 3, signed(-23, -32, -30)), (3, 2, 2, b"E\0"), (4, 10, 3, signed(30, 10, 0))],
        [(1, 2, 2, b"S\0"), (2, 12, 3, struct.pack("<3d", 23, 32, 30)), (3, 2, 2, b"E\0"),
         (4, 12, 3, struct.pack("<3d", 30, 10, 0))],
        [(2, 12, 1, struct.pack("<d", -23.541667)), (4, 12, 1, struct.pack("<d", 30.166667))],
        [(1, 2, 2, b"S\0"), (2, 5, 1, struct.pack("<2L", 23541667, 1000000)), (3, 2, 2, b"E\0"),
         (4, 5, 1, struct.pack("<2L", 30166667, 1000000))],
    ],
)  # fmt: skip
def test_a_place_is_the_same_in_every_form(entries: list[tuple[int, int, int, bytes]]) -> None:
    facts = read_exif(gps_block(*entries))
    assert facts.latitude == pytest.approx(-23.541667, abs=1e-5)
    assert facts.longitude == pytest.approx(30.166667, abs=1e-5)


def test_make_and_model_lose_padding_and_control_characters() -> None:
    facts = read_exif(block({0x010F: "  BUSHNELL \0\0\0junk", 0x0110: "\0\0\0"}))
    assert (facts.camera_make, facts.camera_model) == ("BUSHNELL", None)


def test_big_endian_blocks_read_the_same() -> None:
    entry = struct.pack(">HHLHH", 0x0112, 3, 1, 8, 0)
    assert read_exif(b"MM\0*" + struct.pack(">LH", 8, 1) + entry + bytes(4)).orientation == 8


def test_directories_that_point_at_themselves_or_outside_end() -> None:
    itself = struct.pack("<HHLL", 0x8769, 4, 1, 8) + struct.pack("<HHLL", 0x8825, 4, 1, 0xFFFFFFF0)
    assert read_exif(b"II*\0" + struct.pack("<LH", 8, 2) + itself) == Exif()


@settings(max_examples=300)
@given(st.binary(max_size=200), st.sampled_from([b"", b"Exif\0\0", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"]))
def test_garbage_never_raises(garbage: bytes, start: bytes) -> None:
    read_exif(start + garbage)


WHOLE = block(
    {0x010F: "RECONYX", 0x0112: 6},
    {0x9003: "2024:03:12 05:41:12", 0x9011: "+05:30"},
    {1: "N", 2: HERE, 3: "E", 4: HERE},
)


@settings(max_examples=300)
@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255), st.integers(0, len(WHOLE)))
def test_a_damaged_block_gives_possible_values(at: int, value: int, length: int) -> None:
    facts = read_exif((WHOLE[:at] + bytes([value]) + WHOLE[at + 1 :])[:length])
    assert 1 <= facts.orientation <= 8
    assert facts.latitude is None or -90 <= facts.latitude <= 90
    assert facts.longitude is None or -180 <= facts.longitude <= 180


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("20240312_054112.jpg", datetime(2024, 3, 12, 5, 41, 12)),
        ("IMG_20240312_054112.jpg", datetime(2024, 3, 12, 5, 41, 12)),
        ("2024-03-12 05-41-12.jpg", datetime(2024, 3, 12, 5, 41, 12)),
        ("CT01_2024-03-12_05-41-12_(1).JPG", datetime(2024, 3, 12, 5, 41, 12)),
        ("2024-03-12T05:41:12.png", datetime(2024, 3, 12, 5, 41, 12)),
        ("2024-03-12 05.41.12.jpg", datetime(2024, 3, 12, 5, 41, 12)),
        ("cam7-20240312054112.jpg", datetime(2024, 3, 12, 5, 41, 12)),
        ("StationA__2015-01-31__18-59-59(1).AVI", datetime(2015, 1, 31, 18, 59, 59)),
        ("2010 01 22 13 22 07.JPG", datetime(2010, 1, 22, 13, 22, 7)),
        ("2013-08-20 02-45-00 M 1 5.JPG", datetime(2013, 8, 20, 2, 45)),
        ("IMG-20240312-WA0001.jpg", None),
        ("RCNX0001.JPG", None),
        ("IMG_0001.JPG", None),
        ("2024-03-12.jpg", None),
        ("20241345_054112.jpg", None),
        ("20240312_256112.jpg", None),
        ("120240312_054112.jpg", None),
        ("20240312_0541123.jpg", None),
        ("20240312_054112-20240312_054113.mp4", None),
        ("PXL_20240312_054112123.jpg", None),
        ("PXL_20240312_054112.jpg", None),
        ("signal-2024-03-12-054112.jpg", None),
        ("photo_2024-03-12_05-41-12.jpg", None),
        ("Screenshot 2024-03-12 05-41-12 PM.png", datetime(2024, 3, 12, 17, 41, 12)),
        ("Ridge 2024-03-12 12-05-00 AM.jpg", datetime(2024, 3, 12, 0, 5)),
        ("2024-03-12 05-41-12 Amur.jpg", datetime(2024, 3, 12, 5, 41, 12)),
    ],
)
def test_a_file_name_tells_the_time_only_when_it_says_it_whole_and_once(name: str, moment: datetime | None) -> None:
    assert file_name_time(name) == moment


@pytest.mark.parametrize(
    ("name", "stated", "local"),
    [
        ("VID_20240312_064112.mp4", datetime(2024, 3, 12, 0, 56, 30), datetime(2024, 3, 12, 6, 41, 12)),
        ("20240312_210000.mp4", datetime(2024, 3, 13, 1, 0, 20), datetime(2024, 3, 12, 21)),
        ("VID_20240312_064112.mp4", datetime(2024, 3, 12, 6, 41, 20), None),
        ("VID_20240312_064112.mp4", datetime(2024, 3, 12, 1, 3), None),
        ("VID_20240312_064112.mp4", datetime(2024, 3, 14, 6, 41, 12), None),
        ("Ridge_20240312_064112.mp4", datetime(2024, 3, 12, 0, 56, 30), None),
        ("DSCF0001.MP4", datetime(2024, 3, 12, 0, 56, 30), None),
    ],
)
def test_a_phones_video_is_dated_by_its_name_where_its_container_states_utc(
    name: str, stated: datetime, local: datetime | None
) -> None:
    assert phone_time(name, stated, 10.0) == local


def test_the_zone_between_two_clocks_is_written_as_exif_does() -> None:
    utc = datetime(2024, 3, 12, 0, 56, 30)
    assert zone_between(datetime(2024, 3, 12, 6, 41, 12), utc) == "+05:45"
    assert zone_between(datetime(2024, 3, 11, 21, 26, 30), utc) == "-03:30"


def test_a_camera_that_calls_itself_by_a_whole_page_is_called_by_its_beginning() -> None:
    exif = Image.Exif()
    exif[0x010F] = "Trail " * 600
    assert read_exif(exif.tobytes()).camera_make == ("Trail " * 600)[:80].strip()
