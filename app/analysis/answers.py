"""What a model answered, looked at before it is written down: a value that cannot be right fails alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from modal_backend.contracts import Box, Detection, Failure, LocalFeatures, Result, SpeciesGuess, VideoAnswer
from modal_backend.errors import JobFailed
from modal_backend.models.stamps.bar import BarText
from modal_backend.registry import MODELS, Task

# A network may draw a box a little past the picture's edge.
BEYOND = 0.1
KINDS: dict[Task, type] = {
    Task.DETECT: list,
    Task.EMBED: np.ndarray,
    Task.LOCAL_FEATURES: LocalFeatures,
    Task.MATCH_FEATURES: LocalFeatures,
    Task.MATCH: list,
    Task.SPECIES: SpeciesGuess,
    Task.READ: BarText,
    Task.VIDEO: VideoAnswer,
}


def checked(model: str, result: Result, items: int) -> Result:
    """The answer with a Failure in the place of what is of another kind or length than the model's, or no number.

    Args:
        model: name of the model.
        items: how many inputs it was given.

    Raises:
        JobFailed: it gave more or fewer values.
    """
    if len(result.values) != items:
        raise JobFailed(f"{model} answered {len(result.values)} values for {items} inputs.")
    return replace(result, values=[_sound(model, value) for value in result.values])


def _sound(model: str, value: Any) -> Any:
    entry = MODELS[model]
    if isinstance(value, Failure):
        return value
    if not isinstance(value, KINDS.get(entry.task, object)):
        return Failure(f"{model} answered with something else than it should: {type(value).__name__}.")
    if isinstance(value, np.ndarray) and value.shape != (entry.dimension,):
        return Failure(f"{model} answered a vector of {value.size} numbers instead of {entry.dimension}.")
    if isinstance(value, np.ndarray) and not np.isfinite(value).all():
        return Failure(f"{model} answered a vector that holds no numbers.")
    if isinstance(value, LocalFeatures) and not _is_whole(value):
        return Failure(f"{model} answered features that do not belong to their points.")
    if entry.task == Task.DETECT and not _are_possible(value):
        return Failure(f"{model} answered a box that cannot be in a picture.")
    return value


def _is_whole(features: LocalFeatures) -> bool:
    return len(features.points) == len(features.descriptors) and bool(np.isfinite(features.points).all())


def _are_possible(found: Any) -> bool:
    return all(
        isinstance(detection, Detection) and 0.0 <= detection.confidence <= 1.0 and _is_inside(detection.box)
        for detection in found
    )


def _is_inside(box: Box) -> bool:
    right, bottom = box.x + box.width, box.y + box.height
    inside = all(-BEYOND <= edge <= 1 + BEYOND for edge in (box.x, box.y, right, bottom))
    return inside and box.width >= 0 and box.height >= 0
