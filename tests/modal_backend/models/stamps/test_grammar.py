"""What a camera's bar says, from its lines of text: no model is needed."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modal_backend.contracts import Box
from modal_backend.models.stamps.bar import TextLine
from modal_backend.models.stamps.grammar import Stamp, read_stamp
from modal_backend.models.stamps.labels import names_a_place

TODAY = date(2026, 11, 28)
FORMS = ("%Y-%m-%d %H:%M:%S", "%m/%d/%Y %I:%M%p", "%d.%m.%Y%H:%M:%S", "%d/%m/%y %H:%M", "%d %b %Y %I:%M:%S %p")


def bar(*texts: str, score: float = 0.97, again: tuple[str, ...] = ()) -> list[TextLine]:
    """Lines side by side at the bottom of a picture."""
    width = 1 / max(1, len(texts))
    second = again or texts
    return [
        TextLine(text, score, Box(place * width, 0.94, 0.9 * width, 0.04), second[place])
        for place, text in enumerate(texts)
    ]


def read(*texts: str, **more: object) -> Stamp:
    """What these lines say."""
    return read_stamp(bar(*texts, **more), TODAY)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lines", "day", "at"),
    [
        (["03-03-2015 06:10:52"], (2015, 3, 3), (6, 10, 52)),
        (["07-17-201502:53:26"], (2015, 7, 17), (2, 53, 26)),
        (["07/17/1520:15:02"], (2015, 7, 17), (20, 15, 2)),
        (["2016-01-27", "4:27:56 PM"], (2016, 1, 27), (16, 27, 56)),
        (["2015-08-27 9:03:49 PMM 1/3"], (2015, 8, 27), (21, 3, 49)),
        (["2016-03-24 12:30:12 AMM 3/10"], (2016, 3, 24), (0, 30, 12)),
        (["2021-06-295:08:38 PMM 2/3"], (2021, 6, 29), (17, 8, 38)),
        (["2019-06-2819:03:58", "M 1/3"], (2019, 6, 28), (19, 3, 58)),
        (["2019-07-0700:03:35"], (2019, 7, 7), (0, 3, 35)),
        (["02.22.2016 22:38:41"], (2016, 2, 22), (22, 38, 41)),
        (["2022.01.19 04.07.24 A1 1°C"], (2022, 1, 19), (4, 7, 24)),
        (["063℉ 17℃ 05/29/2021", "03:51:32"], (2021, 5, 29), (3, 51, 32)),
        (["11/13/2021", "8:31PM"], (2021, 11, 13), (20, 31)),
        (["13:32", "19/10/19", "12C"], (2019, 10, 19), (13, 32)),
        (["27 JAN 2016 03:53 am"], (2016, 1, 27), (3, 53)),
        (["04 FEB 2016 12:01 pm"], (2016, 2, 4), (12, 1)),
        (["28.99inHg- 8 11F 11 /30 /2015 05:53AM CARLINE"], (2015, 11, 30), (5, 53)),
        (["02:39:38 PM", "2018/02/23"], (2018, 2, 23), (14, 39, 38)),
        (["22.75 inHg - 30F21/12/12 12:10 PM SMNHC 1"], (2012, 12, 21), (12, 10)),
        (["14. März 2023 7:05 Uhr"], (2023, 3, 14), (7, 5)),
        (["3 août 2022 14h33"], (2022, 8, 3), (14, 33)),
        (["Sep 5, 2021 11:59:01 p.m."], (2021, 9, 5), (23, 59, 1)),
        (["05-DIC-21 18:30"], (2021, 12, 5), (18, 30)),
        (["2024年03月12日 下午 02:41:07"], (2024, 3, 12), (14, 41, 7)),
        (["2024：03：12 05：41：07"], (2024, 3, 12), (5, 41, 7)),
        (["2015-11-30 3:54:19 FH M 1/5"], (2015, 11, 30), (15, 54, 19)),
        (["2016-04-06 2:16:20 PHH 1/5"], (2016, 4, 6), (14, 16, 20)),
        (["4.15AM 14/12/2014"], (2014, 12, 14), (4, 15)),
        (["2O24-O3-12 05:41:07"], (2024, 3, 12), (5, 41, 7)),
    ],
)
def test_date_and_time_are_read_in_the_forms_of_many_makers(lines, day, at):
    stamp = read(*lines)
    assert (stamp.date, stamp.time) == (date(*day), time(*at))


@pytest.mark.parametrize(
    ("text", "dates", "order"),
    [
        ("06-11-2021 19:53:17", {"mdy": date(2021, 6, 11), "dmy": date(2021, 11, 6)}, "either"),
        ("06/12/20 13:41", {"mdy": date(2020, 6, 12), "dmy": date(2020, 12, 6)}, "either"),
        ("07-17-2015 02:53:26", {"mdy": date(2015, 7, 17)}, "mdy"),
        ("17.07.2015 02:53:26", {"dmy": date(2015, 7, 17)}, "dmy"),
        ("2015-07-08 02:53:26", {"ymd": date(2015, 7, 8)}, "ymd"),
        ("8 JUL 2015 02:53", {"dmy": date(2015, 7, 8)}, "dmy"),
    ],
)
def test_the_order_of_day_and_month_stays_open_where_one_picture_cannot_decide_it(text, dates, order):
    stamp = read(text)
    assert (stamp.dates, stamp.order) == (dates, order)


def test_the_same_day_and_month_are_a_date_in_either_order():
    assert read("04/04/2019 13:32").date == date(2019, 4, 4)


@pytest.mark.parametrize(
    "text",
    [
        "HF2 SECURITY",
        "02. 1.5",
        "GIG-01-02-11 10:20",
        "13/13/2020 10:20",
        "29.02inHg 30.16 inHg",
        "192.168.1.20",
        "V1.02.15 10:15",
        "2015-02-30 10:20:30",
        "10/10 12°C",
        "30/31 25:70",
        "",
    ],
)
def test_no_date_is_made_of_what_is_none(text):
    assert not read(text).dates


@pytest.mark.parametrize(("text"), ["2019-06-28 29:03:58", "2019-06-28 12:73", "10/10", "12:5"])
def test_no_time_is_made_of_what_is_none(text):
    assert read(text).time is None


@pytest.mark.parametrize(
    "lines",
    [
        ["2016-02-20 8:13:15 HH"],  # AM or PM
        ["2016-02-20 8:13:15 A"],
        ["2016-02-20 8:13:15"],  # no hour is written so on a clock of 24 hours
        ["2016-02-20 18:13:1544"],
        ["2016-02-20 14:13 AM"],
        ["2016-02-20 0:13 PM"],
        ["2016-02-20 08:13", "2016-03-20"],
        ["2016-02-20 08:13", "09:44"],
        ["1-06-17 08:48:41"],  # of 2011-06-17
        ["2098-01-01 08:48:41"],
        ["1995-01-01 08:48:41"],
    ],
)
def test_what_speaks_against_a_reading_stands_beside_it(lines):
    assert read(*lines).doubts


def test_a_second_reading_that_differs_is_a_doubt_and_one_that_agrees_is_none():
    assert not read("07-17-201502:53:26", again=("07-17-2015 02:53:26",)).doubts
    doubted = read("2016-02-20 2:10:15 PM", again=("2016-02-20 12:10:15 PM",))
    assert doubted.doubts == ("A second reading gave: 2016-02-20 12:10:15 PM.",)
    lost = read("/21/15 01:07AM", again=("1/21/15 01:07AM",))
    assert lost.date == date(2015, 1, 21)
    assert lost.doubts


def test_letters_that_are_hard_to_read_are_a_doubt():
    assert read("2016-02-20 08:13:15", score=0.7).doubts == ("The bar is hard to read.",)


def test_of_two_dates_only_the_one_in_sight_of_today_is_kept():
    assert read("01/02/2027 10:20").dates.keys() == {"mdy", "dmy"}
    assert read("12/01/28 10:20").doubts


@pytest.mark.parametrize(
    ("text", "celsius"),
    [
        ("35℉1℃", 1),
        ("55℉12℃O", 12),
        ("063℉ 17℃", 17),
        ("-5°C", -5),
        ("0100°F", 37.8),
        ("860F", 30),
        ("59F", 15),
        ("22C", 22),
        ("35°F 20°C", None),
        ("300°C", None),
        ("CAM 5", None),
        ("10CM", None),
    ],
)
def test_the_temperature_is_read_in_degrees_celsius_or_left_out(text, celsius):
    assert read("2020-01-20 10:20:30", text).celsius == celsius


@pytest.mark.parametrize(
    ("text", "burst"), [("M 3/10", (3, 10)), ("M5/5", (5, 5)), ("10/10", (10, 10)), ("T 1/1", (1, 1)), ("4/3", None)]
)
def test_the_place_in_a_burst_is_read(text, burst):
    assert read("2020-01-20 10:20:30", text).burst == burst


@pytest.mark.parametrize(
    ("lines", "label"),
    [
        (["Bushnell", "Cam11", "35℉1℃", "03-03-2015 06:10:52"], "Cam11"),
        (["RECONYY", "CCPF DSO2", "2015-05-07 8:08:31 AMM 4/5", "0"], "CCPF DS02"),
        (["2011-05-23 7:56:59 AM", "GIG-01-02", "BECONYX"], "GIG-01-02"),
        (["28.99inHg- 8 11F 11/30/2015 05:53AM CARLINE"], "CARLINE"),
        (["STEALTHCAM", "13:41", "06/12/20", "22C", "STEALTH CAM"], "STEALTH CAM"),
        (["Cuddeback", "11/3/2021", "8:31PM", "Digital"], ""),
        (["Bushnell", "970", "07-31-2016 15:16:34"], "970"),
        (["2016-01-27 4:27:56 PM", "●", "O", "000000000000"], ""),
    ],
)
def test_the_name_of_the_camera_is_what_is_left(lines, label):
    assert read(*lines).label == label


def test_a_name_that_the_camera_came_with_names_no_place():
    assert names_a_place("GIG-01-02")
    assert not any(names_a_place(label) for label in ("STEALTH CAM", "TRAIL CAM", "CameraName", "SYNTHETIC", ""))


def test_date_and_time_are_found_in_both_strips_and_have_to_agree():
    top = TextLine("2019-06-28 19:03:58", 0.97, Box(0, 0.02, 0.5, 0.03))
    same = TextLine("28/06/2019 19:03", 0.97, Box(0, 0.95, 0.5, 0.03))
    other = TextLine("28/07/2019 19:03", 0.97, Box(0, 0.95, 0.5, 0.03))
    assert not read_stamp([top, same], TODAY).doubts
    assert read_stamp([top, other], TODAY).doubts


def test_the_place_of_date_and_time_is_told_without_the_rest_of_the_bar():
    stamp = read("Bushnell", "Cam11", "03-03-2015", "06:10:52")
    assert stamp.text == "03-03-2015  06:10:52"
    assert stamp.box is not None
    assert stamp.box.x == 0.5


@given(st.datetimes(datetime(2000, 1, 1), datetime(2026, 11, 1)), st.sampled_from(FORMS))
def test_every_date_that_is_written_is_among_those_that_are_read(taken, form):
    stamp = read(taken.strftime(form))
    assert taken.date() in stamp.dates.values()
    assert stamp.time is not None
    assert (stamp.time.hour, stamp.time.minute) == (taken.hour, taken.minute)
    assert not stamp.doubts


@given(st.text(alphabet="0123456789:/-. APMapm°CFO", max_size=40))
def test_no_line_breaks_the_grammar(text):
    stamp = read(text)
    assert all(value.year >= 1970 for value in stamp.dates.values())
