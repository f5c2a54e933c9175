"""How fast something goes: the pace of the last minute, kept in its row, so that any process can say what is left."""

from __future__ import annotations

import math
import time
from typing import Protocol

# Weights fall to 1/e in this time, so that a measurement is as old on average as in a window of a minute.
FADES_IN_SECONDS = 30.0
SURE_AFTER_SECONDS = 2.0


class Paced(Protocol):
    """A row with a pace. rate: pieces a second. measured_at, started_at: seconds since 1970."""

    rate: float | None
    measured_at: float | None
    started_at: float | None


def measure(row: Paced, gained: int) -> None:
    """Let a row's pace follow: so many pieces were done since it was measured last, or since the start."""
    now = time.time()
    started = row.started_at or now
    since = row.measured_at if row.measured_at is not None and row.measured_at >= started else None
    seconds = now - (since or started)
    if seconds <= 0:
        return
    if since is None or row.rate is None:
        row.rate = gained / seconds
    else:
        weight = max(1 - math.exp(-seconds / FADES_IN_SECONDS), min(seconds / (now - started), 1.0))
        row.rate += (gained / seconds - row.rate) * weight
    row.measured_at = now


def seconds_left(row: Paced, left: int) -> float | None:
    """The time for what is left at the pace of the last minute; None at the beginning, or while nothing goes on."""
    if not row.rate or row.measured_at is None or row.measured_at - (row.started_at or 0.0) < SURE_AFTER_SECONDS:
        return None
    return max(left / row.rate - (time.time() - row.measured_at), 0.0) if left > 0 else 0.0
