"""The page of stations: a clock is corrected by a picture, media are sorted, and each step can be undone."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.survey.database import Survey
from app.survey.media import clocks
from app.survey.tables.deployments import Deployment
from app.survey.tables.media import Media
from app.survey.tables.stamps import StampReading
from tests.support import pages
from tests.support.surveys import START, add_media


@pytest.fixture
def survey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Three media at Ridge 1, of which the last went back to 2000, and one without a deployment."""
    with pages.survey_of_pages(tmp_path / "data", monkeypatch) as survey:
        for minutes in (0, 60, -12_700_000):
            add_media(survey, minutes=minutes)
        add_media(survey, folder="Somewhere")
        with survey.write() as session:
            session.get_one(Media, 4).deployment_id = None
            clocks.retime(session, [1, None])
        yield survey


def page(**params: str) -> AppTest:
    return pages.page("stations", **params)


def button(test: AppTest, label: str):
    return next(element for element in test.button if element.label == label)


def field(test: AppTest, label: str):
    return next(element for element in [*test.text_input, *test.selectbox] if element.label == label)


def taken(survey: Survey, media_id: int):
    with survey.read() as session:
        return session.get_one(Media, media_id).taken_at


def text(test: AppTest) -> str:
    return " ".join(str(element.value) for element in [*test.markdown, *test.caption, *test.subheader, *test.error])


def test_a_clock_that_fell_back_is_named_and_corrected_by_its_picture_and_undone(survey):
    test = page(**{"stations-view": "Clocks"})
    for _ in range(20):
        if "doubt" in text(test):
            break
        test.run()
    assert "jumps back after IMG_0002.JPG" in text(test)
    next(element for element in test.button if element.label == "Look at it").click().run()
    assert "the camera recorded **2000-01-" in text(test)
    wanted = START + timedelta(days=1)
    field(test, "This picture was taken at").input(f"{wanted:%Y-%m-%d %H:%M}").run()
    assert "1 media (0 videos) of 1 event move" in text(test)
    button(test, "Correct the clock").click().run()
    assert not test.exception
    assert (taken(survey, 1), taken(survey, 3)) == (START, wanted)
    button(test, "Undo").click().run()
    assert taken(survey, 3).year == 2000


def test_what_is_no_time_is_refused_where_it_is_typed(survey):
    test = page(**{"stations-view": "Clocks"})
    field(test, "This picture was taken at").input("yesterday").run()
    assert "is no time" in text(test)
    assert button(test, "Correct the clock").disabled


def test_media_without_a_deployment_ask_to_be_sorted(survey):
    test = page()
    assert "1 media belongs to no deployment" in text(test)
    field(test, "Move to").select("A new one …").run()
    field(test, "Name of the new deployment").input("River").run()
    button(test, "Move 1 media there").click().run()
    assert not test.exception
    with survey.read() as session:
        name = session.get_one(Deployment, session.get_one(Media, 4).deployment_id).name
    assert name == "River"
    button(test, "Undo").click().run()
    with survey.read() as session:
        assert session.get_one(Media, 4).deployment_id is None


def test_a_deployment_is_renamed_where_it_is_chosen(survey):
    test = page()
    field(test, "New name").input("Ridge one").run()
    button(test, "Rename the deployment").click().run()
    with survey.read() as session:
        assert session.get_one(Deployment, 1).name == "Ridge one"


@pytest.mark.usefixtures("survey")
def test_of_two_who_rename_one_deployment_at_once_the_second_hears_why_nothing_happened():
    first, second = page(), page()
    for test, name in ((first, "Ridge east"), (second, "Ridge west")):
        field(test, "New name").set_value(name).run()
    for test in (first, second):
        button(test, "Rename the deployment").click().run()
    assert first.toast[0].value.endswith(" is called Ridge east now.")
    assert "was renamed to Ridge east since you looked" in second.toast[0].value


def test_times_that_the_pictures_show_are_taken_in_one_step_and_given_back(survey):
    for _ in range(2):
        add_media(survey, minutes=None)
    with survey.write() as session:
        for media_id in (5, 6):
            row = StampReading(media_id=media_id, dates={"mdy": "2024-03-04", "dmy": "2024-04-03"}, time="05:41:07")
            row.grammar, row.form, row.text = "1", "year last/, 24 h s", "03/04/2024 05:41:07"
            session.add(row)
    test = page(**{"stations-view": "Read from pictures"})
    assert not test.exception
    assert button(test, "Take 2 times").disabled
    test = next(element for element in test.radio if element.label == "Order of the date").set_value("dmy").run()
    button(test, "Take 2 times").click().run()
    assert taken(survey, 5) == datetime(2024, 4, 3, 5, 41, 7)
    test = page(**{"stations-view": "Read from pictures"})
    assert not [element for element in test.button if element.label.startswith("Take")]


def test_a_bar_that_was_not_read_for_sure_is_read_by_a_person(survey):
    add_media(survey, minutes=None)
    with survey.write() as session:
        row = StampReading(media_id=5, dates={"ymd": "2024-03-04"}, time="05:41:07", doubts=["The day may be 4 or 9."])
        row.grammar, row.form, row.text = "1", "year first-, 24 h s", "2024-03-04 05:41:07"
        session.add(row)
    test = page(**{"stations-view": "Read from pictures"})
    assert button(test, "Keep 0 times").disabled
    test = field(test, "What its bar says").set_value("9 March").run()
    assert [error.value for error in test.error] == ["“9 March” is no time: write it as 2024-03-12 06:48."]
    test = field(test, "What its bar says").set_value("2024-03-09 05:41:07").run()
    button(test, "Keep 1 time").click().run()
    assert taken(survey, 5) == datetime(2024, 3, 9, 5, 41, 7)
