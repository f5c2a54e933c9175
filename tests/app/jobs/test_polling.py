"""How often a worker's looks at its queues ask for more than they need."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import sqlalchemy as sa

from app.jobs import polling

STATUS = sa.Table("workflow_status", sa.MetaData(), sa.Column("queue_name", sa.Text), sa.Column("status", sa.Text))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time, set by hand."""
    clock = SimpleNamespace(now=10.0)
    monkeypatch.setattr(polling, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def database() -> SimpleNamespace:
    """What the looks ask of a queue's database."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    STATUS.create(engine)
    database = SimpleNamespace(
        engine=engine,
        tables=SimpleNamespace(workflow_status=STATUS),
        get_queue=Mock(side_effect=lambda name: f"the queue {name}"),
        _is_latest_version=Mock(side_effect=[True, False]),
    )
    database.asked = SimpleNamespace(queue=database.get_queue, latest=database._is_latest_version)
    polling.look_cheaply(database)
    return database


def put(database: SimpleNamespace, queue: str, status: str) -> None:
    with database.engine.begin() as connection:
        connection.execute(sa.insert(STATUS).values(queue_name=queue, status=status))


def test_the_looks_of_a_second_ask_once_whether_this_is_the_newest_version(clock, database):
    answers = []
    for clock.now in (10.0, 10.5, 10.9, 11.5):
        answers.append(database._is_latest_version("a version", None))
    assert answers == [True, True, True, False]
    assert database.asked.latest.call_count == 2


def test_the_looks_of_ten_seconds_ask_once_what_a_queue_is_like(clock, database):
    for clock.now in (10.0, 19.9, 20.5):
        assert database.get_queue("imports") == "the queue imports"
        assert database.get_queue("batches") == "the queue batches"
    assert database.asked.queue.call_count == 4


def test_a_queue_is_looked_into_when_a_job_waits_in_it(clock, database):
    put(database, "imports", "PENDING")
    put(database, "batches", "ENQUEUED")
    assert database.dequeue_scopes("imports") == []
    assert database.dequeue_scopes("batches") == [None]


def test_a_job_is_seen_at_the_next_look_and_the_looks_of_a_moment_share_one_question(clock, database):
    asked = Mock(wraps=database.engine.connect)
    database.engine = SimpleNamespace(connect=asked, begin=database.engine.begin)
    assert [database.dequeue_scopes(queue) for queue in ("imports", "batches", "matches")] == [[], [], []]
    assert asked.call_count == 1
    put(database, "matches", "ENQUEUED")
    clock.now += 0.1
    assert database.dequeue_scopes("matches") == [None]
