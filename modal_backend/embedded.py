"""The embedded backend: the models that come with the install, in the caller's own process, on its CPU."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from typing import Any

from modal_backend.backend import OnRetry
from modal_backend.contracts import CurrentStats, Health, Provenance, Result
from modal_backend.errors import ResultLost
from modal_backend.models import loaders
from modal_backend.registry import MODELS, Task
from modal_backend.weights.files import runnable_here

THREADS = 4
# A network uses every core by itself: submitted calls of networks run one at a time, always in the same thread.
NETWORKS = (Task.DETECT, Task.EMBED)


class EmbeddedBackend:
    """Loads each model once, on first use, and answers calls. Safe to share between threads."""

    name = "embedded"
    elsewhere = False
    # While one batch is with the network the other is cut, described by RAPID or written down.
    in_flight = 2
    batches_ahead = 3
    pairs_at_once = 4 * (os.cpu_count() or 1)  # a batch a core, see `PairMatcher`
    wait_seconds = 30.0
    call_bytes = sys.maxsize

    def __init__(self, begin_thread: Callable[[], None] | None = None) -> None:
        """begin_thread: what each thread that answers submitted calls does first, such as letting others go first."""
        self._models: dict[str, tuple[loaders.Run, Provenance]] = {}
        self._loading = threading.Lock()
        self._network = ThreadPoolExecutor(1, "network", begin_thread)
        self._others = ThreadPoolExecutor(THREADS, "embedded", begin_thread)
        self._submitted: dict[str, tuple[str, Future[Result]]] = {}

    def load(self, model: str) -> float:
        """Make a model ready; returns the seconds it took (0 when it was ready). Raises BackendError."""
        if model in self._models:
            return 0.0
        with self._loading:
            if model in self._models:
                return 0.0
            start = time.monotonic()
            self._models[model] = loaders.load(model, self.name)
            return time.monotonic() - start

    def provenance(self, model: str) -> Provenance:
        """Where this model's results come from; loads it when needed."""
        self.load(model)
        return self._models[model][1]

    def known_provenance(self, model: str) -> Provenance:
        """The same."""
        return self.provenance(model)

    def call(self, model: str, inputs: Sequence[Any]) -> Result:
        """One value per input, in order, in the caller's thread; see `loaders.load` for what each model takes.

        Raises BackendError when the model cannot be loaded.
        """
        loading = self.load(model)
        run, provenance = self._models[model]
        start = time.monotonic()
        values = loaders.answer_each(run, inputs)
        return Result(values, provenance, time.monotonic() - start, loading or None)

    def submit(self, model: str, inputs: Sequence[Any], on_retry: OnRetry | None = None, key: str = "") -> str:
        """Begin a call in a thread of the backend; returns the id to collect it with, in this process only.

        Nothing is ever tried again.
        """
        del on_retry, key
        call_id = f"em-{uuid.uuid4().hex}"
        runner = self._network if model in MODELS and MODELS[model].task in NETWORKS else self._others
        self._submitted[call_id] = (model, runner.submit(self.call, model, inputs))
        return call_id

    def sending(self) -> str:
        """Nothing: nothing is sent anywhere."""
        return ""

    def function_of(self, model: str) -> str:
        """Nothing: calls end with this process."""
        del model
        return ""

    def collect(self, call_id: str, wait: float = 0.0) -> Result | None:
        """The result of a submitted call, once; None when it is not there after `wait` seconds.

        Raises ResultLost for an id of another process or one that was collected, and what the call raised.
        """
        wait_for([self._future(call_id)], wait)
        return self._taken(call_id)

    async def submit_async(
        self, model: str, inputs: Sequence[Any], on_retry: OnRetry | None = None, key: str = ""
    ) -> str:
        """`submit` from an event loop."""
        return self.submit(model, inputs, on_retry, key)

    async def collect_async(self, call_id: str, wait: float = 0.0) -> Result | None:
        """`collect` from an event loop."""
        await asyncio.wait([asyncio.wrap_future(self._future(call_id))], timeout=wait)
        return self._taken(call_id)

    async def current_stats_async(self, model: str) -> CurrentStats:
        """`current_stats` from an event loop."""
        return self.current_stats(model)

    def _future(self, call_id: str) -> Future[Result]:
        if call_id not in self._submitted:
            raise ResultLost("The process that worked on it ended before it had answered.")
        return self._submitted[call_id][1]

    def _taken(self, call_id: str) -> Result | None:
        """The result when it is there; it is kept no longer."""
        future = self._future(call_id)
        if not future.done():
            return None
        self._submitted.pop(call_id, None)
        if future.cancelled():
            raise ResultLost(f"The call {call_id} was given up.")
        return future.result()

    async def cancel_async(self, call_id: str) -> None:
        """`cancel` from an event loop."""
        self.cancel(call_id)

    def cancel(self, call_id: str) -> None:
        """Give a call up; one that has begun ends by itself and its result is dropped."""
        _, future = self._submitted.pop(call_id, ("", None))
        if future is not None:
            future.cancel()

    def current_stats(self, model: str) -> CurrentStats:
        """What waits and runs for one model in this process."""
        mine = [future for name, future in list(self._submitted.values()) if name == model and not future.done()]
        running = sum(future.running() for future in mine)
        return CurrentStats(len(mine) - running, 1, running, 1 - running)

    def runnable(self) -> Collection[str]:
        """Models with weights on this machine; see `Backend.runnable`."""
        return runnable_here()

    def health(self) -> Health:
        """The embedded backend answers as long as the process lives."""
        return Health("ready")
