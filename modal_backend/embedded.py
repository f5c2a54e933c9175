"""The embedded backend: the models that come with the install, in the caller's own process, on its CPU."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from modal_backend.contracts import Failure, Provenance, Result
from modal_backend.errors import BackendMisconfigured
from modal_backend.registry import DETECTOR, EMBEDDING, LOCAL

Run = Callable[[Sequence[Any]], list[Any]]


class EmbeddedBackend:
    """Loads each model once, on first use, and answers calls. Safe to share between threads."""

    name = "embedded"

    def __init__(self) -> None:
        self._models: dict[str, tuple[Run, Provenance]] = {}
        self._loading = threading.Lock()

    def load(self, model: str) -> float:
        """Make a model ready; returns the seconds it took (0 when it was ready). Raises BackendError."""
        if model in self._models:
            return 0.0
        with self._loading:
            if model in self._models:
                return 0.0
            start = time.monotonic()
            if model not in LOADERS:
                raise BackendMisconfigured(f"The embedded backend has no model named {model}.")
            self._models[model] = LOADERS[model]()
            return time.monotonic() - start

    def provenance(self, model: str) -> Provenance:
        """Where this model's results come from; loads it when needed."""
        self.load(model)
        return self._models[model][1]

    def call(self, model: str, inputs: Sequence[Any]) -> Result:
        """One value per input, in order; an input that fails yields a Failure and harms no other.

        pocket-detector takes Prepared pictures and gives list[Detection]; pocket-embedding takes RGB crops and gives
        vectors; rapid takes RGB crops and gives LocalFeatures. Raises BackendError when the model cannot be loaded.
        """
        self.load(model)
        run, provenance = self._models[model]
        start = time.monotonic()
        values = _guarded(run, inputs)
        return Result(values, provenance, time.monotonic() - start)


def _guarded(run: Run, inputs: Sequence[Any]) -> list[Any]:
    if not inputs:
        return []
    try:
        return run(inputs)
    except (RuntimeError, ValueError, ArithmeticError, MemoryError) as error:
        if len(inputs) == 1:
            return [Failure(f"{type(error).__name__}: {error}")]
        return [value for one in inputs for value in _guarded(run, [one])]


def _pocket_detector() -> tuple[Run, Provenance]:
    from modal_backend.models.pocket_detector import PocketDetector

    detector = PocketDetector.load()
    return detector.detect_prepared, _provenance(DETECTOR, detector)


def _pocket_embedding() -> tuple[Run, Provenance]:
    from modal_backend.models.pocket_embedding import PocketEmbedding

    model = PocketEmbedding()
    model.load()
    return lambda crops: list(model.embed(crops)), Provenance(
        "embedded", EMBEDDING, model.VERSION, model.weights_sha256, model.PREPROCESSING
    )


def _rapid() -> tuple[Run, Provenance]:
    from modal_backend.models import rapid

    return lambda crops: [rapid.extract(crop) for crop in crops], Provenance(
        "embedded", LOCAL, rapid.VERSION, "", rapid.PREPROCESSING
    )


def _provenance(name: str, model: Any) -> Provenance:
    return Provenance("embedded", name, model.version, model.weights_sha256, model.preprocessing)


LOADERS: dict[str, Callable[[], tuple[Run, Provenance]]] = {
    DETECTOR: _pocket_detector,
    EMBEDDING: _pocket_embedding,
    LOCAL: _rapid,
}
