"""A Chromium, and the demo with generated pictures behind the real routes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.browser.gallery import write_gallery
from tests.support.forked import DASHBOARD, Process, start

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("PUGMARK_CHROMIUM", "/usr/bin/chromium")
# A page lives for seconds: V8's optimising compilers would need more of a core than they spare.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync",
    "--js-flags=--no-opt --no-maglev",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, closed with its event loop at the end of each file: other tests of the process start their own loops.

    Without one the tests are skipped by name, and fail where CI is set.
    """
    if not Path(CHROMIUM).is_file():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no Chromium at {CHROMIUM} (set PUGMARK_CHROMIUM)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the running demo."""
    data_dir = tmp_path_factory.mktemp("demo")
    (data_dir / "gallery.json").write_text(json.dumps(write_gallery(data_dir, 70)))
    with _served("tests/browser/serve.py", data_dir) as address:
        yield address


@pytest.fixture(scope="session")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the dashboard over an empty survey, without a worker."""
    with _served("app/main.py", tmp_path_factory.mktemp("survey")) as address:
        yield address


@pytest.fixture(scope="module")
def working_dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address and data directory of the dashboard with its own worker, as README starts it."""
    data_dir = tmp_path_factory.mktemp("working")
    with _served("app/main.py", data_dir, worker=True) as address:
        yield address, data_dir


@contextmanager
def _served(script: str, data_dir: Path, *, worker: bool = False) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = ["run", script, "--server.headless", "true", "--server.port", str(port)]
    environment = os.environ | {"PUGMARK_DATA_DIR": str(data_dir), "PUGMARK_START_WORKER": str(worker).lower()}
    environment.pop("PUGMARK_DATABASE_URL", None)
    server = start(DASHBOARD, arguments, environment, 1, 2)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_healthy(address, server)
        yield address
    finally:
        server.terminate()
        server.wait()


def _wait_until_healthy(address: str, server: Process) -> None:
    end = time.monotonic() + 180
    while time.monotonic() < end:
        with suppress(OSError):
            urllib.request.urlopen(f"{address}/healthz", timeout=2)
            return
        with suppress(subprocess.TimeoutExpired):
            server.wait(0.1)
            break
    raise RuntimeError("the demo did not start")


def opened(page: Any, address: str) -> None:
    """Open an address of the dashboard and wait until its page is drawn."""
    page.goto(address)
    page.wait_for_timeout(300)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=60_000)
    page.wait_for_timeout(500)
