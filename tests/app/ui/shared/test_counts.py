"""Figures that are made beside a page are those of the session that asks, whose person the thread does not know."""

from __future__ import annotations

import threading

import pytest

from app import deps
from app.background import Computed
from app.survey.capture.history import Design
from app.ui.individuals.capture import current_history
from app.ui.individuals.conflicts import current_report
from app.ui.individuals.flanks import current_flanks
from app.ui.shared import counts
from app.ui.stations import health
from app.ui.stations.clocks import current_flags
from app.ui.stations.stamps import current_proposals
from app.ui.survey.charts import current_glance

PATIENCE = 20.0


@pytest.fixture
def of_the_session(survey, monkeypatch):
    """A survey that only the thread of the session can ask for."""
    mine, computed = threading.current_thread(), Computed()

    def seen():
        assert threading.current_thread() is mine, "asked for beside the session"
        return survey

    monkeypatch.setattr(deps, "survey", seen)
    monkeypatch.setattr(deps, "computed", lambda: computed)
    monkeypatch.setattr(deps, "survey_mark", lambda: "mark")
    for module in ("app.ui.stations.health", "app.ui.survey.charts", "app.ui.individuals.capture"):
        monkeypatch.setattr(f"{module}.WAIT_SECONDS", PATIENCE)
    return survey


@pytest.mark.parametrize(
    "ask",
    [
        lambda: current_report(PATIENCE),
        lambda: current_flanks(PATIENCE),
        lambda: current_flags(PATIENCE),
        lambda: current_proposals(PATIENCE),
        lambda: current_history(Design(7)),
        health._current,
        current_glance,
    ],
)
def test_a_thread_beside_the_page_asks_for_no_session(of_the_session, ask):
    assert ask() is not None


def test_the_figures_of_two_surveys_in_the_same_state_are_not_mixed_up(of_the_session, monkeypatch):
    assert counts.beside(("kind", 1), lambda _session: "mine", PATIENCE) == "mine"
    monkeypatch.setattr(deps, "survey_mark", lambda: "another")
    assert counts.beside(("kind", 1), lambda _session: "theirs", PATIENCE) == "theirs"
