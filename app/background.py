"""Work beside the caller: figures that take longer than a page may, and files that may cost too much to read."""

from __future__ import annotations

import atexit
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psutil

if TYPE_CHECKING:
    from modal_backend.notes.table import Choices, Reading

ROOT = Path(__file__).resolve().parents[1]
KEPT = 3
READER = "app.ingest.reader"
LOOK_SECONDS = 0.1
IDLE_CHILDREN, IDLE_SECONDS = 2, 60.0
PATIENCE = 10  # seconds on the clock for one of computing: the machine has other work
NOT_FORESEEN = (".xlsx", ".jsonl", ".ndjson")
T = TypeVar("T")


class Computed:
    """Keeps the latest results of each kind and what is being computed. May be shared between threads.

    The work reads the survey and makes figures of it; models are the worker's.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="computed")
        self._lock = threading.Lock()
        self._futures: dict[tuple[Hashable, ...], Future[Any]] = {}

    def ask(self, key: tuple[Hashable, ...], work: Callable[[], T], wait_seconds: float = 0.0) -> T | None:
        """The result of the work for this key, or None while it is not ready; raises what the work raised.

        The same key is computed once; its first part names the kind. Waits at most `wait_seconds` for it.
        """
        with self._lock:
            future = self._futures.get(key)
            if future is None:
                future = self._futures[key] = self._pool.submit(work)
                self._forget(key[0])
        try:
            return future.result(timeout=wait_seconds)
        except CancelledError:  # somebody asked for newer figures meanwhile
            return None
        except NotYet:
            if future.done():
                return future.result()
            return None

    def _forget(self, kind: Hashable) -> None:
        for key in [key for key in self._futures if key[0] == kind][:-KEPT]:
            self._futures.pop(key).cancel()


class TookTooMuch(Exception):
    """A reader took more than its budget, or its process died; the text says which."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What reading one file may take: seconds of computing, and bytes of memory beside the program's own."""

    seconds: float = 20.0
    bytes: int = 1_000_000_000


NOTES = Budget(seconds=60.0, bytes=1_500_000_000)


def apart(function: Callable[..., T], *args: Any, budget: Budget | None = None, **named: Any) -> T:
    """What a function gives that runs in a child process within a budget; children are kept for the next file.

    Args:
        function: of a module, so that the child finds it; it, its arguments and what it gives can be pickled.

    Raises:
        TookTooMuch: nothing else has happened. What the function raises comes through.
    """
    task = pickle.dumps((function, args, named))
    while True:
        child = _take()
        try:
            answer, error = child.run(task, budget or Budget())
        except _WasIdle:
            continue
        if len(_idle) < IDLE_CHILDREN:
            _idle.append(child)
        else:
            child.end()
        if error is not None:
            raise error
        return answer


def read_notes_apart(path: Path, choices: Choices | None = None) -> Reading:
    """`read_notes` of a file; what nobody knows the cost of before it is read is read apart. Raises BadNotes."""
    from modal_backend.notes.columns import BadNotes
    from modal_backend.notes.table import read_notes

    if path.suffix.lower() not in NOT_FORESEEN:
        return read_notes(path, choices)
    try:
        return apart(read_notes, path, choices, budget=NOTES)
    except TookTooMuch as error:
        raise BadNotes(f"{path.name} is too much to read: {error}. Save what is needed of it as CSV.") from error


class _WasIdle(Exception):
    """The child had ended by itself, before it was asked."""


class _Child:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", READER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._killed_for = ""

    def run(self, task: bytes, budget: Budget) -> tuple[Any, Exception | None]:
        """The function's value, or what it raised. Raises TookTooMuch, _WasIdle."""
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answers is not None
        ended = threading.Event()
        watch = threading.Thread(target=self._watch, args=(budget, ended), name="reader-watch", daemon=True)
        watch.start()
        try:
            asked.write(task)
            asked.flush()
            found: tuple[Any, Exception | None] = pickle.load(answers)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            status = self._process.wait()
            if status == 0:
                raise _WasIdle from error
            raise TookTooMuch(self._killed_for or f"the program that reads it died ({status})") from error
        finally:
            ended.set()
            watch.join()
        return found

    def lives(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def end(self) -> None:
        """Let it end."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _watch(self, budget: Budget, ended: threading.Event) -> None:
        try:
            process = psutil.Process(self._process.pid)
            computed, memory, begun = sum(process.cpu_times()[:2]), process.memory_info().rss, time.monotonic()
            while not ended.wait(LOOK_SECONDS):
                if process.memory_info().rss - memory > budget.bytes:
                    self._killed_for = f"it takes more than {budget.bytes / 1e9:.1f} GB of memory"
                elif sum(process.cpu_times()[:2]) - computed > budget.seconds:
                    self._killed_for = f"it takes more than {budget.seconds:.0f} s of computing"
                elif time.monotonic() - begun > PATIENCE * budget.seconds:
                    self._killed_for = f"it gave no answer for {PATIENCE * budget.seconds:.0f} s"
                if self._killed_for:
                    process.kill()
                    return
        except psutil.NoSuchProcess:
            return


_idle: list[_Child] = []


def _take() -> _Child:
    while _idle:
        child = _idle.pop()
        if child.lives():
            return child
    return _Child()


@atexit.register
def _end_idle() -> None:
    while _idle:
        _idle.pop().end()


def serve() -> None:
    """The child: runs what comes in, answers, and ends when nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl+C is meant for the program that asks
    asked, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    while True:
        idle = threading.Timer(IDLE_SECONDS, os._exit, (0,))
        idle.daemon = True
        idle.start()
        try:
            function, args, named = pickle.load(asked)
        except EOFError:
            return
        idle.cancel()
        answer: tuple[Any, Exception | None]
        try:
            answer = (function(*args, **named), None)
        except Exception as error:
            answer = (None, error)
        answers.write(pickle.dumps(answer))
        answers.flush()
