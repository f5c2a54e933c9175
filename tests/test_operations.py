"""The figures of the ledger, and an Operations page that no Modal can slow down."""

# ruff: noqa: F811 (fixtures are imported by name)

from __future__ import annotations

import time
from pathlib import Path

import pytest
import sqlalchemy as sa
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.settings import load_settings
from app.survey.call_figures import get_stats, model_figures, open_notes
from app.survey.calls import Call
from app.survey.database import Survey
from modal_backend.prices import per_second
from tests.local_modal import control_plane, plane  # noqa: F401

ROOT = Path(__file__).resolve().parents[1]


def add_calls(survey: Survey, count: int, **values: object) -> None:
    now = time.time()
    rows = [
        {
            "task": "detect",
            "model": "pocket-detector",
            "backend": "modal",
            "items": 8,
            "bytes": 0,
            "queued_at": now - 20,
            "started_at": now - 10,
            "finished_at": now,
            "run_seconds": 3.0,
            "cold_start_seconds": 5.0,
            "attempts": 1,
            "outcome": "done",
            **values,
        }
        for _ in range(count)
    ]
    with survey.write() as session:
        session.execute(sa.insert(Call), rows)


def test_the_time_of_a_call_is_split_into_waiting_cold_start_and_run(survey):
    add_calls(survey, 3)
    add_calls(survey, 1, outcome="failed", error="no", attempts=4)
    add_calls(survey, 1, outcome=None, finished_at=None, note="waits for Modal")
    with survey.read() as session:
        (figures,) = model_figures(session)
        stats = get_stats(session)
        notes = open_notes(session)
    assert (figures.total.p50, figures.waiting.p50, figures.cold_start.p50, figures.run.p50) == pytest.approx(
        (10, 2, 5, 3), abs=0.1
    )
    assert (figures.done, figures.failed, figures.running, figures.retries) == (3, 1, 1, 3)
    assert figures.success_rate == 0.75
    assert figures.oldest_seconds == pytest.approx(20, abs=2)
    assert (stats.sent, stats.succeeded, stats.failed, stats.queued, stats.retried) == (5, 3, 1, 1, 3)
    assert notes == ["waits for Modal"]


def test_an_empty_ledger_has_no_figures(survey):
    with survey.read() as session:
        assert model_figures(session) == []
        assert get_stats(session).sent == 0


def test_a_gpu_costs_more_than_two_cores():
    assert per_second("megadetector") > per_second("pocket-detector") > 0


@pytest.fixture
def dashboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Settings that point to an empty data directory, and no singletons."""
    monkeypatch.setenv("PUGMARK_DATA_DIR", str(tmp_path / "data"))
    load_settings.cache_clear()
    st.cache_resource.clear()
    yield monkeypatch
    st.cache_resource.clear()
    load_settings.cache_clear()


def page(name: str) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app" / "shell.py"), default_timeout=30).run()
    return test.switch_page(str(ROOT / "pages" / f"{name}.py")).run()


def test_the_page_of_an_embedded_survey_says_how_to_connect_modal(dashboard):
    test = page("operations")
    assert not test.exception
    assert "modal deploy -m modal_backend.modal_app" in " ".join(one.value for one in test.markdown)


def test_the_page_says_that_modal_cannot_be_reached(dashboard, plane):
    dashboard.setenv("PUGMARK_BACKEND", "modal")
    plane.down()
    test = page("operations")
    end = time.monotonic() + 15
    while not test.warning and time.monotonic() < end:
        time.sleep(0.3)
        test.run()
    assert "Modal is unreachable" in test.warning[0].value
