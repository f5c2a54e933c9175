"""A worker process on a survey of its own, stopped at the end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.commands import ROOT, environment


@contextmanager
def worker(data_dir: Path, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker as the dashboard starts it; what it says lies in worker.log. more: settings in its environment."""
    with (data_dir / "worker.log").open("ab") as log:
        command = [sys.executable, "-m", "app", "worker"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment(data_dir, **more), stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
