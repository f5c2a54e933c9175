"""What the Operations page and `get_stats` show of the ledger: per model counts, ages and where the time went."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.calls.overview import percentile
from app.survey.tables.calls import Call

NEWEST = 5000


@dataclass(frozen=True, slots=True)
class Latency:
    """Median and 95th percentile in seconds; None without any call."""

    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """One model on one backend.

    Attributes:
        running, done, failed, lost, cancelled, retries: over the whole ledger.
        oldest_seconds: age of the longest open call. total and its parts waiting, cold_start and run: over the newest
            calls of `model_figures`; a call that met a warm container has no cold start.
        run_seconds: all run time and cold starts of the ledger, for the cost.
    """

    model: str
    backend: str
    running: int
    done: int
    failed: int
    lost: int
    cancelled: int
    retries: int
    oldest_seconds: float | None
    total: Latency
    waiting: Latency
    cold_start: Latency
    run: Latency
    run_seconds: float

    @property
    def success_rate(self) -> float | None:
        """Share of the ended calls that gave a result; None before the first."""
        ended = self.done + self.failed + self.lost
        return self.done / ended if ended else None


@dataclass(frozen=True, slots=True)
class Stats:
    """The whole ledger in five numbers: calls made, with a result, without one, open, and attempts beyond the first."""

    sent: int
    succeeded: int
    failed: int
    queued: int
    retried: int


def get_stats(session: Session, backend: str | None = None) -> Stats:
    """Calls sent, succeeded, failed, queued (open) and retried, of one backend or of both."""
    columns = [
        sa.func.count(),
        number_of(Call.outcome == "done"),
        number_of(Call.outcome.in_(["failed", "lost"])),
        number_of(Call.outcome.is_(None)),
        sa.func.sum(Call.attempts - 1),
    ]
    query = sa.select(*columns)
    row = session.execute(query.where(Call.backend == backend) if backend else query).one()
    return Stats(*(int(value or 0) for value in row))


def model_figures(session: Session, now: float | None = None) -> list[ModelFigures]:
    """One row a model and backend that the ledger knows; latencies over the newest NEWEST calls that ended well."""
    now = time.time() if now is None else now
    durations = _durations(session)
    counts = session.execute(
        sa.select(
            Call.model,
            Call.backend,
            number_of(Call.outcome.is_(None)).label("running"),
            number_of(Call.outcome == "done").label("done"),
            number_of(Call.outcome == "failed").label("failed"),
            number_of(Call.outcome == "lost").label("lost"),
            number_of(Call.outcome == "cancelled").label("cancelled"),
            sa.func.sum(Call.attempts - 1).label("retries"),
            sa.func.min(sa.case((Call.outcome.is_(None), Call.queued_at))).label("oldest"),
            sa.func.sum(sa.func.coalesce(Call.run_seconds, 0) + sa.func.coalesce(Call.cold_start_seconds, 0)).label(
                "seconds"
            ),
        )
        .group_by(Call.model, Call.backend)
        .order_by(Call.model, Call.backend)
    ).all()
    found = []
    for row in counts:
        total, waiting, cold_start, run = (_latency(part) for part in durations.get((row.model, row.backend), _NOTHING))
        found.append(
            ModelFigures(
                model=row.model,
                backend=row.backend,
                running=row.running,
                done=row.done,
                failed=row.failed,
                lost=row.lost,
                cancelled=row.cancelled,
                retries=row.retries,
                oldest_seconds=now - row.oldest if row.oldest is not None else None,
                total=total,
                waiting=waiting,
                cold_start=cold_start,
                run=run,
                run_seconds=float(row.seconds),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class EndedCall:
    """One call that gave a result: when it ended, and its seconds in all and of cold start (0 without one)."""

    finished_at: float
    model: str
    backend: str
    seconds: float
    cold_start: float


def ended_since(session: Session, since: float, model: str | None = None, limit: int = 20_000) -> list[EndedCall]:
    """The newest calls that ended well after `since` (seconds since 1970), newest first; of one model or of all."""
    columns = (Call.finished_at, Call.model, Call.backend, Call.started_at, Call.cold_start_seconds)
    query = sa.select(*columns).where(Call.finished_at >= since, Call.outcome == "done", Call.started_at.is_not(None))
    if model:
        query = query.where(Call.model == model)
    rows = session.execute(query.order_by(Call.finished_at.desc()).limit(limit))
    return [
        EndedCall(finished or 0.0, name, backend, max((finished or 0.0) - (started or 0.0), 0.0), cold or 0.0)
        for finished, name, backend, started, cold in rows
    ]


def models_called(session: Session) -> list[str]:
    """Names of the models the ledger knows."""
    return list(session.scalars(sa.select(Call.model).distinct().order_by(Call.model)))


def open_notes(session: Session, limit: int = 5) -> list[str]:
    """What open calls are waiting for, each sentence once, oldest first."""
    rows = session.execute(
        sa.select(Call.note, sa.func.count(), sa.func.min(Call.queued_at))
        .where(Call.outcome.is_(None), Call.note.is_not(None))
        .group_by(Call.note)
        .order_by(sa.func.min(Call.queued_at))
        .limit(limit)
    )
    return [f"{note} ({count} calls)" if count > 1 else str(note) for note, count, _ in rows]


def recent_failures(session: Session, limit: int = 20) -> Sequence[Any]:
    """The newest calls without a result: finished_at, model, backend, items, attempts, outcome, error, remote_id."""
    columns = (Call.finished_at, Call.model, Call.backend, Call.items, Call.attempts, Call.outcome, Call.error)
    query = sa.select(*columns, Call.remote_id).where(Call.outcome.in_(["failed", "lost"]))
    return session.execute(query.order_by(Call.finished_at.desc()).limit(limit)).all()


_NOTHING: tuple[list[float], ...] = ([], [], [], [])


def _durations(session: Session) -> dict[tuple[str, str], tuple[list[float], ...]]:
    newest = (
        sa.select(
            Call.model, Call.backend, Call.started_at, Call.finished_at, Call.cold_start_seconds, Call.run_seconds
        )
        .where(Call.outcome == "done", Call.finished_at.is_not(None), Call.started_at.is_not(None))
        .order_by(Call.finished_at.desc())
        .limit(NEWEST)
    )
    parts: dict[tuple[str, str], tuple[list[float], ...]] = {}
    for model, backend, started, finished, cold, run in session.execute(newest):
        mine = parts.setdefault((model, backend), ([], [], [], []))
        total = (finished or 0.0) - (started or 0.0)
        mine[0].append(total)
        if run is not None:
            mine[1].append(max(total - run - (cold or 0.0), 0.0))
            mine[3].append(run)
        if cold:
            mine[2].append(cold)
    return parts


def _latency(seconds: list[float]) -> Latency:
    ordered = sorted(seconds)
    return Latency(percentile(ordered, 0.5), percentile(ordered, 0.95))


def number_of(condition: Any) -> Any:
    """How many rows meet a condition, as a column of a query; null without rows."""
    return sa.func.sum(sa.case((condition, 1), else_=0))
