"""Figures over the whole survey that take longer than a page's script may: computed beside it, once a state."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Any, TypeVar

KEPT = 3
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
