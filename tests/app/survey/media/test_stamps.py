"""What the readings of bars propose for a deployment, which media are read, and times that a person takes from them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.survey.database import Survey
from app.survey.decisions.refusals import BadDecision
from app.survey.decisions.stamps import take_times, write_times
from app.survey.decisions.stations import correct_clock
from app.survey.decisions.undoing import redo_one, undo_one
from app.survey.media import clocks, stamps
from app.survey.tables.deployments import Deployment, Event
from app.survey.tables.media import Media
from app.survey.tables.stamps import StampReading
from tests.support.surveys import START, add_media, everything, found

BOTH = {"mdy": "2024-03-04", "dmy": "2024-04-03"}


def read(survey: Survey, media_id: int, dates: dict[str, str], at: str | None = "05:41:07", **values: Any) -> None:
    """Write down a reading of a media's bar."""
    kept = {"grammar": "1", "form": "year last/, 24 h s", "text": "a bar", **values}
    with survey.write() as session:
        session.add(StampReading(media_id=media_id, dates=dates, time=at, **kept))


def media(survey: Survey, minutes: float | None = None, **values: Any) -> int:
    """One more media of Ridge 1; without minutes it has no time."""
    return add_media(survey, [found()], minutes=minutes, **values)[0]


def proposal(survey: Survey, order: str | None = None) -> stamps.Proposal:
    """What is proposed for the first deployment."""
    with survey.read() as session:
        return stamps.proposal(session.get_one(Deployment, 1), stamps.readings(session, [1]), order)


def taken(survey: Survey, media_id: int) -> datetime | None:
    """The time that counts."""
    with survey.read() as session:
        return session.get_one(Media, media_id).taken_at


def test_day_and_month_stay_open_until_one_picture_of_the_deployment_decides(survey: Survey):
    first, second = media(survey), media(survey)
    read(survey, first, BOTH)
    read(survey, second, {"mdy": "2024-05-06", "dmy": "2024-06-05"})
    assert proposal(survey).order is None
    assert proposal(survey).times == {}
    assert [reading.media_id for reading in proposal(survey).open] == [first, second]
    assert proposal(survey, "dmy").times[first] == datetime(2024, 4, 3, 5, 41, 7)
    read(survey, media(survey), {"mdy": "2024-03-17"})
    assert proposal(survey).order == "mdy"
    assert proposal(survey).times[first] == datetime(2024, 3, 4, 5, 41, 7)
    assert not proposal(survey).open


def test_bars_that_contradict_each_other_leave_the_order_open(survey: Survey):
    first = media(survey)
    read(survey, first, BOTH)
    read(survey, media(survey), {"mdy": "2024-03-17"})
    read(survey, media(survey), {"dmy": "2024-03-17"})
    assert proposal(survey).contradicting
    assert first not in proposal(survey).times


def test_a_doubtful_reading_decides_nothing_and_is_not_taken(survey: Survey):
    first, second = media(survey), media(survey)
    read(survey, first, BOTH)
    read(survey, second, {"mdy": "2024-03-17"}, doubts=["The bar is hard to read."])
    assert proposal(survey).order is None
    assert [reading.media_id for reading in proposal(survey).doubtful] == [second]


def test_a_bar_written_otherwise_than_the_others_is_doubtful(survey: Survey):
    ids = [media(survey) for _ in range(4)]
    for media_id in ids[:3]:
        read(survey, media_id, {"ymd": "2024-03-17"}, form="y-, 24 h s")
    read(survey, ids[3], {"dmy": "2017-03-24"}, form="short year-, 24 h s")
    assert [reading.media_id for reading in proposal(survey).doubtful] == [ids[3]]


def test_a_bar_out_of_order_between_its_neighbours_is_doubtful_and_a_clock_that_went_back_is_not(
    survey: Survey,
):
    days = ("2024-03-16", "2024-03-10", "2024-03-18", "2024-01-01", "2024-01-02")
    ids = [media(survey) for _ in days]
    for media_id, day in zip(ids, days, strict=True):
        read(survey, media_id, {"ymd": day})
    assert [reading.media_id for reading in proposal(survey).doubtful] == [ids[1]]
    assert sorted(proposal(survey).times) == [ids[0], *ids[2:]]


def test_a_file_that_says_another_time_than_its_bar_is_shown_with_both(survey: Survey):
    same, other = media(survey, minutes=0), media(survey, minutes=60)
    for media_id, minutes in ((same, 0), (other, 60 + 67)):
        at = START + timedelta(minutes=minutes)
        read(survey, media_id, {"ymd": at.date().isoformat()}, at.time().isoformat())
    ((reading, seconds),) = proposal(survey).different
    assert (reading.media_id, seconds) == (other, 67 * 60)
    assert taken(survey, other) == START + timedelta(minutes=60)


