"""What a slow line is: how far what is sent has come, and how much is sent at a time."""

from __future__ import annotations

import contextlib

import pytest

from modal_backend.remote import line as lines
from modal_backend.remote.line import LEAST_BYTES, MOST_BYTES, Line


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(lines.time, "monotonic", lambda: now[0])
    return now


def cut_off(line, size, stopped, clock, seconds=9):
    """A call of so many bytes that breaks off after some seconds."""
    with contextlib.suppress(OSError), line.sending(size, stopped):
        clock[0] += seconds
        raise OSError


def test_what_has_arrived_is_named_while_the_rest_is_on_its_way(clock):
    line = Line()
    with line.sending(3_600_000, []):
        with line.sending(400_000, []):
            clock[0] += 4
            assert line.message() == ""
        clock[0] += 2
        assert line.message() == "slow line: 0.4 of 4 MB"
    assert line.message() == ""


def test_calls_become_as_small_as_the_line_is_slow_and_large_again(clock):
    line = Line()
    assert line.call_bytes == MOST_BYTES
    with line.sending(1_250_000, []):
        clock[0] += 10
    assert line.call_bytes == 625_000
    stopped = []
    cut_off(line, 625_000, stopped, clock)
    assert stopped == ["slow line: 0 of 0.6 MB"]
    assert line.call_bytes == 312_500
    for _ in range(9):
        cut_off(line, 625_000, [], clock)
    assert line.call_bytes == LEAST_BYTES
    with line.sending(LEAST_BYTES, []):
        clock[0] += 0.01
    assert line.call_bytes == MOST_BYTES


def test_a_server_that_refuses_at_once_is_no_slow_line(clock):
    line, stopped = Line(), []
    with line.asked(900_000, 120) as allowance:
        for _ in range(5):
            cut_off(line, 900_000, stopped, clock, seconds=0)
            clock[0] += 30
            assert line.message() == ""
    assert (allowance.seconds, stopped, line.call_bytes) == (120, [], MOST_BYTES)


def test_a_call_has_the_time_that_those_need_which_join_it_on_the_line_and_keeps_it_when_they_are_gone():
    line = Line()
    with line.asked(200_000, 20) as first:
        with line.asked(1_760_000, 20) as second:
            assert (first.seconds, second.seconds) == (50, 50)
        with line.asked(800_000, 30) as third:
            assert (first.seconds, third.seconds) == (50, 30)
