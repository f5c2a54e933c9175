"""python -m modal_backend.modal_app --smoke: run the app for the length of this process and ask every model once."""

from __future__ import annotations

from typing import Any

import cv2
import modal
import numpy as np

from modal_backend.contracts import JpegFrame, LocalFeatures, PairQuestion, VideoQuestion
from modal_backend.models.detectors.prepare import prepare
from modal_backend.registry import CLUSTERS, KEYWORDS, LARGE_KEYWORDS, MATCHER, MODELS, OMNIVINCI, Task
from modal_backend.remote import wire

# An endpoint needs a key of one's own; the large embedding is fetched by a command of its own.
ON_REQUEST = (OMNIVINCI, LARGE_KEYWORDS)
TEXTS: dict[str, dict[str, Any]] = {
    KEYWORDS: {"embed": ["salt lick"]},
    LARGE_KEYWORDS: {"embed": ["salt lick"], "model_name": "SFR-Embedding-Mistral"},
    CLUSTERS: {"discriminative_keywords": {"": ["ford", "ridge"]}, "vectors": None},
}


def smoke(app: modal.App, test_wrapper: modal.Function, classes: dict[str, Any]) -> int:
    """Returns 0 when every model that needs no weights answered; the others say what is missing."""
    picture = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    failed = 0
    with app.run():
        print(test_wrapper.remote())
        for name, cls in classes.items():
            answer = cls().answer.remote(wire.pack_call([_test_input(name, picture)], name))
            if "unavailable" in answer:
                print(f"{name:18} unavailable: {answer['unavailable']['reason']} {answer['unavailable']['remedy']}")
                failed += name not in ON_REQUEST and MODELS[name].here and not MODELS[name].files
            else:
                print(f"{name:18} answered in {answer['seconds']:.3f} s: {answer['values'][0]['kind']}")
    return 1 if failed else 0


def _test_input(model: str, picture: Any) -> Any:
    if model == OMNIVINCI:
        _, jpeg = cv2.imencode(".jpg", picture)
        return VideoQuestion("What is on this picture?", [JpegFrame(0.0, jpeg.tobytes())])
    if model == MATCHER:
        blank = LocalFeatures(np.zeros((0, 4), np.float32), np.zeros((0, 64), np.uint8), 448, 448)
        return PairQuestion(blank, [blank])
    if model in TEXTS:
        return TEXTS[model]
    return prepare(model, picture) if MODELS[model].task is Task.DETECT else picture
