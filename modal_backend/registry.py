"""Every model in one table: what it is for, under which licence, and where its weights come from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Task(StrEnum):
    """What a model does with its input."""

    DETECT = "detect"
    EMBED = "embed"
    LOCAL_FEATURES = "local features"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model. weights says where they come from; dimension is the length of an embedding."""

    name: str
    task: Task
    title: str
    licence: str
    weights: str
    dimension: int | None = None


MODELS = {
    entry.name: entry
    for entry in (
        ModelEntry(
            "pocket-detector",
            Task.DETECT,
            "Pocket detector (EfficientNet-Lite2 with a small box head; animals only)",
            "MIT; backbone Apache-2.0",
            "inside the install",
        ),
        ModelEntry(
            "pocket-embedding",
            Task.EMBED,
            "Pocket embedding (EfficientNet-Lite2 features of a crop)",
            "backbone Apache-2.0",
            "inside the install",
            dimension=1280,
        ),
        ModelEntry("rapid", Task.LOCAL_FEATURES, "RAPID (SIFT vote)", "MIT", "none needed"),
    )
}

DETECTOR = "pocket-detector"
EMBEDDING = "pocket-embedding"
LOCAL = "rapid"
