"""Dates as programs and cameras write them are read where there is one way to read them."""

from __future__ import annotations

from datetime import datetime

import pytest

from app.ingest.xmp import _degrees
from app.video.reading.written_times import read_time

MOMENT = datetime(2024, 3, 2, 5, 1, 9)


@pytest.mark.parametrize(
    "text",
    ["2024:3:2 5:1:9", "2024: 3: 2  5: 1: 9", "2024:03:02-05:01:09", "2024:03:02 05.01.09",
     "2024:03:02 05:01:09 +02:00", "Sat Mar  2 05:01:09 2024", "SAT MAR 02 05:01:09 2024", "2024:03:02 05:01:09 a.m.",
     "2 Mar 2024 05:01:09", "02-MAR-2024 05:01:09", "March 2, 2024 05:01:09", "2024-Mar-02 05:01:09",
     "Sat Mar  2 05:01:09 IST 2024", "Sat, 02 Mar 2024 05:01:09 +0530", "20240302T050109", "20240302050109",
     "2024-03-02-05-01-09", "2024:03:02,05:01:09", "2024年3月2日 05:01:09"],
)  # fmt: skip
def test_a_moment_written_in_another_way_is_the_same_moment(text: str) -> None:
    stated = read_time(text)
    assert stated is not None
    assert stated[0] == MOMENT


def test_a_fraction_after_a_comma_and_an_afternoon_with_dots_are_read() -> None:
    assert read_time("2024:03:02 05:01:09,25") == (MOMENT.replace(microsecond=250_000), None)
    assert read_time("2024:03:02 05:01:09 p.m.") == (MOMENT.replace(hour=17), None)
    assert read_time("2024:03:02 05:01:09+02") == (MOMENT, "+02:00")


@pytest.mark.parametrize(
    "text",
    [
        "03/04/2024 05:41:12",
        "Sat Foo 02 05:01:09 2024",
        "2024:02:30 05:41:12",
        "2024:03:12",
        "2024:03:02 05:01.09",
        "Sat Mar 02 05:01:09 GMT 2024",
        "2 Mar 05:01:09",
        "2024:03:02 17:01:09 AM",
    ],
)
def test_what_is_no_moment_beyond_doubt_is_none(text: str) -> None:
    assert read_time(text) is None


@pytest.mark.parametrize(
    ("text", "degrees"),
    [("23,32.5S", -23.541667), ("23,32,30 S", -23.541667), ("23.541667S", -23.541667), ("-23.541667", -23.541667),
     ("23", None), ("-23.5S", None), ("here", None)],
)  # fmt: skip
def test_degrees_of_xmp_are_read_in_every_form(text: str, degrees: float | None) -> None:
    assert _degrees(text, 90) == (degrees if degrees is None else pytest.approx(degrees))
