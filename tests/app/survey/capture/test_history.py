"""Capture history: occasions, effort, NA where no camera worked, and quick looks against published figures."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pytest
import sqlalchemy as sa

from app.survey.capture.effort import NoEffort, effort
from app.survey.capture.estimates import chao1, chao_mh, chapman_halves, discovery_curve, quick_looks
from app.survey.capture.history import MISSING, CaptureHistory, Design, capture_history
from app.survey.decisions.stations import set_deployment
from app.survey.media.events import regroup
from app.survey.media.stations import deployment_views
from app.survey.tables.deployments import Deployment
from app.survey.tables.media import Media
from tests.support.catalogued import DAY, opened, place, seen

FIRST = date(2024, 3, 12)  # the day of tests.surveys.START


def history(survey, **design) -> CaptureHistory:
    with survey.read() as session:
        return capture_history(session, Design(**design))


def works(survey, station: str, first: str, last: str, **more) -> None:
    deployment = place(survey, station, 10.0, 77.0 if station == "Ridge" else 77.1)
    with survey.write() as session:
        set_deployment(session, "ana", deployment, first_day=first, last_day=last, **more)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory):
    """A at both stations, B at Valley only; Ridge works 10 days, Valley the first five."""
    with opened(tmp_path_factory.mktemp("capture")) as survey:
        yield fill(survey)


def fill(survey):
    """The sightings and days of `two`."""
    seen(survey, "A", "Ridge", 0)
    seen(survey, "A", "Ridge", 10)
    seen(survey, "A", "Valley", 2 * DAY, flank="right")
    seen(survey, "B", "Valley", 3 * DAY)
    seen(survey, "A", "Ridge", 8 * DAY)
    works(survey, "Ridge", "2024-03-12", "2024-03-21")
    works(survey, "Valley", "2024-03-12", "2024-03-16")
    return survey


def test_events_are_counted_by_individual_station_and_occasion(two):
    found = history(two, occasion_days=5)
    assert [individual.name for individual in found.individuals] == ["A", "B"]
    assert found.stations == ("Ridge", "Valley")
    assert found.captures == {(0, 0, 0): 2, (0, 1, 0): 1, (1, 1, 0): 1, (0, 0, 1): 1}
    assert found.by_occasion().tolist() == [[1, 1], [1, 0]]


def test_effort_is_in_days_and_a_station_that_did_not_work_is_na(two):
    found = history(two, occasion_days=5)
    assert found.days_worked().tolist() == [[5, 5], [5, 0]]


def test_a_broken_period_is_no_effort_and_the_occasion_without_any_camera_is_na(survey):
    seen(survey, "A", "Ridge", 0)
    works(survey, "Ridge", "2024-03-12", "2024-03-26", broken_from="2024-03-17", broken_to="2024-03-21")
    found = history(survey, occasion_days=5)
    assert found.days_worked().tolist() == [[5, 0, 5]]
    assert found.by_occasion().tolist() == [[1, MISSING, 0]]


def test_without_stated_days_the_media_give_them_and_it_is_told(survey):
    seen(survey, "A", "Ridge", 0)
    seen(survey, "A", "Ridge", 6 * DAY)
    found = history(survey, occasion_days=5)
    assert found.effort.days.tolist() == [[1] * 7]
    assert "nobody said when the camera worked" in found.notes[0]
    assert "Ridge" in found.notes[0]
    assert "The last occasion has 2 of 5 days." in found.notes


def test_a_sighting_on_a_day_without_effort_counts_and_is_told(survey):
    seen(survey, "A", "Ridge", 6 * DAY)
    seen(survey, "A", "Valley", 0)
    works(survey, "Ridge", "2024-03-12", "2024-03-14")
    works(survey, "Valley", "2024-03-12", "2024-03-21")
    found = history(survey, occasion_days=5)
    assert found.days_worked().tolist() == [[3, 1], [5, 5]]
    assert any("said not to have worked" in note and "(Ridge: 1)" in note for note in found.notes)


def test_what_is_left_out_is_counted_in_words(survey):
    seen(survey, "A", "Ridge", 0)
    seen(survey, "B", "Ridge", None)
    seen(survey, "A", "Ridge", 20 * DAY)
    works(survey, "Ridge", "2024-03-12", "2024-04-10")
    found = history(survey, occasion_days=5, occasions=2)
    assert [individual.name for individual in found.individuals] == ["A"]
    assert "Sightings without a capture time, left out: 1." in found.notes
    assert "Sightings outside the occasions, left out: 1." in found.notes
    assert "Individuals with no sighting left, not in the table: 1." in found.notes


def test_one_flank_only_uses_the_sightings_of_that_flank(two):
    found = history(two, occasion_days=5, flank="right")
    assert found.captures == {(0, 1, 0): 1}
    assert "Sightings of another or an unknown flank than right, left out: 4." in found.notes


def test_individuals_known_from_one_flank_each_are_told(survey):
    seen(survey, "A", "Ridge", 0)
    seen(survey, "B", "Ridge", 60, flank="right")
    assert any("may be the same animals" in note for note in history(survey).notes)


def test_a_clock_correction_moves_a_sighting_to_another_occasion(survey):
    seen(survey, "A", "Ridge", 0)
    seen(survey, "A", "Valley", 0)
    works(survey, "Valley", "2024-03-12", "2024-03-21")
    works(survey, "Ridge", "2024-03-12", "2024-03-21", clock_offset_seconds=6 * 86400)
    assert set(history(survey, occasion_days=5).captures) == {(0, 0, 1), (0, 1, 0)}


def test_the_chosen_start_drops_earlier_days(two):
    found = history(two, occasion_days=5, start=date(2024, 3, 14))
    assert found.start == date(2024, 3, 14)
    assert found.days_worked().tolist() == [[5, 3], [3, 0]]
    assert found.occasion_start(1) == date(2024, 3, 19)


@pytest.mark.parametrize("design", [{"start": date(2030, 1, 1)}, {"occasion_days": 0}])
def test_a_design_without_effort_is_refused_in_words(two, design):
    with pytest.raises(NoEffort):
        history(two, **design)


def test_a_survey_without_any_time_says_what_to_do(survey):
    seen(survey, "A", "Ridge", None)
    with pytest.raises(NoEffort, match="fill in the days"):
        history(survey)


def test_the_discovery_curve_adds_days_and_new_individuals(two):
    assert discovery_curve(history(two, occasion_days=5)) == [(10, 2, 2), (15, 2, 0)]


def test_chao_mh_gives_the_published_figure_for_the_cottontails():
    """Edwards and Eberhardt's cottontails as in Chao 1987: 76 rabbits on 18 occasions, 134 estimated (135 true)."""
    often = {1: 43, 2: 16, 3: 8, 4: 6, 6: 2, 7: 1}
    seen_on = np.array([times for times, count in often.items() for _ in range(count)])
    look = chao_mh(seen_on, 18)
    assert round(look.value) == 134
    assert look.low < 135 < look.high
    assert look.low > 76


