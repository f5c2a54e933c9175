"""Tables of stations as people write them, and the places in them."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import sqlalchemy as sa

from app.survey.database import Survey
from app.survey.decisions import stations_file
from app.survey.decisions.refusals import BadDecision
from app.survey.decisions.undoing import undo_one
from app.survey.media.coordinates import degrees, from_utm
from app.survey.media.station_tables import BadStations, StationRow, guess, read_table, rows
from app.survey.media.stations import deployment_views
from app.survey.tables.deployments import Deployment
from tests.support.surveys import add_media, everything


@pytest.mark.parametrize(
    "text", ["-23.5417", "23,5417 S", "23°32.502'S", "S 23 32 30.12", "23° 32′ 30.12″ S", "-23:32:30.12",
             "\u221223.5417", "S23.5417", "23 32 30.12 s", "\u201323.5417",
     "23.5417 South", "23,5417° Sud", "23° 32´ 30.12´´ S"],
)  # fmt: skip
def test_one_latitude_in_many_forms(text):
    assert degrees(text, "latitude") == pytest.approx(-23.5417, abs=1e-6)


@pytest.mark.parametrize("text", ["30.1667", "30°10.002'E", "E 30 10 0.12", "030 10.002 E"])
def test_one_longitude_in_many_forms(text):
    assert degrees(text, "longitude") == pytest.approx(30.1667, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "axis"),
    [
        ("23.5417,30.1667", "latitude"),
        ("1,234.5", "longitude"),
        ("-23.5417 N", "latitude"),
        ("95", "latitude"),
        ("23 75 S", "latitude"),
        ("23 E", "latitude"),
        ("here", "longitude"),
        ("", "latitude"),
    ],
)
def test_what_is_no_place_is_refused_in_words(text, axis):
    with pytest.raises(ValueError, match=f"is no {axis}"):
        degrees(text, axis)


@pytest.mark.parametrize("zone", ["36K", "36 S", "36k", "UTM 36S", "WGS84 / UTM zone 36S", "36 South", "EPSG:32736"])
def test_utm_of_either_way_to_write_its_zone(zone):
    assert from_utm("210 729.8", "7393653,8", zone) == pytest.approx((-23.5417, 30.1667), abs=1e-5)
    assert from_utm("500000", "4000000", "33S")[0] == pytest.approx(36.1447, abs=1e-3)
    with pytest.raises(ValueError, match="UTM zone"):
        from_utm("1", "2", "36")


def test_metres_may_be_grouped_and_bear_their_unit():
    expected = pytest.approx((-23.54409, 32.16625), abs=1e-5)
    for easting, northing in (("414,900", "7,396,000"), ("414.900", "7.396.000"), ("414900 mE", "7396000mN")):
        assert from_utm(easting, northing, "36J") == expected
    assert from_utm("414900,5", "7396000.25", "36J") == expected


def test_o_is_east_in_a_german_table_and_west_in_others():
    for column, value in (("Längengrad", 13.4), ("Longitud", -13.4)):
        found = table(station=["A"], lat=["52,5 N"], **{column: ["13,4 O"]})
        (row,) = rows(found, {"station": "station", "latitude": "lat", "longitude": column})
        assert row.values["longitude"] == value


def test_swapped_and_far_places_are_doubted_and_near_ones_are_not(survey: Survey):
    add_media(survey, [], folder="Ridge")
    with survey.write() as session:
        ridge = session.scalars(sa.select(Deployment)).one()
        ridge.latitude, ridge.longitude = -23.5417, 30.1667
    lines = [("Ridge", 30.1667, -23.5417), ("Ford", -23.6, 30.2), ("Hill", 30.2, -23.5), ("Base", 51.5, 7.0)]
    found = [StationRow(at, name, {"latitude": south, "longitude": east}) for at, (name, south, east) in
             enumerate(lines)]  # fmt: skip
    found.append(StationRow(9, "Ford 2", {"latitude": -23.61, "longitude": 30.21}))
    with survey.read() as session:
        doubts = {line.station: line.doubt or "" for line in stations_file.plan(session, found)}
    assert {name for name, doubt in doubts.items() if "swapped" in doubt} == {"Ridge", "Hill"}
    assert "km from the others" in doubts["Base"]
    assert (doubts["Ford"], doubts["Ford 2"]) == ("", "")


def test_columns_are_known_by_many_names_and_nearly_right_ones_are_asked_about():
    sure, maybe = guess(["Site ID", "Lattitude", "Longitude", "Setup_date", "Retreival_date", "Colour"])
    assert sure == {"station": "Site ID", "longitude": "Longitude", "first_day": "Setup_date"}
    assert maybe == {"latitude": "Lattitude", "last_day": "Retreival_date"}


def table(**columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(columns, dtype=str)


def test_days_with_slashes_are_read_by_what_the_whole_column_tells():
    european = table(station=["A", "B"], start=["03/04/2024", "25/04/2024"])
    assert [row.values["first_day"] for row in rows(european, {"station": "station", "first_day": "start"})] == [
        "2024-04-03", "2024-04-25",
    ]  # fmt: skip
    american = table(station=["A", "B"], start=["03/04/2024", "04/25/2024"])
    assert rows(american, {"station": "station", "first_day": "start"})[0].values["first_day"] == "2024-03-04"
    (row,) = rows(table(station=["A"], start=["03/04/2024"]), {"station": "station", "first_day": "start"})
    assert "may be a day of two months" in str(row.problem)
    with pytest.raises(BadStations, match="which column"):
        rows(european, {})


def test_days_are_read_in_the_ways_that_field_notes_are():
    for first, second, expected in (
        ("03-04-2024", "04-25-2024", "2024-03-04"),
        ("12 März 2024", "1 abr 2024", "2024-03-12"),
        ("45382", "2024-04-25", "2024-03-31"),
    ):
        found = rows(table(station=["A", "B"], start=[first, second]), {"station": "station", "first_day": "start"})
        assert [row.problem for row in found] == [None, None]
        assert found[0].values["first_day"] == expected
    (row,) = rows(table(station=["A"], start=["03-04-2024"]), {"station": "station", "first_day": "start"})
    assert "may be a day of two months" in str(row.problem)


def test_an_excel_table_with_dates_is_read(tmp_path: Path):
    from datetime import date

    book = openpyxl.Workbook()
    book.active.append(["Station", "Camera", "Latitude", "Longitude", "Start", "End", "Bait", "Notes"])
    book.active.append(["St01", "CamA", -23.5, 30.1, date(2024, 3, 1), date(2024, 4, 2), "none", "by the river"])
    book.save(tmp_path / "stations.xlsx")
    found = read_table(tmp_path / "stations.xlsx")
    (row,) = rows(found, guess(list(found.columns))[0])
    assert row.problem is None
    assert row.values == {
        "camera": "CamA", "latitude": -23.5, "longitude": 30.1, "first_day": "2024-03-01", "last_day": "2024-04-02",
        "bait": "none", "notes": "by the river",
    }  # fmt: skip


LINES = """Station;Camera;Lat;Lon;Start;End;Time zone;Bait
St01;CamA;-23,5;30,1;01.03.2024;02.04.2024;+02:00;none
St01;CamB;-23,5;30,1;01.03.2024;02.04.2024;+02:00;none
St 02;;23 32 30 S;30 10 0 E;2024-03-01;2024-04-02;UTC+2;lure
St03;;91;30;;;;
"""


def test_a_table_describes_the_deployments_it_means_as_one_decision_and_is_undone(survey: Survey, tmp_path: Path):
    for folder in ("St01/CamA", "St01/CamB", "St02"):
        add_media(survey, folder=folder)
    state = everything(survey)
    (tmp_path / "stations.csv").write_text(LINES)
    found = read_table(tmp_path / "stations.csv")
    lines = rows(found, guess(list(found.columns))[0])
    with survey.write() as session:
        unknown = stations_file.unknown_stations(session, lines)
        planned = stations_file.plan(session, lines)
        decision = stations_file.take(session, "ana", planned, "stations.csv").id
    assert unknown == {"St03": ["St02", "St01"]} or unknown == {"St03": ["St01", "St02"]}
    assert [line.problem is None for line in planned] == [True, True, True, False]
    assert "lies between -90 and 90" in str(planned[3].problem)
    with survey.read() as session:
        views = deployment_views(session)
    assert [(view.name, view.latitude, view.time_zone, view.bait) for view in views] == [
        ("St01/CamA", -23.5, "+02:00", "none"),
        ("St01/CamB", -23.5, "+02:00", "none"),
        ("St02", -23.541667, "+02:00", "lure"),
    ]
    with survey.read() as session:
        again = stations_file.plan(session, lines[:2])
        whole = stations_file.plan(session, lines)
    assert [line.changes for line in again] == [{}, {}]
    assert whole[2].changes == {}
    with pytest.raises(BadDecision, match="nothing new"), survey.write() as session:
        stations_file.take(session, "ana", again, "stations.csv")
    with survey.write() as session:
        undo_one(session, decision, "ana")
    assert everything(survey) == state


def test_a_line_that_cannot_be_is_left_out_with_its_reason_and_the_others_are_taken(survey: Survey):
    for folder in ("St01", "St02"):
        add_media(survey, folder=folder)
    lines = [
        StationRow(2, "St01", {"last_day": "2024-04-02"}),
        StationRow(3, "St02", {"bait": "lure"}),
        StationRow(4, "St09", {"first_day": "2024-04-02"}),
    ]
    with survey.write() as session:
        planned = stations_file.plan(session, lines)
        stations_file.take(session, "ana", planned, "stations.csv")
    assert ["belong together" in (line.problem or "") for line in planned] == [True, False, True]
    with survey.read() as session:
        assert [(view.name, view.bait) for view in deployment_views(session)] == [("St01", None), ("St02", "lure")]


def test_stations_that_are_not_there_are_made_unless_the_person_means_another(survey: Survey):
    add_media(survey, folder="Ridge 1")
    lines = rows(table(station=["Rigde 1", "Valley"]), {"station": "station"})
    with survey.write() as session:
        assert stations_file.unknown_stations(session, lines)["Rigde 1"] == ["Ridge 1"]
        planned = stations_file.plan(session, lines, {"Rigde 1": "Ridge 1"})
        stations_file.take(session, "ana", planned, "f.csv")
        assert sorted(session.scalars(sa.select(Deployment.name))) == ["Ridge 1", "Valley"]


def test_a_station_with_two_cameras_asks_which(survey: Survey):
    for folder in ("St01/CamA", "St01/CamB"):
        add_media(survey, folder=folder)
    lines = rows(table(station=["St01"], bait=["lure"]), {"station": "station", "bait": "bait"})
    with survey.read() as session:
        (line,) = stations_file.plan(session, lines)
    assert line.problem == "St01 has several cameras (St01/CamA, St01/CamB): say which."
