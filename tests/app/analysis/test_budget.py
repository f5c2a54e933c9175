"""The month's budget for Modal: calls that would pass it are not sent, and say what they wait for."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import sqlalchemy as sa

from app.analysis import budget as budget_module
from app.analysis.budget import Budget
from app.analysis.calls import Lane, Request, ask
from app.analysis.context import Waiting, open_context
from app.survey.calls.overview import snapshot
from app.survey.calls.spending import FIRST_CALL_SECONDS, this_month
from app.survey.tables.calls import Call
from modal_backend.errors import BudgetUsedUp
from modal_backend.registry import MODELS
from modal_backend.remote.prices import per_second
from tests.app.analysis.test_calls import Scripted
from tests.support.waiting import wait_until

MODEL = "pocket-embedding"
NOW = datetime.now(UTC)


def ran(survey, seconds, *, backend="modal", items=10, outcome="done", at=NOW, remote_id="fc-1"):
    """A call in the ledger."""
    ended = at.timestamp() if outcome else None
    row = Call(
        task="embed", model=MODEL, backend=backend, items=items, queued_at=at.timestamp(), started_at=at.timestamp(),
        finished_at=ended, run_seconds=seconds, outcome=outcome, remote_id=remote_id,
    )  # fmt: skip
    with survey.write() as session:
        session.add(row)


def test_the_month_counts_what_ran_on_modal_since_its_first_day_and_what_is_under_way(survey):
    first = NOW.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    ran(survey, 100.0)
    ran(survey, 100.0, backend="embedded")
    ran(survey, 300.0, at=first - timedelta(seconds=5))
    ran(survey, None, outcome=None, items=5)
    ran(survey, None, outcome=None, items=5, remote_id=None)
    with survey.read() as session:
        month = this_month(session, NOW)
    assert month.spent == pytest.approx(100.0 * per_second(MODEL))
    assert month.seconds_an_item[MODEL] == pytest.approx(20.0)
    assert month.under_way == pytest.approx(100.0 * per_second(MODEL)), "five items that were sent, none that waits"


def test_what_is_asked_is_counted_before_the_ledger_knows_it(survey):
    budget = Budget(survey, 2.5 * FIRST_CALL_SECONDS * per_second(MODEL))
    budget.require(MODEL, 1)
    budget.require(MODEL, 1)
    with pytest.raises(BudgetUsedUp, match=r"the month's budget of .* USD is used up"):
        budget.require(MODEL, 1)


def test_a_call_beyond_the_budget_waits_in_words_and_is_made_when_there_is_room(survey, monkeypatch):
    monkeypatch.setattr(budget_module, "READ_AGAIN_SECONDS", 0.0)
    ran(survey, 1000.0)
    backend = Scripted(values=lambda inputs: [np.full(MODELS[MODEL].dimension, number) for number in inputs])
    answers = []
    with open_context(survey, "test", backend, waiting=Waiting(first_pause=0.02)) as context:
        context.budget = Budget(survey, 1000.0 * per_second(MODEL))

        def work():
            answers.extend(asyncio.run(ask(context, "job", [MODEL], lambda: Request(None, "", [1, 2]), Lane()))[1])

        worker = threading.Thread(target=work)
        worker.start()
        wait_until(lambda: "month's budget" in snapshot(survey).waits_for)
        assert not answers
        with survey.write() as session:
            session.execute(sa.update(Call).where(Call.run_seconds == 1000.0).values(run_seconds=1.0))
        worker.join(20)
    assert [[value[0] for value in answer.result.values] for answer in answers] == [[1, 2]]