def test_chao_without_doubles_uses_the_bias_corrected_form():
    assert chao1(np.array([1, 1, 1])).value == pytest.approx(3 + 3 * 2 / 2)
    assert chao_mh(np.array([1, 1, 1]), 4).value == pytest.approx(3 + 0.75 * 3)


def test_everybody_seen_twice_leaves_nobody_unseen_and_no_interval():
    look = chao1(np.array([2, 3, 2]))
    assert (look.value, look.low, look.high) == (3.0, None, None)


def test_chapman_gives_the_textbook_figure():
    """10 marked, 15 caught, 5 of them marked: 11 x 16 / 6 - 1."""
    table = np.array([[True, True]] * 5 + [[True, False]] * 5 + [[False, True]] * 10)
    look = chapman_halves(table)
    assert look.value == pytest.approx(11 * 16 / 6 - 1)
    assert 20 < look.low < look.value < look.high


def test_quick_looks_say_what_they_rest_on(two):
    looks = quick_looks(history(two, occasion_days=5))
    assert [look.name for look in looks] == ["Chao Mh", "Chao1", "Lincoln-Petersen (Chapman)"]
    assert all(look.from_what and look.source for look in looks)


def test_an_animal_on_both_cameras_of_a_station_at_once_is_captured_once(survey):
    for camera, minutes in (("CamA", 0), ("CamB", 0.3), ("CamA", 0.9), ("CamB", 60), ("CamA", DAY)):
        seen(survey, "A", f"St01/{camera}", minutes, flank="left" if camera == "CamA" else "right")
    seen(survey, "A", "St02/CamA", 0.5)
    with survey.write() as session:
        regroup(session, set(session.scalars(sa.select(Deployment.id))), 60.0)
    built = history(survey, occasion_days=5)
    assert built.stations == ("St01", "St02")
    assert dict(built.captures) == {(0, 0, 0): 3, (0, 1, 0): 1}
    assert built.days_worked().tolist() == [[2], [1]]


def test_a_clock_that_was_never_set_is_named_and_gives_no_first_day(survey):
    seen(survey, "A", "Ridge", 0)
    seen(survey, "A", "Ridge", -24 * 366 * DAY)
    seen(survey, "A", "Valley", 0)
    with survey.write() as session:
        session.get_one(Media, 2).taken_at = datetime(2000, 1, 1, 0, 4)
    with survey.read() as session:
        assert effort(session, deployment_views(session)).start == FIRST
    with survey.write() as session:
        session.get_one(Media, 2).taken_at = datetime(2000, 6, 1)
    named = r"clock of Ridge \(2000-06-01 to 2024-03-12\) was wrong"
    with survey.read() as session, pytest.raises(NoEffort, match=named):
        effort(session, deployment_views(session))
