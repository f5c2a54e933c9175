"""Workers know of each other through locks in one data folder and heartbeats everywhere else."""

from __future__ import annotations

import time

import sqlalchemy as sa

from app.jobs.presence import GONE_AFTER_SECONDS, Presence, any_alive
from app.survey.database import Survey
from app.survey.tables.calls import Worker


def test_a_worker_with_another_data_folder_on_this_machine_is_alive_while_its_heart_beats(survey, tmp_path):
    other = Survey(survey.url, tmp_path / "another folder")
    here, there = Presence(survey), Presence(other)
    assert here.gone() == [] == there.gone()
    assert here.alive() == there.alive() == {here.executor_id, there.executor_id}
    with survey.write() as session:
        late = {"heartbeat_at": time.time() - GONE_AFTER_SECONDS - 1}
        session.execute(sa.update(Worker).where(Worker.executor_id == there.executor_id).values(**late))
    assert here.gone() == [there.executor_id]
    other.close()


def test_a_worker_that_left_is_gone_at_once(survey):
    here, other = Presence(survey), Presence(survey)
    other.leave()
    assert here.gone() == [other.executor_id]
    here.leave()
    assert not any_alive(survey)
