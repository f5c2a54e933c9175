"""Workers know of each other through locks in one data folder and heartbeats everywhere else."""

from __future__ import annotations

import time

import pytest
import sqlalchemy as sa

from app.jobs import presence
from app.jobs.presence import GONE_AFTER_SECONDS, HEARTBEAT_SECONDS, Presence, TakenOver, any_alive, any_at_hand
from app.storage import shared
from app.survey.database import Survey
from app.survey.tables.calls import Worker


@pytest.fixture
def elsewhere(survey, tmp_path):
    """The same survey, opened with another data folder."""
    other = Survey(survey.url, tmp_path / "another folder")
    yield other
    other.close()


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """The monotonic clock of workers, in seconds."""
    now = [1000.0]
    monkeypatch.setattr(presence, "monotonic", lambda: now[0])
    return now


def let_stop(survey, worker: Presence, seconds: float = GONE_AFTER_SECONDS + 1) -> None:
    with survey.write() as session:
        late = {"heartbeat_at": time.time() - seconds}
        session.execute(sa.update(Worker).where(Worker.executor_id == worker.executor_id).values(**late))


def beat_on(clock: list[float], worker: Presence, seconds: float) -> None:
    end = clock[0] + seconds
    while clock[0] < end:
        clock[0] += HEARTBEAT_SECONDS
        worker.beat()


def test_a_worker_with_another_data_folder_on_this_machine_is_alive_while_its_heart_beats(survey, elsewhere, clock):
    here, there = Presence(survey), Presence(elsewhere)
    beat_on(clock, here, GONE_AFTER_SECONDS)
    assert here.gone() == [] == there.gone()
    assert here.alive() == there.alive() == {here.executor_id, there.executor_id}
    let_stop(survey, there)
    assert here.gone() == [there.executor_id]


def test_after_the_database_was_away_nobody_is_held_for_gone_before_it_could_beat(survey, elsewhere, clock):
    here, there = Presence(survey), Presence(elsewhere)
    beat_on(clock, here, GONE_AFTER_SECONDS)
    let_stop(survey, there)
    clock[0] += GONE_AFTER_SECONDS  # here could not beat either
    here.beat()
    assert here.gone() == []
    beat_on(clock, here, GONE_AFTER_SECONDS)
    assert here.gone() == [there.executor_id]


def test_a_worker_that_was_held_for_gone_begins_anew(survey, elsewhere, clock):
    here, there = Presence(survey), Presence(elsewhere)
    beat_on(clock, here, GONE_AFTER_SECONDS)
    let_stop(survey, there)
    assert here.gone() == [there.executor_id]
    with pytest.raises(TakenOver):
        there.beat()


def test_what_a_worker_had_claimed_and_not_taken_over_goes_to_the_next(survey):
    first, second, third = (Presence(survey) for _ in range(3))
    first.leave()
    assert second.gone() == [first.executor_id]
    second.leave()
    assert third.gone() == [second.executor_id, first.executor_id]
    third.settled([second.executor_id, first.executor_id])
    third.leave()
    assert Presence(survey).gone() == [third.executor_id]


def test_a_worker_that_left_is_gone_at_once(survey):
    here, other = Presence(survey), Presence(survey)
    other.leave()
    assert here.gone() == [other.executor_id]
    here.leave()
    assert not any_alive(survey)


def test_a_worker_of_another_data_folder_is_at_hand_unless_only_media_are_shared(survey, elsewhere):
    there = Presence(elsewhere)
    assert any_at_hand(survey)
    for folder in (survey.data_dir, elsewhere.data_dir):
        shared.connect(folder, "memory://presence")
    try:
        assert any_alive(survey)
        assert not any_at_hand(survey)
        assert any_at_hand(elsewhere)
    finally:
        for folder in (survey.data_dir, elsewhere.data_dir):
            shared.connect(folder, None)
        there.leave()
