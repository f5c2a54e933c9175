"""What containers state about time and place, in the forms that makers write."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from app.video.reading.probe import _place, _recorded_at, open_video, read_facts
from tests.support.odd_videos import write


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-12 05:41:07",
        "2024-03-12/ 05:41:07",
        "2024/03/12 05:41:07",
        "2024-03-12T05:41:07Z",
        "2024/3/12/ 5:41: 7",
        "2024- 3-12  5:41:07AM",
    ],
)
def test_a_time_is_read_in_every_form(text: str) -> None:
    assert _recorded_at({"creation_time": text}) == (datetime(2024, 3, 12, 5, 41, 7), None)


def test_utc_of_an_android_phone_is_not_taken_for_its_local_time() -> None:
    tags = {"creation_time": "2024-03-12T00:56:30.000000Z", "com.android.version": "14"}
    assert _recorded_at(tags) == (None, None)
    assert _recorded_at({"creation_time": tags["creation_time"], "com.android.model": "Pixel 8"}) == (None, None)
    stated = tags | {"com.apple.quicktime.creationdate": "2024-03-12T06:41:12+0545"}
    assert _recorded_at(stated) == (datetime(2024, 3, 12, 6, 41, 12), "+05:45")


def test_an_afternoon_of_a_twelve_hour_clock_is_not_a_morning() -> None:
    assert _recorded_at({"date": "2024/03/12 05:41 PM"}) == (datetime(2024, 3, 12, 17, 41), None)


@pytest.mark.parametrize(
    "text", ["2024:03:12 05:41:07", "2024-03-12 05:41:07", "20240312 054107", "Tue Mar 12 05:41:07 2024",
             "2024/ 3/12  5:41:07AM"],
)  # fmt: skip
def test_the_date_of_an_avi_is_read_in_every_form(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.avi"
    write(path, "mjpeg", seconds=0.2)
    data, chunk = path.read_bytes(), text.encode().ljust(30, b"\0")
    at = data.index(b"JUNK")  # as much of it as the date takes is the date
    left = int.from_bytes(data[at + 4 : at + 8], "little") - len(chunk) - 8
    idit = b"IDIT" + len(chunk).to_bytes(4, "little") + chunk + b"JUNK" + left.to_bytes(4, "little")
    path.write_bytes(data[:at] + idit + data[at + len(idit) :])
    with open_video(path) as opened:
        assert read_facts(*opened).recorded_at == datetime(2024, 3, 12, 5, 41, 7)


def test_utc_of_an_iphone_is_not_taken_for_its_local_time() -> None:
    tags = {"creation_time": "2024-03-12T00:56:30.000000Z", "com.apple.quicktime.make": "Apple"}
    assert _recorded_at(tags) == (None, None)
    assert _recorded_at(tags | {"com.apple.quicktime.make": "GoPro"})[0] == datetime(2024, 3, 12, 0, 56, 30)


@pytest.mark.parametrize(
    "text", ["-23.5417+030.1667/", "-23.54170+30.16670/", "-2332.502+03010.002/", "-233230.12+0301000.12+812.5/"]
)
def test_a_place_is_read_in_every_form(text: str) -> None:
    latitude, longitude = _place({"location": text})
    assert latitude == pytest.approx(-23.5417, abs=1e-4)
    assert longitude == pytest.approx(30.1667, abs=1e-4)


@pytest.mark.parametrize("text", ["", "here", "+00.0000+000.0000/", "-95.0+030.0/", "23.5,30.1"])
def test_a_place_that_is_none_stays_none(text: str) -> None:
    assert _place({"location": text}) == (None, None)
