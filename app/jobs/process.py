"""The child process that runs the models, so that inference shares neither memory nor interpreter lock with the pages.

`python -m app.jobs.process app worker` runs the module `app` with the argument `worker` and ends when its standard
input closes: the dashboard holds the other end, so a killed dashboard takes its worker with it.
"""

from __future__ import annotations

import logging
import os
import runpy
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tenacity import Retrying, retry_if_result, sleep_using_event, stop_when_event_set

from app import operating_system
from modal_backend.waiting import growing

ROOT = Path(__file__).resolve().parents[2]
FIRST_DELAY = 1.0
LONGEST_DELAY = 60.0
log = logging.getLogger(__name__)


class WorkerProcess:
    """Starts the worker, starts it again with growing pauses when it crashes, and stops it.

    module_and_arguments: what to run, as after `python -m`.
    first_delay: seconds before the first restart; doubles up to a minute, and starts over once the worker has lived
    for a minute. environment: variables that differ from this process's own.
    """

    def __init__(
        self,
        module_and_arguments: Sequence[str] = ("app", "worker"),
        *,
        cwd: Path = ROOT,
        first_delay: float = FIRST_DELAY,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command = [sys.executable, "-m", "app.jobs.process", *module_and_arguments]
        self._cwd = cwd
        self._environment = {**os.environ, **environment} if environment else None
        self._first_delay = first_delay
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the running worker, or None."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Start the worker and watch over it."""
        self._process = self._launch()
        self._thread = threading.Thread(target=self._watch, name="worker-watch", daemon=True)
        self._thread.start()

    def alive(self) -> bool:
        """Whether the worker is running now."""
        return self.pid is not None

    def stop(self, patience: float = 10.0) -> None:
        """Ask the worker to end, and kill it and its children after `patience` seconds."""
        with self._lock:
            self._stopping.set()
            process = self._process
        if process is not None:
            _end(process, patience)
        if self._thread is not None:
            self._thread.join(patience)

    def _launch(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command, cwd=self._cwd, env=self._environment, stdin=subprocess.PIPE, **operating_system.own_group()
        )

    def _watch(self) -> None:
        while not self._stopping.is_set():
            Retrying(
                retry=retry_if_result(lambda lived: lived < LONGEST_DELAY),
                wait=growing(self._first_delay, LONGEST_DELAY),
                stop=stop_when_event_set(self._stopping),
                sleep=sleep_using_event(self._stopping),
                before_sleep=lambda state: log.error("It starts again in %.0f s.", state.upcoming_sleep),
                retry_error_callback=lambda _state: 0.0,
            )(self._live)

    def _live(self) -> float:
        """Wait for the worker's end, after starting it unless it has not ended yet; returns the seconds it lived."""
        with self._lock:
            if self._stopping.is_set():
                return 0.0
            if self._process is None:
                self._process = self._launch()
            process, started = self._process, time.monotonic()
        code = process.wait()
        with self._lock:
            if not self._stopping.is_set():
                log.error("The worker ended with code %s.", code)
                self._process = None
        return time.monotonic() - started


def _end(process: subprocess.Popen[bytes], patience: float) -> None:
    """Closing the pipe asks the worker to end, see `end_with_parent`; what still lives after it is ended by force."""
    started = operating_system.family(process.pid)
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        log.warning("The worker did not end within %.0f s and is killed.", patience)
    operating_system.end_by_force(started)
    process.wait()


def end_with_parent(patience: float = 10.0) -> None:
    """In the child: end politely when standard input closes, by force `patience` seconds later."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        operating_system.ask_myself_to_stop()
        time.sleep(patience)
        operating_system.end_by_force(operating_system.family(os.getpid()))

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def _main() -> None:
    end_with_parent()
    operating_system.step_behind()  # the pages go first
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
