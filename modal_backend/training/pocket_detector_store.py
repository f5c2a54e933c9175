"""The backbone's features of all training pictures, kept on disk: the backbone is never trained."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logsumexp

from modal_backend.models.detectors import efficientnet_lite
from modal_backend.models.detectors.efficientnet_lite import CHANNELS, classifier, features
from modal_backend.models.onnx_graph import normalised
from modal_backend.training.pocket_detector_augment import HEIGHT, WIDTH, Boxes
from modal_backend.training.pocket_detector_data import Sample
from modal_backend.training.pocket_detector_pictures import Drawn, drawn

STRIDES = (8, 16, 32)
MOST, AHEAD = 12_000, 8


class FeatureStore:
    """Features of training pictures, float16 on disk, read through the page cache."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Open what `store_features` wrote into the folders, as one."""
        self._maps = [[np.load(folder / f"{n}.npy", mmap_mode="r") for n in range(len(STRIDES))] for folder in folders]
        facts = [np.load(folder / "boxes.npz", allow_pickle=False) for folder in folders]
        self.labelled: NDArray[np.bool_] = np.concatenate([part["labelled"] for part in facts])
        self._place = [(part, index) for part, each in enumerate(facts) for index in range(len(each["labelled"]))]
        self._boxes = [boxes for part in facts for boxes in np.split(part["boxes"], part["starts"][1:-1])]
        self.usable: NDArray[np.int64] = np.flatnonzero(~np.concatenate([part["doubtful"] for part in facts]))

    def boxes(self, index: int) -> Boxes:
        """Boxes (n, 5) of one training picture."""
        return self._boxes[index]

    def batch(self, indices: NDArray[np.int64]) -> list[torch.Tensor]:
        """The three feature maps of several training pictures."""
        places = [self._place[i] for i in indices]
        return [torch.from_numpy(np.stack([self._maps[p][n][i] for p, i in places])) for n in range(len(STRIDES))]


def store_features(samples: list[Sample], folder: Path, seed: int) -> None:
    """Draw all training pictures of the samples of one fold and keep their features below `folder`, 1 MB each."""
    folder.mkdir(parents=True, exist_ok=True)
    shapes = [(part, HEIGHT // s, WIDTH // s) for part, s in zip(CHANNELS, STRIDES, strict=True)]
    maps = [  # sparse files: what no picture fills takes no room
        np.lib.format.open_memmap(folder / f"{level}.npy", "w+", np.float16, (MOST, *shape))
        for level, shape in enumerate(shapes)
    ]

    def keep(index: int, picture: Drawn) -> bool:
        answer = features()(normalised([picture.pixels], efficientnet_lite.MEAN, efficientnet_lite.SCALE))
        for part, values in zip(maps, answer, strict=True):
            part[index] = values[0]
        alone = not len(picture.boxes) and not all(picture.labelled)
        return alone and _animal_odds(answer[2]) > 0

    facts, doubts = [], []
    with ThreadPoolExecutor(2) as pool:
        for index, picture in enumerate(drawn(samples, seed)):
            doubts.append(pool.submit(keep, index, picture))
            facts.append((picture.boxes, picture.labelled))
            if index >= AHEAD:
                doubts[index - AHEAD].result()
            if index % 500 == 499:
                print(f"features {index + 1}", flush=True)
    boxes, labelled = zip(*facts, strict=True)
    np.savez(
        folder / "boxes.npz",
        boxes=np.concatenate(boxes),
        starts=np.cumsum([0] + [len(part) for part in boxes]),
        labelled=np.array(labelled),
        doubtful=np.array([doubt.result() for doubt in doubts]),
    )


def _animal_odds(top: NDArray[np.float32]) -> float:
    """Log odds of the ImageNet classifier that a picture (1, 1280, h, w) shows an animal (classes 0 to 397).

    Photographs of one species may show another animal in a part without a box.
    """
    classes = classifier()(top.mean((2, 3)))[0][0]
    return float(logsumexp(classes[:398]) - logsumexp(classes[398:]))
