"""Make the pocket detector's weights: python -m modal_backend.training.pocket_detector --data DIR --out FILE

DIR holds <source>/annotations.json (COCO, info.use and info.licence) and <source>/images; sources whose info.use is
`train` are used. The sources fall into three folds. One head is fitted without each fold and asked about it: this gives
the calibration and the figures, all on sources that the head had not seen; one more is fitted on
everything. The shipped detector averages the four. FILE (safetensors, float16) carries the calibration in its header,
and a card (FILE with the ending .md) says what it was made of. Two idle CPU cores need about an hour and a half, a
scratch folder 8 GB; a GPU is used where torch finds one. With --heads the heads of an earlier FILE are only calibrated
anew: ten minutes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from modal_backend.models.detectors import coco_centernet, coco_nanodet, efficientnet_lite
from modal_backend.models.detectors.agreement import Calibrations
from modal_backend.models.detectors.pocket_detector import PocketDetector, read_heads
from modal_backend.models.onnx_graph import Weights
from modal_backend.training.box_head import weights_of
from modal_backend.training.pocket_detector_calibrate import (
    Candidates,
    answers_of,
    calibrated,
    found_by,
)
from modal_backend.training.pocket_detector_card import write_card
from modal_backend.training.pocket_detector_data import FOLDS, Sample, read_sources
from modal_backend.training.pocket_detector_fit import fitted
from modal_backend.training.pocket_detector_store import FeatureStore, store_features

VERSION = "4"
EPOCHS = 3.0
# Chosen on the held-out answers (see the card): a missed person is worse than a stump to be looked at. The registry has
# that of animals, app/survey/detections/boxes.py the share of it from which a person counts.
THRESHOLDS = {"animal": 0.4, "person": 0.1, "vehicle": 0.1}
# Every so many of these pictures are asked about; all of the others.
ASKED = {"mlwic_ca01": 3, "missouri_panama": 2, "vole_boxes": 3, "raccoon": 15, "capybara": 15, "rabbit_openimages": 10}


def main() -> None:
    """Command line: see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--heads", type=Path, help="weights whose heads are taken as they are")
    options = parser.parse_args()
    if options.heads:
        finish(read_heads(options.heads)[0], *read_sources(options.data), options.out)
        return
    with tempfile.TemporaryDirectory() as folder:
        make(options.data, options.out, Path(folder), options.seed)


def make(data: Path, out: Path, scratch: Path, seed: int) -> None:
    """Fit the heads, calibrate them, and write weights and card; see `fit`."""
    samples, licences = read_sources(data)
    finish(fit(samples, scratch, seed), samples, licences, out)


def fit(samples: list[Sample], scratch: Path, seed: int) -> list[Weights]:
    """Draw the training pictures and fit a head without each fold, then one on everything.

    Args:
        scratch: folder for the features.
    """
    stores = [scratch / str(fold) for fold in range(FOLDS)]
    work = [([s for s in samples if s.fold == fold], stores[fold], seed + fold) for fold in range(FOLDS)]
    with multiprocessing.get_context("spawn").Pool(FOLDS) as pool:
        pool.starmap(store_features, work)
    heads = []
    for fold in range(FOLDS):
        rest = FeatureStore([store for other, store in enumerate(stores) if other != fold])
        heads.append(weights_of(fitted(rest, EPOCHS, seed + fold)))
    return [*heads, weights_of(fitted(FeatureStore(stores), EPOCHS, seed + FOLDS))]


def finish(heads: list[Weights], samples: list[Sample], licences: dict[str, str], out: Path) -> None:
    """Calibrate the heads by what those without a fold find on its pictures, and write weights and card."""
    found, asked = list[Candidates](), list[Sample]()
    for fold in range(FOLDS):
        kept_back = asked_about([sample for sample in samples if sample.fold == fold])
        found += found_by([heads[fold]], kept_back)
        asked += kept_back
    calibrations = calibrated(found, asked)
    save(out, heads, calibrations)
    write_card(out, samples, answers_of(found, asked, calibrations), THRESHOLDS, licences)


def asked_about(samples: list[Sample]) -> list[Sample]:
    """What a held-out head is asked about: sources of one camera or of one species do not outweigh the others."""
    return [
        sample
        for source in sorted({sample.source for sample in samples})
        for sample in [sample for sample in samples if sample.source == source][:: ASKED.get(source, 1)]
    ]


def save(path: Path, heads: list[Weights], calibrations: Calibrations) -> None:
    """Write the heads (float16) with what a reader needs to know in the header."""
    tensors = {
        f"{index}.{name}": values.astype(np.float16)
        for index, head in enumerate(heads)
        for name, values in head.items()
    }
    metadata = {
        "name": PocketDetector.NAME,
        "version": VERSION,
        "heads": str(len(heads)),
        "calibration": json.dumps(np.round(calibrations, 5).tolist()),
        "thresholds": json.dumps(THRESHOLDS),
        "backbone_sha256": efficientnet_lite.PUBLISHED_SHA256,
        "centernet_sha256": coco_centernet.PUBLISHED_SHA256,
        "nanodet_sha256": coco_nanodet.PUBLISHED_SHA256,
        "preprocessing": PocketDetector.preprocessing,
        "licence": "MIT",
    }
    save_file(tensors, str(path), metadata)


if __name__ == "__main__":
    main()
