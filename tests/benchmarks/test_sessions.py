"""Twenty browser sessions on 10,000 media for three minutes: the run of a page, its errors, the server's memory.

PUGMARK_SESSIONS_SECONDS=60 for less. A session turns to another page every few seconds; its live parts refresh as in a
browser.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import statistics
import time
from pathlib import Path

import psutil
import pytest

from app.settings import Settings
from app.survey.database import open_survey
from tests.benchmarks.test_page_scale import fill
from tests.support.dashboards import Dashboard, dashboard, reachable
from tests.support.sessions import Session, session
from tests.support.waiting import wait_until

SESSIONS, MEDIA = 20, 10_000
SECONDS = float(os.environ.get("PUGMARK_SESSIONS_SECONDS", "180"))
THINKS_SECONDS = 4.0
PAGES = ("", "detections", "identify", "individuals", "history", "operations", "stations", "export")
SAMPLE_SECONDS = 5.0


async def visit(address: str, end: float, chance: random.Random) -> Session:
    """One tab: a page every few seconds, and between them its live parts."""
    await asyncio.sleep(chance.uniform(0, THINKS_SECONDS))
    async with session(address) as tab:
        while time.monotonic() < end:
            query = f"page={chance.randint(1, 50)}"
            await tab.run(chance.choice(PAGES), query)
            leave = time.monotonic() + chance.uniform(0.5, 1.5) * THINKS_SECONDS
            while time.monotonic() < leave:
                live = list(tab.refreshed)
                await asyncio.sleep(min((part.interval for part in live), default=1.0))
                for part in live:
                    await tab.run(fragment=part.fragment_id)
        return tab


async def visit_all(shown: Dashboard) -> tuple[list[Session], list[int], float]:
    """The tabs, the server's memory in bytes as it was every few seconds, and the cores it kept busy."""
    end, memory, process = time.monotonic() + SECONDS, list[int](), psutil.Process(shown.pid)

    async def watch() -> None:
        while time.monotonic() < end:
            await asyncio.sleep(SAMPLE_SECONDS)
            memory.append(process.memory_info().rss)

    visits = [visit(shown.address, end, random.Random(number)) for number in range(SESSIONS)]
    _, *tabs = await asyncio.gather(watch(), *visits)
    return tabs, memory, sum(process.cpu_times()[:2]) / SECONDS


@pytest.mark.benchmark
def test_twenty_sessions_get_their_pages_and_leave_no_memory_behind(tmp_path: Path, measured):
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    survey = open_survey(Settings(PUGMARK_DATA_DIR=data_dir, _env_file=None))
    fill(survey, MEDIA)
    survey.close()
    gc.collect()
    with dashboard(data_dir, tmp_path / "log") as shown:
        wait_until(lambda: reachable(shown.address))
        tabs, memory, cores = asyncio.run(visit_all(shown))
    pages: dict[str, list[float]] = {}
    for name, second in (run for tab in tabs for run in tab.seconds):
        pages.setdefault(name, []).append(second)
    runs = sorted(second for seconds in pages.values() for second in seconds)
    errors = {error for tab in tabs for error in tab.errors}
    half, last = memory[len(memory) // 2], memory[-1]
    measured(f"runs of pages by {SESSIONS} sessions, load {os.getloadavg()[0]:.0f}", len(runs))
    measured("run of a page, median", runs[len(runs) // 2] * 1000, "ms")
    measured("run of a page, 95th percentile", runs[int(len(runs) * 0.95)] * 1000, "ms", at_most=1000)
    for name, seconds in pages.items():
        measured(f"page {name}, median", statistics.median(seconds) * 1000, "ms")
    measured("cores that the server kept busy", cores)
    measured("memory of the server at half time", half / 2**20, "MB")
    measured("memory of the server at the end", last / 2**20, "MB", at_most=1.1 * half / 2**20)
    measured("different errors on pages", len(errors), at_most=0)
    assert not errors