def test_the_label_of_most_pictures_is_proposed_for_the_station(survey: Survey):
    for label in ("GIG-01-02", "GIG-01-02", "GIG-O1"):
        read(survey, media(survey), {"ymd": "2024-03-17"}, label=label)
    assert proposal(survey).label == "GIG-01-02"
    assert proposal(survey).renames


def test_a_label_that_cameras_come_with_is_not_proposed(survey: Survey):
    read(survey, media(survey), {"ymd": "2024-03-17"}, label="STEALTH CAM")
    assert not proposal(survey).renames


def test_times_are_taken_for_a_deployment_in_one_decision_and_its_undo_leaves_no_trace(survey: Survey):
    untimed, timed = [media(survey), media(survey)], media(survey, minutes=0)
    for media_id in untimed:
        read(survey, media_id, {"ymd": "2024-03-17"}, f"05:41:0{media_id}")
    with survey.write() as session:
        clocks.retime(session, [1])
    state = everything(survey)
    with survey.write() as session:
        decision = take_times(session, "ana", 1, seen=2).id
    assert [taken(survey, number) for number in untimed] == [datetime(2024, 3, 17, 5, 41, number) for number in untimed]
    assert taken(survey, timed) == START
    with survey.read() as session:
        events = set(session.scalars(sa.select(Media.event_id).where(Media.id.in_(untimed))))
        assert len(events) == 1
        assert session.get_one(Event, events.pop()).started_at == datetime(2024, 3, 17, 5, 41, untimed[0])
    with survey.write() as session, pytest.raises(BadDecision, match="no time that is missing"):
        take_times(session, "ben", 1)
    with survey.write() as session:
        undo_one(session, decision, "ana")
    assert everything(survey) == state
    with survey.write() as session:
        undo_one(session, redo_one(session, decision, "ana").id, "ana")
    assert everything(survey) == state


def test_a_corrected_clock_moves_times_that_were_taken_from_pictures_too(survey: Survey):
    media_id = media(survey)
    read(survey, media_id, {"ymd": "2024-03-17"})
    with survey.write() as session:
        take_times(session, "ana", 1)
        correct_clock(session, "ana", 1, 3600)
    assert taken(survey, media_id) == datetime(2024, 3, 17, 6, 41, 7)


def test_a_time_that_a_person_reads_is_kept_for_media_without_one_and_for_no_other(survey: Survey):
    untimed, timed = media(survey), media(survey, minutes=0)
    elsewhere = media(survey, folder="River 2")
    with survey.write() as session:
        clocks.retime(session, [1])
    before = everything(survey)
    at = datetime(2024, 3, 17, 5, 41, 7)
    for refused in ({}, {timed: at}, {elsewhere: at}, {untimed: at, timed: at}):
        with survey.write() as session, pytest.raises(BadDecision):
            write_times(session, "ana", 1, refused)
    assert everything(survey) == before
    with survey.write() as session:
        decision = write_times(session, "ana", 1, {untimed: at}).id
    assert taken(survey, untimed) == at
    with survey.write() as session:
        undo_one(session, decision, "ana")
    assert everything(survey) == before


def test_nothing_is_taken_that_the_person_did_not_see(survey: Survey):
    read(survey, media(survey), {"ymd": "2024-03-17"})
    with survey.write() as session, pytest.raises(BadDecision, match="Look again"):
        take_times(session, "ana", 1, seen=5)


def test_media_without_a_time_are_read_first_then_the_first_of_a_deployment_one_in_fifty_and_jumps(survey: Survey):
    timed = [media(survey, minutes=minutes) for minutes in range(60)]
    back = media(survey, minutes=-1000)
    after = media(survey, minutes=61)
    untimed = media(survey)
    with survey.read() as session:
        assert stamps.lacking(session, 100) == [untimed, timed[0], timed[50], back]
    assert after not in (timed[0], back)
    read(survey, untimed, {})
    with survey.read() as session:
        assert stamps.lacking(session, 1) == [timed[0]]


def test_a_reading_gives_its_parts_back_as_they_were_written(survey: Survey):
    media_id = media(survey)
    read(survey, media_id, BOTH, box=[0.1, 0.9, 0.5, 0.05], doubts=["x"])
    with survey.read() as session:
        (reading,) = stamps.readings(session)
    assert reading.dates == {"mdy": date(2024, 3, 4), "dmy": date(2024, 4, 3)}
    assert (reading.time, reading.doubts) == (time(5, 41, 7), ("x",))
    assert reading.box is not None
    assert reading.box.y == 0.9
