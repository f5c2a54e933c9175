"""Wrong clocks: a correction moves everything together, once, and its undo leaves the survey as it was."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.actions import decide as actions
from app.exchange.camtrap_dp_rows import kept_media, media_rows
from app.exchange.coco import _images
from app.exchange.megadetector_json import _rows as megadetector_images
from app.survey.database import Survey
from app.survey.decisions.refusals import BadDecision, DecisionConflict
from app.survey.decisions.stations import correct_clock, set_deployment, take_file_times
from app.survey.decisions.undoing import redo_one, undo_one
from app.survey.media import clocks
from app.survey.media.file_times import file_times
from app.survey.media.stations import deployment_views, zone_offset
from app.survey.tables.deployments import Event
from app.survey.tables.media import ImportBatch, ListedFile, Media
from tests.support.surveys import START, add_media, everything, found

MINUTE = 60
NO_JOBS: Any = None  # no crop is to be described again
WRONG = 67 * MINUTE


@pytest.fixture
def filled(survey: Survey) -> Survey:
    """Seven media at Ridge 1 in four events, two at Ridge 2."""
    for minutes in (0, 0.5, 60, 67, 67.5, 200, None):
        add_media(survey, [found()], minutes=minutes)
    for minutes in (0, 300):
        add_media(survey, [found()], folder="Ridge 2", minutes=minutes)
    with survey.write() as session:
        clocks.retime(session, [1, 2])
    return survey


def times(survey: Survey) -> dict[int, float | None]:
    """Minutes since the start, by media."""
    with survey.read() as session:
        rows = session.execute(sa.select(Media.id, Media.taken_at).order_by(Media.id))
        return {row.id: (row.taken_at - START).total_seconds() / MINUTE if row.taken_at else None for row in rows}


def groups(survey: Survey) -> dict[int | None, list[int]]:
    """Media by event."""
    by_event: dict[int | None, list[int]] = {}
    with survey.read() as session:
        for row in session.execute(sa.select(Media.id, Media.event_id).order_by(Media.id)):
            by_event.setdefault(row.event_id, []).append(row.id)
    return by_event


def decided(survey: Survey, *args, **values) -> int:
    with survey.write() as session:
        return correct_clock(session, "ana", *args, **values).id


def undone(survey: Survey, decision_id: int) -> None:
    with survey.write() as session:
        undo_one(session, decision_id, "ana")


def test_a_corrected_clock_moves_media_and_events_of_its_deployment_together_and_once(filled):
    before, grouped, state = times(filled), groups(filled), everything(filled)
    decision = decided(filled, 1, WRONG)
    assert times(filled) == {n: m + 67 if m is not None and n < 8 else m for n, m in before.items()}
    assert groups(filled) == grouped
    with filled.read() as session:
        for event in session.scalars(sa.select(Event)):
            of_it = [m.taken_at for m in session.scalars(sa.select(Media).where(Media.event_id == event.id))]
            assert (event.started_at, event.ended_at) == (min(of_it), max(of_it))
    with pytest.raises(BadDecision, match="stand so already"):
        decided(filled, 1, WRONG)
    undone(filled, decision)
    assert everything(filled) == state


def test_from_one_picture_to_another_only_these_move_and_events_split_and_join_and_come_back(filled):
    state = everything(filled)
    decision = decided(filled, 1, -WRONG, first=4, last=5)
    assert [times(filled)[n] for n in (1, 2, 3, 4, 5, 6)] == [0, 0.5, 60, 0, 0.5, 200]
    assert sorted(groups(filled)[event_of(filled, 1)]) == [1, 2, 4, 5]
    undone(filled, decision)
    assert everything(filled) == state
    for first, last, seconds in ((2, 4, 3 * WRONG), (1, 1, 100 * WRONG), (2, None, -WRONG), (None, 3, WRONG)):
        undone(filled, decided(filled, 1, seconds, first=first, last=last))
        assert everything(filled) == state, (first, last)
    with filled.write() as session:
        again = redo_one(session, decision, "ana")
    undone(filled, again.id)
    assert everything(filled) == state


def event_of(survey: Survey, media_id: int) -> int | None:
    with survey.read() as session:
        return session.get_one(Media, media_id).event_id


def test_a_range_keeps_its_own_correction_when_the_whole_deployment_is_corrected_before_it_is_undone(filled):
    whole = decided(filled, 1, 10 * MINUTE)
    part = decided(filled, 1, 30 * MINUTE, first=6)
    assert times(filled)[1] == 10
    assert times(filled)[6] == 230
    undone(filled, whole)
    assert (times(filled)[1], times(filled)[6]) == (0, 230)
    undone(filled, part)
    assert times(filled)[6] == 200


def test_a_new_correction_of_the_whole_deployment_takes_the_place_of_those_of_ranges(filled):
    part = decided(filled, 1, 30 * MINUTE, first=6)
    whole = decided(filled, 1, 10 * MINUTE)
    assert times(filled)[6] == 210
    with pytest.raises(DecisionConflict):
        undone(filled, part)
    undone(filled, whole)
    undone(filled, part)
    assert times(filled)[6] == 200


def test_media_that_come_later_get_the_correction_of_their_deployment(filled):
    decided(filled, 1, WRONG)
    media_id, _ = add_media(filled, minutes=1000)
    with filled.write() as session:
        clocks.retime(session, [1])
        clocks.retime(session, [1])
    assert times(filled)[media_id] == 1067


def test_the_order_is_the_cameras_even_where_its_clock_went_back_to_2000(survey):
    for name, at in (("IMG_9.JPG", START), ("IMG_10.JPG", datetime(2000, 1, 1, 0, 5)), ("IMG_11.JPG", START)):
        media_id, _ = add_media(survey, name=name)
        with survey.write() as session:
            session.get_one(Media, media_id).recorded_at = at
    with survey.read() as session:
        order = [image.path.rpartition("/")[2] for image in clocks.in_camera_order(session, 1)]
    assert order == ["IMG_9.JPG", "IMG_10.JPG", "IMG_11.JPG"]


def test_two_people_who_correct_one_clock_at_once_get_one_correction_and_one_clear_answer(filled):
    with filled.read() as session:
        seen = clocks.times_mark(clocks.in_camera_order(session, 1))
    outcomes = []

    def correct(who: str) -> None:
        outcomes.append(actions.decide(filled, NO_JOBS, who, correct_clock, 1, WRONG, seen=seen))

    threads = [threading.Thread(target=correct, args=(who,)) for who in ("ana", "ben")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome.refused for outcome in outcomes) == [False, True]
    (problem,) = next(outcome.problems for outcome in outcomes if outcome.refused)
    assert "changed since you looked (by " in problem
    assert times(filled)[1] == 67


def test_the_time_of_a_file_is_offered_and_taken_by_a_person_and_undone(filled):
    with filled.write() as session:
        for file in session.scalars(sa.select(ListedFile)):
            file.modified = int((START + timedelta(hours=9)).timestamp()) * 10**9
        assert file_times(session, 1) == {7: START + timedelta(hours=9)}
    state = everything(filled)
    with pytest.raises(BadDecision, match="offer 1 times by now"), filled.write() as session:
        take_file_times(session, "ana", 1, seen=2)
    with filled.write() as session:
        decision = take_file_times(session, "ana", 1, seen=1).id
    assert times(filled)[7] == 540
    undone(filled, decision)
    assert everything(filled) == state
    with filled.write() as session:
        session.get_one(ImportBatch, 1).kind = "upload"
        assert file_times(session, 1) == {}


def test_exports_and_lists_show_the_corrected_time(filled):
    with filled.write() as session:
        set_deployment(session, "ana", 1, time_zone="+05:30", latitude=1.0, longitude=2.0)
        set_deployment(session, "ana", 2, time_zone="UTC-3", latitude=1.0, longitude=2.0)
    decided(filled, 1, WRONG)
    wanted = START + timedelta(seconds=WRONG)
    with filled.read() as session:
        kept = kept_media(session, deployment_views(session), None)
        moments = {row[1]: row[2] for row in media_rows(session, kept) if row[0].endswith(("1", "8"))}
        coco = {row["id"]: row.get("datetime") for row in _images(session)}
        megadetector = [row.get("datetime") for row in megadetector_images(session)]
    assert moments["Ridge 1"] == f"{wanted:%Y-%m-%dT%H:%M:%S}+05:30"
    assert moments["Ridge 2"] == f"{START:%Y-%m-%dT%H:%M:%S}-03:00"
    assert f"{wanted:%Y-%m-%d %H:%M:%S}" in megadetector
    assert coco["1"] == f"{wanted:%Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize(
    ("text", "offset"),
    [("+05:30", "+05:30"), ("-3", "-03:00"), ("UTC+1", "+01:00"), ("0530", "+05:30"), ("Z", "+00:00"),
     ("Asia/Kolkata", "+05:30")],
)  # fmt: skip
def test_time_zones_are_read_as_people_write_them(text, offset):
    assert zone_offset(text) == offset


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("+1:07", WRONG), ("-0:30:15", -1815), ("1 h 07 min", WRONG), ("2 d 3 h", 51 * 3600), ("90 s", 90),
     ("\u22121:00", -3600), ("1d 2:03", 26 * 3600 + 180)],
)  # fmt: skip
def test_a_correction_is_read_as_people_write_it(text, seconds):
    assert clocks.correction(text) == seconds


@pytest.mark.parametrize("text", ["", "+", "soon", "1:75", "1"])
def test_what_is_no_length_of_time_is_refused_in_words(text):
    with pytest.raises(ValueError, match="is no length of time"):
        clocks.correction(text)


@pytest.mark.parametrize("text", ["Europe/Berlin", "tomorrow", "+25", "../../etc/passwd"])
def test_a_zone_that_changes_its_clocks_or_is_none_is_refused_in_words(text):
    with pytest.raises(ValueError, match=r"camera keep: \+01:00, \+02:00|is no time zone"):
        zone_offset(text)
