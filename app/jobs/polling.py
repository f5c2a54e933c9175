"""A worker's looks at its queues, made cheap: DBOS asks the database four times at every look at every queue.

Nearly always nothing waits: then one question answers for all queues. What a queue is like and whether this is the
newest version is asked now and then.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from dbos._sys_db import SystemDatabase

QUEUE_SECONDS = 10.0  # a queue changes when a worker of another version starts
VERSION_SECONDS = 1.0
WAITING_SECONDS = 0.05


def look_cheaply(database: SystemDatabase) -> None:
    """Let the looks of this process at its queues share what they ask.

    Args:
        database: the queue's, of the running DBOS.
    """
    status = database.tables.workflow_status.c
    names = sa.select(status.queue_name).where(status.status == sa.literal_column("'ENQUEUED'")).distinct()

    def waiting(_all: None) -> frozenset[str]:
        with database.engine.connect() as connection:
            return frozenset(connection.scalars(names))

    known = remembered(waiting, WAITING_SECONDS)
    database.dequeue_scopes = lambda queue_name: [None] if queue_name in known(None) else []  # type: ignore[method-assign]
    database.get_queue = remembered(database.get_queue, QUEUE_SECONDS)  # type: ignore[method-assign]
    database._is_latest_version = remembered(  # type: ignore[method-assign]
        database._is_latest_version, VERSION_SECONDS
    )


def remembered(ask: Callable[..., Any], seconds: float) -> Callable[..., Any]:
    """`ask`, whose answer to a first argument stands for so many seconds."""
    known: dict[Any, tuple[float, Any]] = {}

    def answer(about: Any, *rest: Any, **named: Any) -> Any:
        until, value = known.get(about, (0.0, None))
        if time.monotonic() >= until:
            value = ask(about, *rest, **named)
            known[about] = time.monotonic() + seconds, value
        return value

    return answer
