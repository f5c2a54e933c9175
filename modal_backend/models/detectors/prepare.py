"""What a detector is sent instead of the whole picture: made where the picture is, before any network is loaded."""

from __future__ import annotations

from typing import Any

from modal_backend.contracts import Picture
from modal_backend.errors import BackendMisconfigured
from modal_backend.registry import CLOSER, DETECTOR, MODELS, Task


def prepare(model: str, picture: Picture) -> Any:
    """A detector's input for one upright RGB uint8 picture. Safe in threads. Raises BackendMisconfigured."""
    entry = MODELS.get(model)
    if entry is None or entry.task is not Task.DETECT:
        known = ", ".join(name for name, other in MODELS.items() if other.task is Task.DETECT)
        raise BackendMisconfigured(f"There is no detector named {model}.", remedy=f"Choose one of {known}.")
    if model in (DETECTOR, CLOSER):
        from modal_backend.models.detectors.pocket_detector import PocketDetector

        return PocketDetector.prepare(picture, closer=model == CLOSER)
    if entry.package == "megadetector":
        from modal_backend.models.detectors import megadetector

        return megadetector.prepare(picture, entry.side)
    from modal_backend.models.detectors.rtdetr import RTDetr

    return RTDetr.prepare(picture)


def threshold(model: str) -> float:
    """Confidence from which this detector's boxes count.

    Raises:
        BackendMisconfigured: for what is no detector.
    """
    entry = MODELS.get(model)
    if entry is None or entry.threshold is None:
        raise BackendMisconfigured(f"There is no detector named {model}.")
    return entry.threshold
