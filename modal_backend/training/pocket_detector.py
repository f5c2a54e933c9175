"""Make the pocket detector's weights: python -m modal_backend.training.pocket_detector --data DIR --out FILE [--seed 0]

DIR holds <source>/annotations.json (COCO, info.use and info.licence) and <source>/images; sources whose info.use is
`train` are used. Two heads are fitted for each fold of places left out; what their mean says about the places they have
not seen gives the cross-validation, the calibration and the threshold (a single head's confidences are less sharp than
those of the mean that ships). The shipped detector averages the first head of each fold and two fitted on everything.
FILE (safetensors, float16) carries all of this in its header. Two CPU cores need about an hour and a half, a scratch
folder 6 GB.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file

from modal_backend.models.detectors import efficientnet_lite
from modal_backend.models.detectors.pocket_detector import COARSE_SIDE, FINE_SIDE, BoxHead, PocketDetector
from modal_backend.training.pocket_detector_calibrate import (
    Answer,
    HeldOut,
    calibrated,
    chosen_threshold,
    figures,
)
from modal_backend.training.pocket_detector_data import FOLDS, is_camera_trap, read_sources
from modal_backend.training.pocket_detector_fit import fitted
from modal_backend.training.pocket_detector_pictures import store_features

VERSION = "1"
EPOCHS, EPOCHS_OF_SECOND, EPOCHS_ON_ALL = 4.0, 2.0, 3.0
HEADS_ON_ALL = 2


def main() -> None:
    """Command line: see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    samples, licences = read_sources(options.data)
    with tempfile.TemporaryDirectory() as folder:
        store = store_features(samples, Path(folder), options.seed)
        unseen = HeldOut([s for s in samples if is_camera_trap(s.source)])
        first = [fitted(store, fold, EPOCHS, options.seed + fold) for fold in range(FOLDS)]
        second = [fitted(store, fold, EPOCHS_OF_SECOND, options.seed) for fold in range(FOLDS)]
        whole = [fitted(store, -1, EPOCHS_ON_ALL, options.seed + FOLDS + n) for n in range(HEADS_ON_ALL)]
    answers: list[Answer] = []
    for fold in range(FOLDS):
        answers += unseen.answers([first[fold], second[fold]], fold)
    heads = first + whole
    calibration = calibrated(answers)
    threshold = chosen_threshold(answers, calibration)
    print_table(answers, calibration, threshold)
    cross_validation = figures(answers, calibration, threshold)
    save(
        options.out,
        heads,
        calibration,
        threshold,
        {"licences": licences, "cross_validation": cross_validation},
    )
    print(f"{options.out}: threshold {threshold}")


def print_table(answers: list[Answer], calibration: tuple[float, float], threshold: float) -> None:
    """The cross-validated figures of each source and of all."""
    print(f"calibration {calibration}, threshold {threshold}; figures of pictures from places not trained on:")
    for source in [*sorted({answer.sample.source for answer in answers}), "all"]:
        chosen = [answer for answer in answers if source in (answer.sample.source, "all")]
        row = " ".join(f"{k} {v:.3f}" for k, v in figures(chosen, calibration, threshold).items())
        print(f"{source:18s} {len(chosen):4d} {row}")


def save(
    path: Path,
    heads: list[BoxHead],
    calibration: tuple[float, float],
    threshold: float,
    facts: dict[str, object],
) -> None:
    """Write the heads (float16) with what a reader needs to know in the header."""
    tensors: dict[str, torch.Tensor] = {}
    for index, head in enumerate(heads):
        tensors |= {f"{index}.{key}": value.half().contiguous() for key, value in head.state_dict().items()}
    metadata = {
        "name": PocketDetector.NAME,
        "version": VERSION,
        "heads": str(len(heads)),
        "calibration": json.dumps(calibration),
        "threshold": str(threshold),
        "recipe": f"{FOLDS} heads of folds, {EPOCHS} epochs; {HEADS_ON_ALL} on everything, {EPOCHS_ON_ALL} epochs",
        "backbone_sha256": efficientnet_lite.weights_sha256(),
        "preprocessing": f"letterbox-{FINE_SIDE}-{COARSE_SIDE}-area",
        "licence": "MIT",
        "facts": json.dumps(facts),
    }
    save_file(tensors, str(path), metadata)


if __name__ == "__main__":
    main()
