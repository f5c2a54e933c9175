"""Bring a model into memory: one function a model, the same for every backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from modal_backend.contracts import Failure, Provenance
from modal_backend.errors import BackendMisconfigured
from modal_backend.registry import DETECTOR, EMBEDDING, LOCAL, LOCAL_FINE, MODELS

Run = Callable[[Sequence[Any]], list[Any]]


def load(model: str, backend: str) -> tuple[Run, Provenance]:
    """What answers for a model, and where its results come from.

    pocket-detector takes Prepared pictures and gives list[Detection]; pocket-embedding takes RGB crops and gives
    vectors; rapid takes RGB crops and gives LocalFeatures. Raises BackendMisconfigured, or WeightsMissing.
    """
    if model in LOADERS:
        return LOADERS[model](backend)
    if model not in MODELS:
        raise BackendMisconfigured(f"There is no model named {model}.")
    raise BackendMisconfigured(
        f"{MODELS[model].title} is not in this version of Pugmark.",
        remedy=f"Use {', '.join(LOADERS)} until it is; a newer version has to be deployed for it.",
    )


def answer_each(run: Run, inputs: Sequence[Any]) -> list[Any]:
    """One value per input, in order; an input that fails yields a Failure and harms no other."""
    if not inputs:
        return []
    try:
        return run(inputs)
    except (RuntimeError, ValueError, ArithmeticError, MemoryError) as error:
        if len(inputs) == 1:
            return [Failure(f"{type(error).__name__}: {error}")]
        return [value for one in inputs for value in answer_each(run, [one])]


def _pocket_detector(backend: str) -> tuple[Run, Provenance]:
    from modal_backend.models.pocket_detector import PocketDetector

    detector = PocketDetector.load()
    return detector.detect_prepared, Provenance(
        backend, DETECTOR, detector.version, detector.weights_sha256, detector.preprocessing
    )


def _pocket_embedding(backend: str) -> tuple[Run, Provenance]:
    from modal_backend.models.pocket_embedding import PocketEmbedding

    model = PocketEmbedding()
    model.load()
    return lambda crops: list(model.embed(crops)), Provenance(
        backend, EMBEDDING, model.VERSION, model.weights_sha256, model.PREPROCESSING
    )


def _rapid(backend: str, name: str = LOCAL) -> tuple[Run, Provenance]:
    from modal_backend.models import rapid

    profile, preprocessing = rapid.PROFILES[name]
    return lambda crops: [rapid.extract(crop, profile) for crop in crops], Provenance(
        backend, name, rapid.VERSION, "", preprocessing
    )


LOADERS: dict[str, Callable[[str], tuple[Run, Provenance]]] = {
    DETECTOR: _pocket_detector,
    EMBEDDING: _pocket_embedding,
    LOCAL: _rapid,
    LOCAL_FINE: partial(_rapid, name=LOCAL_FINE),
}
