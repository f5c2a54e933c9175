"""Write and read the ledger of calls."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from app.survey.calls import Call
from app.survey.database import Survey


class LedgerEntry:
    """One running call; `id` refers to its row, `bytes` and `items` may be set before it ends."""

    def __init__(self, call_id: int) -> None:
        self.id = call_id
        self.cold_start_seconds: float | None = None
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
                bytes=entry.bytes,
            )
        )


def abandon(survey: Survey, executor_ids: list[str]) -> int:
    """Close the open calls of workers that are gone; returns how many there were."""
    with survey.write() as session:
        done = session.execute(
            sa.update(Call)
            .where(Call.outcome.is_(None), Call.executor_id.in_(executor_ids))
            .values(outcome="failed", finished_at=time.time(), error="The worker stopped in the middle of this call.")
        )
        return int(done.rowcount)  # type: ignore[attr-defined]
