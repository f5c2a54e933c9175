"""Pugmark runs where fcntl, pwd, grp, resource, killpg and SIGKILL do not exist, as on Windows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from app import operating_system
from app.analysis.backends import open_backend
from app.analysis.context import Context
from app.settings import Settings
from tests.support.surveys import LOCAL

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = ROOT / "tests" / "support" / "elsewhere"


def elsewhere(code: str, **environment: str) -> Any:
    """What the code prints as JSON on its last line, in a Python without what only POSIX has."""
    path = os.pathsep.join([str(ELSEWHERE), str(ROOT)])
    env = os.environ | environment | {"PYTHONPATH": path, "PUGMARK_BACKEND": "embedded"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


IMPORT_ALL = """
import importlib, json, pkgutil, traceback
import app, modal_backend
failed = {}
for package in (app, modal_backend):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if module.name in ("app.main", "app.shell") or ".migrations." in module.name:
            continue  # scripts: they run when imported
        try:
            importlib.import_module(module.name)
        except Exception as error:
            while error.__cause__ is not None:
                error = error.__cause__
            place = traceback.extract_tb(error.__traceback__)[-1].filename
            if "site-packages" not in place:  # a library that has asked for the system may go on as on that system
                failed[module.name] = f"{type(error).__name__}: {error} ({place})"
print(json.dumps(failed))
"""


def test_every_module_can_be_imported_without_what_only_posix_has():
    assert elsewhere(IMPORT_ALL) == {}


POSIX_ONLY = re.compile(
    r"\b(fcntl|pwd|grp|resource|termios)\.\w|import (fcntl|pwd|grp|resource|termios)\b|SIGKILL|SIGHUP|SIGUSR|SIGALRM"
    r"|os\.(killpg|getpgrp|getpgid|setsid|setpgid|fork|getuid|geteuid|chown|mkfifo|statvfs|nice|uname|O_DIRECTORY)\b"
    r"|start_new_session|preexec_fn|shell=True|:%-[dmHIMSj]"
)


def test_what_only_posix_has_is_used_in_one_small_file():
    found = [
        f"{path.relative_to(ROOT).as_posix()}:{number}"
        for folder in ("app", "pages", "modal_backend")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if POSIX_ONLY.search(line)
    ]
    assert {place.partition(":")[0] for place in found} == {"app/operating_system.py"}, found


WORKER = """
import json, sys, time
from app.jobs.presence import any_alive
from app.jobs.process import WorkerProcess
from app.operating_system import family
from app.settings import load_settings
from app.survey.database import open_survey

def wait_for(condition):
    end = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)

survey = open_survey(load_settings())
worker = WorkerProcess()
worker.start()
wait_for(lambda: any_alive(survey))
pids = [process.pid for process in family(worker.pid)]
worker.stop()
print(json.dumps({"pids": pids, "alive": worker.alive(), "at_work": any_alive(survey)}))
"""


def test_a_worker_starts_and_stops_without_what_only_posix_has(tmp_path: Path):
    answer = elsewhere(WORKER, PUGMARK_DATA_DIR=str(tmp_path))
    assert answer["pids"]
    assert not answer["alive"]
    assert not answer["at_work"]
    assert not [pid for pid in answer["pids"] if psutil.pid_exists(pid)]


def test_a_mark_tells_a_living_process_from_one_that_has_ended():
    code = "from app.operating_system import process_mark; print(process_mark(), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        mark = other.stdout.readline().strip()
        assert operating_system.process_lives(mark)
        other.kill()
    assert operating_system.process_lives(mark) is False
    assert operating_system.process_lives(operating_system.process_mark())
    assert operating_system.process_lives("another-machine~1~1") is None


def test_a_process_that_has_the_number_of_an_ended_one_is_another():
    host, pid, created = operating_system.process_mark().split("~")
    assert operating_system.process_lives(f"{host}~{pid}~{int(created) - 3_600_000}") is False


def test_a_machine_that_knows_no_users_has_a_reviewer(monkeypatch):
    def nobody() -> str:
        raise KeyError("uid not found: 1000")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert operating_system.user_name() == "reviewer"


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a priority of their own on Linux only")
def test_threads_that_nobody_waits_for_step_behind_and_so_do_those_they_start():
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def with_a_thread_of_its_own() -> list[int]:
        with ThreadPoolExecutor(1) as own:
            return [niceness(), own.submit(niceness).result()]

    before = niceness()
    with ThreadPoolExecutor(1, initializer=operating_system.step_behind) as bulk:
        assert bulk.submit(with_a_thread_of_its_own).result() == [before + operating_system.BEHIND] * 2
    assert niceness() == before


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a priority of their own on Linux only")
def test_the_workers_networks_and_readers_step_behind(tmp_path):
    def niceness(_inputs: object = None) -> list[int]:
        return [os.getpriority(os.PRIO_PROCESS, threading.get_native_id())]

    backend = open_backend(Settings(PUGMARK_BACKEND="embedded", PUGMARK_DATA_DIR=tmp_path, _env_file=None))
    behind = [niceness()[0] + operating_system.BEHIND]
    backend._models = dict.fromkeys(("pocket-detector", "rapid"), (niceness, LOCAL))
    for model in backend._models:
        assert backend.collect(backend.submit(model, [None]), 10).values == behind
    context = Context(None, None, backend, "test")
    assert context.readers.submit(niceness).result() == behind
    context.close()
