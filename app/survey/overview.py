"""What the status strip, /metrics and /api/stats show: a handful of indexed queries."""

from __future__ import annotations

import time
from dataclasses import dataclass

import sqlalchemy as sa

from app.survey.calls import Call
from app.survey.database import Survey
from app.survey.media import Media, Stage

WINDOW_SECONDS = 300
POINTS = 60


@dataclass(frozen=True, slots=True)
class StripSnapshot:
    """The figures of one moment.

    queued, running, failed: media that wait, calls under way, media whose job failed.
    p50, p95: seconds per call finished within the last five minutes, None without any.
    sparkline: 60 mean call durations in seconds, five seconds each, oldest first; None where no call finished.
    """

    backend: str
    queued: int
    running: int
    failed: int
    p50: float | None
    p95: float | None
    sparkline: list[float | None]


def snapshot(survey: Survey, backend: str = "embedded", now: float | None = None) -> StripSnapshot:
    """Read the figures. Reads only the calls of the last five minutes, however long the ledger is."""
    now = time.time() if now is None else now
    with survey.read() as session:
        waiting = session.scalar(
            sa.select(sa.func.count()).select_from(Media).where(Media.stage.in_([Stage.STORED, Stage.DETECTED]))
        )
        failed = session.scalar(sa.select(sa.func.count()).select_from(Media).where(Media.stage == Stage.FAILED))
        running = session.scalar(
            sa.select(sa.func.count()).select_from(Call).where(Call.outcome.is_(None), Call.started_at.is_not(None))
        )
        calls = session.execute(
            sa.select(Call.finished_at, Call.started_at).where(
                Call.finished_at >= now - WINDOW_SECONDS, Call.started_at.is_not(None)
            )
        ).all()
    finished = [(end, end - start) for end, start in calls if end is not None and start is not None and end <= now]
    seconds = sorted(duration for _, duration in finished)
    return StripSnapshot(
        backend=backend,
        queued=waiting or 0,
        running=running or 0,
        failed=failed or 0,
        p50=percentile(seconds, 0.50),
        p95=percentile(seconds, 0.95),
        sparkline=_sparkline(finished, now),
    )


def percentile(ordered: list[float], share: float) -> float | None:
    """The value below which `share` of an ascending list lies (nearest rank), None for an empty list."""
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else None


def _sparkline(finished: list[tuple[float, float]], now: float) -> list[float | None]:
    totals, counts = [0.0] * POINTS, [0] * POINTS
    width = WINDOW_SECONDS / POINTS
    for end, duration in finished:
        place = min(max(int((end - (now - WINDOW_SECONDS)) / width), 0), POINTS - 1)
        totals[place] += duration
        counts[place] += 1
    return [total / count if count else None for total, count in zip(totals, counts, strict=True)]
