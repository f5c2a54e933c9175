"""What the dashboard and its worker hold in memory with 1,000, 10,000 and 100,000 described crops.

The dashboard after every page was drawn once; the worker with its models and gallery loaded.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from app.jobs.process import WorkerProcess
from app.settings import Settings
from app.survey.database import open_survey
from tests.benchmarks.test_gallery_scale import fill
from tests.benchmarks.test_page_scale import PAGES
from tests.support.commands import ROOT, environment

STEADY, PATIENCE = 20.0, 300.0
DRAW_ALL = f"""
import psutil
from streamlit.testing.v1 import AppTest
test = AppTest.from_file({str(ROOT / "app" / "shell.py")!r}, default_timeout=120).run()
for name in {PAGES!r}:
    test = test.switch_page({str(ROOT / "pages")!r} + f"/{{name}}.py").run()
    assert not test.exception
print(psutil.Process().memory_info().rss)
"""


def of_dashboard(data_dir: Path) -> float:
    """Megabytes of a process that has drawn every page."""
    ran = subprocess.run(
        [sys.executable, "-c", DRAW_ALL],
        cwd=ROOT,
        env={**environment(data_dir), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    return int(ran.stdout.split()[-1]) / 2**20


def of_worker(data_dir: Path) -> float:
    """Megabytes of a worker, once it grows no more."""
    worker = WorkerProcess(cwd=ROOT, environment=environment(data_dir))
    worker.start()
    try:
        process, most, since = psutil.Process(worker.pid), 0.0, time.monotonic()
        begun = since
        while time.monotonic() - since < STEADY and time.monotonic() - begun < PATIENCE:
            time.sleep(0.5)
            now = process.memory_info().rss / 2**20
            if now > 1.01 * most:
                most, since = now, time.monotonic()
        return process.memory_info().rss / 2**20
    finally:
        worker.stop()


@pytest.mark.benchmark
@pytest.mark.parametrize("crops", [1_000, 10_000, 100_000])
def test_memory_of_dashboard_and_worker(tmp_path: Path, crops: int, measured):
    survey = open_survey(Settings(PUGMARK_DATA_DIR=tmp_path, _env_file=None))
    fill(survey, crops)
    survey.close()
    measured(f"dashboard, {crops:,} crops", of_dashboard(tmp_path), "MB")
    measured(f"worker, {crops:,} crops", of_worker(tmp_path), "MB")
