"""One model behind the wire: what a container of the Modal app keeps in memory and how it answers calls together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from modal_backend import loaders, wire
from modal_backend.contracts import Failure, Provenance
from modal_backend.errors import BackendMisconfigured

# A container that was restored from a memory snapshot wakes long after the model was loaded: its first call did
# not wait for the loading.
FRESH_SECONDS = 2.0


class Served:
    """A model that was loaded, or the reason why it cannot run here. Loading never raises: a container whose start
    fails would be started again for ever."""

    def __init__(self, model: str) -> None:
        self._run: loaders.Run | None = None
        self._unavailable = BackendMisconfigured("not loaded")
        start = time.monotonic()
        try:
            self._run, self._provenance = loaders.load(model, "modal")
        except BackendMisconfigured as error:
            self._unavailable = error
        self._load_seconds = time.monotonic() - start
        self._loaded_at = time.time()
        self._cold_start = 0.0

    def wake(self) -> None:
        """The container begins to take calls."""
        fresh = time.time() - self._loaded_at < FRESH_SECONDS
        self._cold_start = self._load_seconds if fresh else 0.0

    def answer(self, calls: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """One answer a call, in order; an input that fails is a failure of its own and of no neighbour.

        Calls are run one after the other: the values must not depend on what happened to arrive together.
        """
        if self._run is None:
            return [wire.pack_unavailable(self._unavailable) for _ in calls]
        cold_start, self._cold_start = self._cold_start, 0.0
        return [self._answer_one(self._run, self._provenance, call, cold_start) for call in calls]

    @staticmethod
    def _answer_one(
        run: loaders.Run, provenance: Provenance, call: dict[str, Any], cold_start: float
    ) -> dict[str, Any]:
        start = time.monotonic()
        try:
            inputs = wire.unpack_call(call)
        except BackendMisconfigured as error:
            return wire.pack_unavailable(error)
        answers = iter(loaders.answer_each(run, [one for one in inputs if not isinstance(one, Failure)]))
        values = [one if isinstance(one, Failure) else next(answers) for one in inputs]
        return wire.pack_answer(values, provenance, time.monotonic() - start, cold_start)
