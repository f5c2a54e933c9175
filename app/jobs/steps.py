"""The step of a job that every job uses: made again when the database was away, as in a restart of its server."""

from __future__ import annotations

from functools import partial

from dbos import DBOS

from app.survey.database import is_away

AGAIN_SECONDS = 2.0
ATTEMPTS = 50_000  # a day

step = partial(
    DBOS.step,
    retries_allowed=True,
    interval_seconds=AGAIN_SECONDS,
    backoff_rate=1.0,
    max_attempts=ATTEMPTS,
    should_retry=is_away,
)
