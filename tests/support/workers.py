"""A worker process on a survey of its own, stopped at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.commands import environment
from tests.support.forked import APP, Process, start


@contextmanager
def worker(data_dir: Path, **more: str) -> Iterator[Process]:
    """A worker as the dashboard starts it; what it says lies in worker.log. more: settings in its environment."""
    with (data_dir / "worker.log").open("ab") as log:
        process = start(APP, ["worker"], environment(data_dir, **more), log.fileno(), log.fileno())
    try:
        yield process
    finally:
        process.kill()
        process.wait()
