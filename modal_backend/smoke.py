"""python -m modal_backend.modal_app --smoke: run the app for the length of this process and call every class once."""

from __future__ import annotations

from typing import Any

import modal
import numpy as np

from modal_backend import wire
from modal_backend.registry import CLUSTERS, DETECTOR, KEYWORDS, LARGE_KEYWORDS, MODELS

TEXTS: dict[str, dict[str, Any]] = {
    KEYWORDS: {"embed": ["salt lick"]},
    LARGE_KEYWORDS: {"embed": ["salt lick"], "model_name": "SFR-Embedding-Mistral"},
    CLUSTERS: {"discriminative_keywords": {"": ["ford", "ridge"]}, "vectors": None},
}


def smoke(app: modal.App, test_wrapper: modal.Function, classes: dict[str, Any]) -> int:
    """Returns 0 when every model of this version answered; the others say what is missing."""
    picture = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    failed = 0
    with app.run():
        print(test_wrapper.remote())
        for name, cls in classes.items():
            answer = cls().answer.remote(wire.pack_call([_test_input(name, picture)]))
            if "unavailable" in answer:
                print(f"{name:18} unavailable: {answer['unavailable']['reason']} {answer['unavailable']['remedy']}")
                failed += MODELS[name].here
            else:
                print(f"{name:18} answered in {answer['seconds']:.3f} s: {answer['values'][0]['kind']}")
    return 1 if failed else 0


def _test_input(model: str, picture: Any) -> Any:
    if model in TEXTS:
        return TEXTS[model]
    if model != DETECTOR:
        return picture
    from modal_backend.models.pocket_detector import PocketDetector

    return PocketDetector.prepare(picture)
