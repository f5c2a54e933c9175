"""The step of a job that every job uses: made again when the database was away, as in a restart of its server."""

from __future__ import annotations

from functools import partial

from dbos import DBOS

from app.survey.database import is_away

AGAIN_SECONDS = 2.0
ATTEMPTS = 50_000  # a day

# A job that writes slice after slice rests in between, so that others can write, whose SQLite sleeps up to 0.1 s
# (https://sqlite.org/c3ref/busy_timeout.html).
GIVE_WAY_SECONDS = 0.12

step = partial(
    DBOS.step,
    retries_allowed=True,
    interval_seconds=AGAIN_SECONDS,
    backoff_rate=1.0,
    max_attempts=ATTEMPTS,
    should_retry=is_away,
)
