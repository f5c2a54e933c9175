"""Alerts reach a webhook once when something goes wrong and once when it is over, and never hold up the worker."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from app.jobs import alerts as alerts_module
from app.jobs.alerts import Alerts
from app.jobs.presence import Presence
from app.survey.tables.calls import Call
from tests.support.waiting import wait_until


@pytest.fixture
def webhook():
    """A server that refuses its first message; `taken` holds the others."""
    asked, taken = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(body)
            if len(asked) > 1:
                taken.append(json.loads(body))
            self.send_response(503 if len(asked) == 1 else 200)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.taken = taken
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def look(settings, survey, monkeypatch, webhook):
    """Looks for alerts as a worker does."""
    monkeypatch.setattr(alerts_module, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(alerts_module, "LEAST_FREE_BYTES", 0.0)
    monkeypatch.setattr(alerts_module, "growing", lambda *_: lambda _state: 0.05)
    address = SecretStr(f"http://127.0.0.1:{webhook.server_port}/secret-token")
    presence = Presence(survey)
    yield Alerts(survey, presence, settings.model_copy(update={"alert_webhook": address, "modal_budget": 10.0})).look
    presence.leave()


def failed(survey, count):
    """Calls that have just failed."""
    now = time.time()
    row = {"task": "embed", "backend": "modal", "items": 1, "queued_at": now, "finished_at": now}
    with survey.write() as session:
        session.add_all(
            Call(model="rapid", outcome="failed", error="/home/ana/secret.jpg", **row) for _ in range(count)
        )


def test_a_model_that_crashes_is_said_once_and_once_that_it_is_over(survey, look, webhook):
    look()
    failed(survey, 3)
    look()
    look()
    wait_until(lambda: len(webhook.taken) == 1)
    with survey.write() as session:
        session.execute(sa.delete(Call))
    look()
    wait_until(lambda: len(webhook.taken) == 2)
    assert [message["state"] for message in webhook.taken] == ["firing", "resolved"]
    assert webhook.taken[0]["text"] == "rapid fails: 3 calls within a quarter of an hour, all of them."
    assert "secret" not in json.dumps(webhook.taken)


def test_a_call_open_for_an_hour_and_a_budget_nearly_used_up_are_said(survey, look, webhook):
    now = time.time()
    with survey.write() as session:
        row = {"task": "embed", "model": "pocket-embedding", "backend": "modal", "items": 1, "queued_at": now - 4000}
        session.add(Call(**row))
        session.add(Call(outcome="done", finished_at=now, run_seconds=1e9, **row))
    look()
    wait_until(lambda: len(webhook.taken) == 2)
    assert {message["alert"] for message in webhook.taken} == {"queue", "budget"}


def test_a_webhook_that_does_not_answer_holds_nobody_up_and_its_address_is_not_logged(survey, look, webhook, caplog):
    webhook.shutdown()
    failed(survey, 20)
    before = time.monotonic()
    look()
    assert time.monotonic() - before < 2
    assert "secret-token" not in caplog.text
