"""Bring a model into memory: one function a model, the same for every backend."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from modal_backend.contracts import Failure, Provenance
from modal_backend.errors import BackendError, BackendMisconfigured
from modal_backend.registry import DETECTOR, EMBEDDING, LOCAL, MODELS, OMNIVINCI

Run = Callable[[Sequence[Any]], list[Any]]


def load(model: str, backend: str) -> tuple[Run, Provenance]:
    """What answers for a model, and where its results come from.

    pocket-detector takes Prepared pictures and gives list[Detection]; pocket-embedding takes RGB crops and gives
    vectors; rapid takes RGB crops and gives LocalFeatures; omnivinci takes VideoQuestions and gives VideoAnswers.
    Raises BackendMisconfigured, or WeightsMissing.
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


def _rapid(backend: str) -> tuple[Run, Provenance]:
    from modal_backend.models import rapid

    return lambda crops: [rapid.extract(crop) for crop in crops], Provenance(
        backend, LOCAL, rapid.VERSION, "", rapid.PREPROCESSING
    )


def _omnivinci(backend: str) -> tuple[Run, Provenance]:
    """Asks the endpoint that this process's environment names, as a function on Modal does with its secret."""
    import asyncio

    from modal_backend.models import video_analyst, video_prompts

    key = os.environ.get("OMNIVINCI_API_KEY", "").strip()
    if not key:
        raise BackendMisconfigured(
            "There is no OMNIVINCI_API_KEY in the container.",
            remedy="Run: modal secret create pugmark-omnivinci OMNIVINCI_API_KEY=<key>, then deploy again with "
            "OMNIVINCI_MODAL_SECRET=pugmark-omnivinci in the environment.",
        )
    url = os.environ.get("OMNIVINCI_API_URL") or video_analyst.HOSTED_URL
    model = os.environ.get("OMNIVINCI_MODEL") or video_analyst.HOSTED_MODEL
    endpoint = video_analyst.Endpoint(key, url=url.rstrip("/"), model=model)

    def answer(question: Any) -> Any:
        try:
            return asyncio.run(video_analyst.ask(endpoint, question))
        except BackendError as error:  # a Failure and no exception: Modal must not make the call again
            return Failure(f"{error} {error.remedy}".strip())

    def run(questions: Sequence[Any]) -> list[Any]:
        return [answer(question) for question in questions]

    return run, Provenance(backend, OMNIVINCI, model, "", f"prompts {video_prompts.VERSION}")


LOADERS: dict[str, Callable[[str], tuple[Run, Provenance]]] = {
    DETECTOR: _pocket_detector,
    EMBEDDING: _pocket_embedding,
    LOCAL: _rapid,
    OMNIVINCI: _omnivinci,
}
