"""Alerts to a webhook (PUGMARK_ALERT_WEBHOOK): a JSON message when something goes wrong, and when it is over.

The same limits as the rules for Prometheus in app/ops/alerts.yml, which also see that no worker lives. A message holds
names of models and figures: no error texts, no paths, no names of media.
"""

from __future__ import annotations

import logging
import queue
import shutil
import socket
import threading
import time
from datetime import UTC, datetime

import httpx
import sqlalchemy as sa
from sqlalchemy.orm import Session
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay

from app.jobs.presence import Presence
from app.settings import Settings
from app.survey.calls.figures import number_of
from app.survey.calls.spending import this_month
from app.survey.database import Survey
from app.survey.tables.calls import Call
from modal_backend.waiting import growing

log = logging.getLogger("pugmark.alerts")
LOOK_SECONDS = 60.0
WINDOW_SECONDS = 900.0
MANY_FAILURES = 10
CRASHES = 3  # calls of a model of which none succeeded
OLDEST_SECONDS = 3600.0
LEAST_FREE_BYTES = 5e9
BUDGET_SHARE = 0.9
SENT_FOR_SECONDS = 600.0


class Alerts:
    """Of all workers of a survey that with the least id sends them, from a thread of its own. `look` regularly."""

    def __init__(self, survey: Survey, presence: Presence, settings: Settings) -> None:
        self._survey, self._presence, self._settings = survey, presence, settings
        self._url = settings.alert_webhook.get_secret_value() if settings.alert_webhook else ""
        self._open: dict[str, str] = {}
        self._looked_at = float("-inf")
        self._messages: queue.Queue[dict[str, str]] = queue.Queue()
        if self._url:
            threading.Thread(target=self._send, name="alerts", daemon=True).start()

    def look(self) -> None:
        """See what has gone wrong or is over since the last look; does nothing within LOOK_SECONDS of it."""
        if not self._url or time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        with self._survey.read() as session:
            found = in_calls(session, time.time()) | self._budget(session)
        found |= self._disk()
        if self._presence.executor_id == min(self._presence.alive(), default=""):
            for alert in found.keys() - self._open.keys():
                self._put(alert, "firing", found[alert])
            for alert in self._open.keys() - found.keys():
                self._put(alert, "resolved", f"Over: {self._open[alert]}")
        self._open = found

    def _budget(self, session: Session) -> dict[str, str]:
        most = self._settings.modal_budget
        if most is None:
            return {}
        month = this_month(session)
        used = month.spent + month.under_way
        text = f"{used:.2f} of the month's budget of {most:g} USD for Modal are used; calls wait when it is used up."
        return {"budget": text} if used >= BUDGET_SHARE * most else {}

    def _disk(self) -> dict[str, str]:
        free = shutil.disk_usage(self._survey.data_dir).free
        return {"disk": "Less than 5 GB are free on the disk of the data folder."} if free < LEAST_FREE_BYTES else {}

    def _put(self, alert: str, state: str, text: str) -> None:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        message = {"service": "pugmark", "alert": alert, "state": state, "text": text, "at": at}
        self._messages.put(message | {"host": socket.gethostname()})

    def _send(self) -> None:
        again = retry_if_exception_type(httpx.HTTPError)
        while True:
            message = self._messages.get()
            try:
                Retrying(retry=again, wait=growing(1.0, 60.0), stop=stop_after_delay(SENT_FOR_SECONDS))(
                    self._post, message
                )
            except RetryError as error:  # its text would name the address, which is a secret
                kind = type(error.last_attempt.exception()).__name__
                log.warning("The webhook did not take the alert %s: %s", message["alert"], kind)

    def _post(self, message: dict[str, str]) -> None:
        httpx.post(self._url, json=message, timeout=10.0).raise_for_status()


def in_calls(session: Session, now: float) -> dict[str, str]:
    """What the ledger shows to be wrong, by the name of the alert: failures, a model that crashes, an old queue."""
    found = {}
    ended = sa.select(Call.model, number_of(Call.outcome.in_(["failed", "lost"])), number_of(Call.outcome == "done"))
    recent = ended.where(Call.finished_at >= now - WINDOW_SECONDS, Call.finished_at <= now).group_by(Call.model)
    for model, failed, done in session.execute(recent):
        if failed > MANY_FAILURES:
            found[f"failures of {model}"] = f"{failed} calls of {model} failed within a quarter of an hour."
        elif failed >= CRASHES and not done:
            found[f"failures of {model}"] = f"{model} fails: {failed} calls within a quarter of an hour, all of them."
    oldest = sa.select(Call.model, Call.queued_at).where(Call.outcome.is_(None)).order_by(Call.queued_at).limit(1)
    for model, queued_at in session.execute(oldest):
        if now - queued_at > OLDEST_SECONDS:
            found["queue"] = f"A call of {model} is open for more than an hour. Operations says what it waits for."
    return found
