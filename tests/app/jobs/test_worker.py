"""How often a worker's looks at its queues ask for more than they need."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import Mock

from app.jobs import worker


def test_the_looks_of_a_second_ask_once_whether_this_is_the_newest_version(monkeypatch):
    asked = Mock(side_effect=[True, False])
    database = SimpleNamespace(_is_latest_version=asked)
    now = iter([10.0, 10.0, 10.5, 10.9, 11.5, 11.5])
    monkeypatch.setattr(worker, "time", SimpleNamespace(monotonic=lambda: next(now)))
    worker._ask_seldom_for_the_version(database)
    assert [database._is_latest_version("a version", None) for _ in range(4)] == [True, True, True, False]
    assert asked.call_count == 2
