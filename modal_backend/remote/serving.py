"""The models of one class behind the wire: what a container of the Modal app keeps in memory and how it answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from modal_backend.contracts import Failure, Provenance
from modal_backend.errors import BackendMisconfigured
from modal_backend.models import loaders
from modal_backend.registry import REMOTE
from modal_backend.remote import wire

# A container that was restored from a memory snapshot wakes long after the model was loaded: its first call did
# not wait for the loading.
FRESH_SECONDS = 2.0


class Served:
    """The models of a class: the first one loaded at the start, the others when a call names them.

    Loading never raises: a container whose start fails would be started again for ever. What cannot run answers that
    it is unavailable, and why; for the first one this is found out once, since nothing comes into a container later.
    """

    def __init__(self, model: str) -> None:
        self.model = model
        self._loaded: dict[str, tuple[loaders.Run, Provenance]] = {}
        self._unavailable: dict[str, BackendMisconfigured] = {}
        self._load_seconds = self._load(model)
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
        return [self._answer_call(call) for call in calls]

    def _load(self, model: str) -> float:
        """Seconds it took to load a model, or to find out that it cannot be."""
        start = time.monotonic()
        if model in self._loaded or model in self._unavailable:
            return 0.0
        try:
            self._loaded[model] = loaders.load(model, "modal")
        except BackendMisconfigured as error:
            self._unavailable[model] = error
        return time.monotonic() - start

    def _answer_call(self, call: dict[str, Any]) -> dict[str, Any]:
        model = call.get("model") or self.model
        try:
            if model != self.model and (model not in REMOTE or REMOTE[model].cls != REMOTE[self.model].cls):
                raise BackendMisconfigured(
                    f"The deployed app knows no model {model} here.",
                    remedy="Deploy again: modal deploy -m modal_backend.modal_app",
                )
            loading = self._load(model) + self._cold_start
            self._cold_start = 0.0
            if model in self._unavailable:
                raise self._unavailable[model]
            start = time.monotonic()
            inputs = wire.unpack_call(call)
        except BackendMisconfigured as error:
            return wire.pack_unavailable(error)
        run, provenance = self._loaded[model]
        answers = iter(loaders.answer_each(run, [value for value in inputs if not isinstance(value, Failure)]))
        values = [value if isinstance(value, Failure) else next(answers) for value in inputs]
        return wire.pack_answer(values, provenance, time.monotonic() - start, loading)
