"""The worker's process: it runs, comes back after a crash, ends when asked, and never outlives the dashboard."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from app.jobs.process import ROOT, WorkerProcess
from tests.support.waiting import wait_until

PATIENT = """
import os, pathlib, sys, time
log = pathlib.Path(sys.argv[1])
log.open("a").write(f"{os.getpid()}\\n")
time.sleep(60)
"""
CRASHING = """
import os, pathlib, sys
pathlib.Path(sys.argv[1]).open("a").write(f"{os.getpid()}\\n")
sys.exit(3)
"""
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + PATIENT


def started(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().split()] if log.exists() else []


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[str, Path]]:
    """A module with the given source that python -m can find, and the file it logs its process id to."""

    def write(source: str) -> tuple[str, Path]:
        (tmp_path / "pugmark_stand_in.py").write_text(source)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        return "pugmark_stand_in", tmp_path / "log"

    return write


def test_runs_behind_the_pages_until_stopped(stand_in: Callable[[str], tuple[str, Path]]) -> None:
    module, log = stand_in(PATIENT)
    worker = WorkerProcess((module, str(log)))
    worker.start()
    wait_until(lambda: started(log))
    assert worker.alive()
    assert psutil.Process(started(log)[0]).nice() > psutil.Process().nice()
    assert worker.pid == started(log)[0]
    worker.stop()
    assert not worker.alive()
    assert not runs(started(log)[0])
    assert len(started(log)) == 1


def test_starts_again_after_a_crash_with_growing_pauses(stand_in: Callable[[str], tuple[str, Path]]) -> None:
    module, log = stand_in(CRASHING)
    worker = WorkerProcess((module, str(log)), first_delay=0.05)
    worker.start()
    wait_until(lambda: len(started(log)) >= 3)
    worker.stop()
    count = len(started(log))
    time.sleep(0.5)
    assert len(set(started(log))) == count, "a stopped worker must not start again"


def test_a_worker_that_ignores_the_request_is_killed(stand_in: Callable[[str], tuple[str, Path]]) -> None:
    module, log = stand_in(STUBBORN)
    worker = WorkerProcess((module, str(log)))
    worker.start()
    wait_until(lambda: started(log))
    worker.stop(patience=0.3)
    assert not runs(started(log)[0])


def test_killed_dashboard_takes_its_worker_with_it(stand_in: Callable[[str], tuple[str, Path]]) -> None:
    module, log = stand_in(PATIENT)
    code = (
        "import time\nfrom app.jobs.process import WorkerProcess\n"
        f"WorkerProcess(({module!r}, {str(log)!r})).start()\ntime.sleep(60)"
    )
    dashboard = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    try:
        wait_until(lambda: started(log))
    finally:
        dashboard.kill()
        dashboard.wait()
    wait_until(lambda: not runs(started(log)[0]))


@pytest.mark.skipif(os.name != "posix", reason="process groups of POSIX")
def test_a_signal_for_the_dashboards_group_does_not_reach_the_worker(
    stand_in: Callable[[str], tuple[str, Path]],
) -> None:
    module, log = stand_in(PATIENT)
    worker = WorkerProcess((module, str(log)))
    worker.start()
    wait_until(lambda: started(log))
    assert os.getpgid(started(log)[0]) != os.getpgid(os.getpid())
    worker.stop()
