"""Notes lead to the media of their station within a day, and media and individuals to the notes."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from app.notes.sources import keep
from app.survey.decisions import notes as decisions
from app.survey.notes import notes as survey_notes
from app.survey.notes import views
from app.survey.notes.near import media_near, notes_near
from app.survey.notes.views import NoteView
from tests.support.surveys import START, add_media

DAY = START.date()


def written(day: date) -> str:
    return f"{day:%d.%m.%Y}"


TABLE = pd.DataFrame(
    [
        ["same day", "GEBÜSCH ", written(DAY), ""],
        ["day after", "gebusch", written(DAY + timedelta(days=1)), ""],
        ["two days after", "Gebüsch", written(DAY + timedelta(days=2)), ""],
        ["another place", "Ridge", written(DAY), ""],
        ["about it, no date", "", "", "t-01 and T-02"],
    ],
    columns=["text", "station", "date", "individual"],
)
COLUMNS: dict[str, str | None] = {name: name for name in TABLE.columns}


@pytest.fixture
def file_id(survey) -> int:
    add_media(survey, folder="Gebüsch")
    add_media(survey, folder="Gebüsch", minutes=3 * 24 * 60)
    with survey.write() as session:
        return keep(session, "notes.csv", TABLE, COLUMNS, "ana").id


def texts(notes: list[NoteView]) -> list[str]:
    return [note.text for note in notes]


def test_media_find_the_notes_of_their_station_within_a_day_however_it_is_written(survey, file_id):
    with survey.read() as session:
        assert texts(notes_near(session, [("Gebüsch", DAY)])) == ["same day", "day after"]
        assert texts(notes_near(session, [], "T-01")) == ["about it, no date"]
        assert notes_near(session, []) == []
    with survey.write() as session:
        decisions.delete_file(session, "ana", file_id)
    with survey.read() as session:
        assert notes_near(session, [("Gebüsch", DAY)], "T-01") == []


def test_notes_find_the_media_of_their_station_within_a_day(survey, file_id):
    with survey.read() as session:
        ids = [row["row"] for row in survey_notes.note_rows(session, [file_id])]
        notes = list(views.notes_by_id(session, ids).values())
        near = media_near(session, notes)
        names = [name for _, name, _ in views.links(session, notes).deployments]
    assert [(place.station, place.first, place.media) for place in near] == [
        ("Gebüsch", DAY - timedelta(days=1), 1),
        ("Gebüsch", DAY, 1),
        ("Gebüsch", DAY + timedelta(days=1), 1),
    ]
    assert names == ["Gebüsch"]


@pytest.mark.parametrize(("month_first", "day"), [(None, ""), (False, "2024-04-03"), (True, "2024-03-04")])
def test_a_day_of_two_months_is_known_only_when_a_person_says_which(survey, month_first, day):
    table = pd.DataFrame({"text": ["a"], "date": ["3/4/2024"]})
    with survey.write() as session:
        file = keep(session, "x", table, {"text": "text", "date": "date"}, "ana", month_first=month_first)
        assert survey_notes.note_rows(session, [file.id])[0]["day"] == day
