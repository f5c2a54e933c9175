"""A training run on a folder of the Modal Volume: start weights, crops, checkpoints, all in one place."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from modal_backend.models.detectors import pocket_detector
from modal_backend.registry import DETECTOR
from modal_backend.training import pocket_detector as pocket_detector_training
from modal_backend.training import reid
from modal_backend.training.reid_data import read_folder
from modal_backend.weights import published
from modal_backend.weights.fetch import fetch

START = {"tiger-reid": published.RESNET50, "part-pose": published.RESNET152}
LEAVES = {"tiger-reid": published.TIGER_CHECKPOINT, "part-pose": published.PART_POSE_CHECKPOINT}


def run(volume: Path, folder: str, kind: str, epochs: int, publish: bool, commit: Callable[[], None]) -> str:
    """Train on volume/training/FOLDER into its `run-KIND`; returns what became of it.

    commit keeps what was written, after every epoch.

    Raises UnusableFolder, WeightsMissing, ValueError.

    Args:
        publish: put the checkpoint where its model looks for it.
    """
    root = volume / "training" / folder
    if kind == DETECTOR:
        weights = root / pocket_detector.WEIGHTS.name
        with tempfile.TemporaryDirectory() as scratch:
            pocket_detector_training.make(root, weights, Path(scratch), seed=0)
        commit()
        return f"{weights}: done. Put it and its card into modal_backend/models/detectors, with its hash."
    if kind not in START:
        raise ValueError(f"There is no training of {kind}; there are {', '.join((*START, DETECTOR))}.")
    print(fetch(START[kind], volume))
    recipe = reid.Recipe(kind=kind, epochs=epochs, start=str(volume / START[kind].path))

    def report(text: str) -> None:
        print(text, flush=True)
        commit()

    checkpoint = reid.fit(read_folder(root), root / f"run-{kind}", recipe, report)
    ended = reid.publish(checkpoint, volume, LEAVES[kind].path) if publish else f"{checkpoint}: done."
    commit()
    return ended
