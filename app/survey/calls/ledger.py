"""Write the ledger of calls: calls made in one go, and calls that are sent now and collected later."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import Survey
from app.survey.tables.calls import Call
from modal_backend.contracts import Result


class LedgerEntry:
    """One running call; `id` refers to its row, `bytes` and `items` may be set before it ends."""

    def __init__(self, call_id: int) -> None:
        self.id = call_id
        self.cold_start_seconds: float | None = None
        self.run_seconds: float | None = None
        self.bytes = 0


@contextmanager
def ledger(
    survey: Survey, *, task: str, model: str, backend: str, items: int, executor_id: str | None, queued_at: float
) -> Iterator[LedgerEntry]:
    """Write a row when a call starts and how it ended when the block ends; errors pass through after being noted."""
    with survey.write() as session:
        row = Call(
            task=task,
            model=model,
            backend=backend,
            items=items,
            executor_id=executor_id,
            queued_at=queued_at,
            started_at=time.time(),
        )
        session.add(row)
        session.flush()
        entry = LedgerEntry(row.id)
    try:
        yield entry
    except BaseException as error:
        _end(survey, entry, "failed", f"{type(error).__name__}: {error}"[:2000])
        raise
    _end(survey, entry, "done", None)


def _end(survey: Survey, entry: LedgerEntry, outcome: str, error: str | None) -> None:
    with survey.write() as session:
        session.execute(
            sa.update(Call)
            .where(Call.id == entry.id)
            .values(
                finished_at=time.time(),
                outcome=outcome,
                error=error,
                cold_start_seconds=entry.cold_start_seconds,
                run_seconds=entry.run_seconds,
                bytes=entry.bytes,
            )
        )


@dataclass(frozen=True, slots=True)
class Sent:
    """A call under way: the ledger's id and the id to collect it with, empty while it has not been sent."""

    id: int
    remote_id: str


def open_call(
    survey: Survey,
    *,
    job: str,
    task: str,
    model: str,
    backend: str,
    items: int,
    executor_id: str | None,
    queued_at: float,
) -> Sent:
    """The open call of this job, begun by whatever process before, or a new row."""
    with survey.write() as session:
        open_calls = list(session.scalars(sa.select(Call).where(Call.job == job, Call.outcome.is_(None))))
        row = next((call for call in open_calls if (call.items, call.backend) == (items, backend)), None)
        for other in open_calls:
            if other is not row:
                other.outcome, other.finished_at, other.error = "lost", time.time(), "Sent again in another way."
        if row is None:
            row = Call(job=job, task=task, model=model, backend=backend, items=items, queued_at=queued_at)
            session.add(row)
        row.executor_id = executor_id
        row.started_at = row.started_at or time.time()
        session.flush()
        return Sent(row.id, row.remote_id or "")


def sent(survey: Survey, call_id: int, remote_id: str, retries: int) -> None:
    """Write down the id a call can be collected with, and how many attempts to send it had failed just before."""
    update(survey, call_id, remote_id=remote_id, attempts=Call.attempts + retries, note=None)


def tried(survey: Survey, call_id: int, attempts: int) -> None:
    """Write down attempts to send a call that did not succeed."""
    update(survey, call_id, attempts=Call.attempts + attempts)


def close(survey: Survey, call_id: int, outcome: str, error: str | None = None, result: Result | None = None) -> None:
    """Write down how a call ended: done, failed, lost or cancelled."""
    times = {}
    if result is not None:
        times = {"run_seconds": result.seconds, "cold_start_seconds": result.cold_start_seconds}
    with survey.write() as session:
        end(session, call_id, outcome, error=error, **times)


def end(session: Session, call_id: int, outcome: str, **values: Any) -> None:
    """The same in a transaction of the caller's, who writes down there what the call brought."""
    values |= {"outcome": outcome, "note": None, "finished_at": time.time()}
    session.execute(sa.update(Call).where(Call.id == call_id).values(**values))


def update(survey: Survey, call_id: int, **values: Any) -> None:
    """Change columns of one call."""
    with survey.write() as session:
        session.execute(sa.update(Call).where(Call.id == call_id).values(**values))


def abandon(survey: Survey, executor_ids: list[str]) -> int:
    """Close the open calls of workers that are gone; returns how many there were.

    Calls of durable jobs stay open: the worker that takes the job over goes on with them.
    """
    with survey.write() as session:
        done = session.execute(
            sa.update(Call)
            .where(Call.outcome.is_(None), Call.job.is_(None), Call.executor_id.in_(executor_ids))
            .values(outcome="failed", finished_at=time.time(), error="The worker stopped in the middle of this call.")
        )
        return int(done.rowcount)  # type: ignore[attr-defined]
