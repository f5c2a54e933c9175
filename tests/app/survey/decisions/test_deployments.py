"""Stations and deployments: every decision has one clear outcome and is undone without a trace."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.survey.database import Survey
from app.survey.decisions import deployments
from app.survey.decisions.refusals import BadDecision, DecisionConflict
from app.survey.decisions.stations import correct_clock, set_deployment
from app.survey.decisions.undoing import redo_one, undo_one
from app.survey.media import clocks, places
from app.survey.media.stations import deployment_views
from app.survey.tables.deployments import Deployment
from app.survey.tables.media import Media
from tests.support.surveys import START, add_media, copy_of, everything, file_of, found

DAY = 24 * 60.0
STEPS = st.lists(st.tuples(st.sampled_from("crRsmMjdtTkwpqu"), st.integers(0, 5), st.integers(0, 5)), max_size=10)


def fill(survey: Survey) -> None:
    """Three deployments of two stations, with media over some days; some know where they were."""
    for folder in ("St01/CamA", "St01/CamB", "St02"):
        for minutes in (0.0, 0.5, DAY, 2 * DAY, 2 * DAY + 0.5, None):
            media_id, _ = add_media(survey, [found()], folder=folder, minutes=minutes)
            with survey.write() as session:
                media = session.get_one(Media, media_id)
                media.latitude, media.longitude = (-23.5, 30.1) if folder != "St02" else (None, None)
    with survey.write() as session:
        numbers = list(session.scalars(sa.select(Deployment.id)))
        clocks.retime(session, numbers)
        places.settle_places(session, numbers)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return file_of(tmp_path_factory.mktemp("stations"), fill)


@pytest.fixture
def three(survey: Survey) -> Survey:
    fill(survey)
    return survey


def step(session: sa.orm.Session, what: str, first: int, second: int):
    """One decision as a person could ask for it; what cannot be done raises and changes nothing."""
    numbers = [*session.scalars(sa.select(Deployment.id).order_by(Deployment.id)), 99]
    names = [*session.scalars(sa.select(Deployment.station).distinct().order_by(Deployment.station)), "No"]
    chosen, other = numbers[first % len(numbers)], numbers[second % len(numbers)]
    media, day = [1 + first, 7 + second, 3 + second], (START + timedelta(days=second % 3)).date()
    acts = {
        "c": lambda: deployments.create(session, "ana", f"New {first}", f"St0{second}"),
        "r": lambda: deployments.rename_deployment(session, "ana", chosen, f"Name {second}"),
        "R": lambda: deployments.rename_station(session, "ana", names[first % len(names)], f"St0{second}", join=True),
        "s": lambda: deployments.split(session, "ana", chosen, day, f"Part {first}"),
        "m": lambda: deployments.move_media(session, "ana", media, other),
        "M": lambda: deployments.move_media(session, "ana", media, None),
        "j": lambda: deployments.join(session, "ana", chosen, other),
        "d": lambda: deployments.delete(session, "ana", chosen),
        "t": lambda: correct_clock(session, "ana", chosen, 600 * second),
        "T": lambda: correct_clock(session, "ana", chosen, -86400, first=1 + second, last=4 + second),
        "k": lambda: set_deployment(session, "ana", chosen, time_zone=f"+0{second}:00"),
        "w": lambda: set_deployment(session, "ana", chosen, first_day="2024-03-10", last_day="2024-04-01"),
        "p": lambda: set_deployment(session, "ana", chosen, latitude=1.0 * second, longitude=2.0),
        "q": lambda: deployments.set_station(session, "ana", chosen, f"St0{second}"),
    }
    return acts[what]()


@given(STEPS)
@example([("j", 0, 1), ("T", 0, 0), ("s", 0, 1), ("u", 0, 0)])
@example([("t", 0, 3), ("m", 0, 1), ("d", 1, 0), ("j", 0, 2)])
@settings(max_examples=12)
def test_whatever_is_decided_about_stations_is_undone_without_a_trace(filled, steps):
    with copy_of(filled) as survey:
        states, made = [everything(survey)], []
        for what, first, second in steps:
            try:
                with survey.write() as session:
                    if what == "u":
                        undo_one(session, made.pop() if made else 0, "ben")
                    else:
                        made.append(step(session, what, first, second).id)
            except (BadDecision, DecisionConflict):
                continue
            if what == "u":
                states.pop()
                assert everything(survey) == states[-1]
            else:
                states.append(everything(survey))
        while made:
            with survey.write() as session:
                undo_one(session, made.pop(), "ben")
            states.pop()
            assert everything(survey) == states[-1]


def test_a_station_renamed_joined_and_split_keeps_every_media_once_with_its_time(three):
    def where() -> dict[int, tuple]:
        with three.read() as session:
            rows = session.execute(sa.select(Media.id, Deployment.station, Media.taken_at).outerjoin(Deployment))
            return {row[0]: tuple(row[1:]) for row in rows}

    before, state = where(), everything(three)
    with three.write() as session:
        ids = [
            correct_clock(session, "ana", 3, 3600).id,
            deployments.rename_station(session, "ana", "St01", "Ridge").id,
            deployments.join(session, "ana", 1, 3).id,
            deployments.split(session, "ana", 1, START.date() + timedelta(days=1), "Ridge late").id,
        ]
    after = where()
    assert {station for station, _ in after.values()} == {"Ridge"}
    shifted = {n for n in before if before[n][1] and after[n][1] - before[n][1] == timedelta(hours=1)}
    assert shifted == {13, 14, 15, 16, 17}
    with three.write() as session:
        for number in reversed(ids):
            undo_one(session, number, "ana")
    assert everything(three) == state
    with three.write() as session:
        for number in ids:
            redo_one(session, number, "ana")
    assert where() == after


def test_two_people_at_once_get_one_clear_outcome(three):
    with three.write() as session:
        deployments.rename_deployment(session, "ana", 1, "Ridge left", seen="St01/CamA")
    with pytest.raises(BadDecision, match="St01/CamA was renamed to Ridge left"), three.write() as session:
        deployments.rename_deployment(session, "ben", 1, "Ridge L", seen="St01/CamA")
    with three.write() as session:
        deployments.join(session, "ana", 1, 2)
    with pytest.raises(BadDecision, match="not there any more"), three.write() as session:
        deployments.delete(session, "ben", 2)


def test_a_name_that_is_taken_is_refused_and_stations_are_not_joined_by_accident(three):
    with pytest.raises(BadDecision, match="There is a deployment St02 already"), three.write() as session:
        deployments.rename_deployment(session, "ana", 1, " St02 ")
    with pytest.raises(BadDecision, match="There is a station St01 already"), three.write() as session:
        deployments.rename_station(session, "ana", "St02", "St01")


def test_stated_days_are_divided_where_a_deployment_is_split(three):
    with three.write() as session:
        set_deployment(session, "ana", 3, first_day="2024-03-01", last_day="2024-04-01", bait="none", time_zone="+2")
        deployments.split(session, "ana", 3, START.date() + timedelta(days=1), "St02 later")
    with three.read() as session:
        early, late = (view for view in deployment_views(session) if view.station == "St02")
    assert (early.first_day, early.last_day) == (date(2024, 3, 1), START.date())
    assert (late.first_day, late.last_day) == (START.date() + timedelta(days=1), date(2024, 4, 1))
    assert (late.bait, late.time_zone) == ("none", "+02:00")


def test_two_people_who_describe_different_things_of_a_deployment_can_each_take_theirs_back(three):
    with three.write() as session:
        days = set_deployment(session, "ana", 1, first_day="2024-03-01", last_day="2024-04-01").id
        set_deployment(session, "ben", 1, bait="lure")
        undo_one(session, days, "ana")
    with three.read() as session:
        view = next(view for view in deployment_views(session) if view.id == 1)
    assert (view.first_day, view.bait) == (None, "lure")
