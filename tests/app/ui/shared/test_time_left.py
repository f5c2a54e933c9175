"""The time left runs down everywhere on a page, and goes up only when the pace has really fallen."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import streamlit as st

from app.survey.calls.overview import StripSnapshot
from app.ui.shared import time_left
from app.ui.shared.status_strip import strip_html
from app.ui.shared.time_left import seconds_left


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(time_left, "time", SimpleNamespace(monotonic=lambda: now.now))
    monkeypatch.setattr(st, "session_state", {})
    return now


def strip(**left: float) -> str:
    by_import = {int(name[1:]): seconds for name, seconds in left.items()}
    return strip_html(StripSnapshot("embedded", 9, 1, 0, None, None, [None] * 60, seconds_left=by_import))


def test_the_strip_says_the_same_as_the_page_when_the_pace_of_a_moment_is_another(clock):
    assert seconds_left(1, 20.0) == 20.0
    clock.now += 5
    assert "about <b>15 s</b> left" in strip(i1=30.0)
    assert seconds_left(1, 30.0) == 15.0


def test_it_goes_up_when_the_pace_has_really_fallen_and_follows_the_longest_import(clock):
    assert "about <b>50 s</b> left" in strip(i1=20.0, i2=50.0)
    assert "about <b>80 s</b> left" in strip(i1=80.0, i2=40.0)


def test_without_a_measurement_nothing_is_said(clock):
    assert seconds_left(1, None) is None
    assert "left" not in strip()
