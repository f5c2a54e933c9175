"""SpeciesNet's crop classifier: 2,498 labels for the animal inside a box.

Gadot et al., SpeciesNet (Google, Apache-2.0). Kaggle's google/speciesnet 4.0.3a is published behind an account, so its
two files are put into the weights folder by hand: the classifier as speciesnet/classifier.pt (a pickled network that
onnx2torch made: opened only after its hash was checked) and its labels as speciesnet/labels.txt. Input of the
published network: RGB 480 x 480, 0 to 1, channels last.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision.transforms import functional

from modal_backend.contracts import Picture, SpeciesGuess
from modal_backend.errors import BackendMisconfigured, WeightsMissing
from modal_backend.models.embeddings.crop_network import moved

SIDE = 480
TOP = 5
BATCH = 8
PREPROCESSING = "squash 480x480 bilinear without antialias, /255, channels last"
INSTALL = "pip install onnx2torch"


class Species:
    """Names what the crop of an animal shows."""

    def __init__(self, network: Any, labels: Sequence[str]) -> None:
        self._network = network.eval()
        self._labels = tuple(labels)
        self._device = torch.device("cpu")

    @classmethod
    def load(cls, classifier: Path, labels: Path) -> Species:
        """Two verified files. Raises BackendMisconfigured without the package it needs, WeightsMissing."""
        names = [line.strip() for line in labels.read_text(encoding="utf-8").splitlines() if line.strip()]
        try:
            network = torch.load(classifier, map_location="cpu", weights_only=False)
        except ModuleNotFoundError as error:
            raise BackendMisconfigured(f"SpeciesNet needs a package: {error}.", remedy=f"Run: {INSTALL}") from error
        except Exception as error:
            raise WeightsMissing(
                f"{classifier.name} cannot be read: {type(error).__name__}: {error}",
                remedy="Copy the classifier of SpeciesNet 4.0.3a there again.",
            ) from error
        if not isinstance(network, torch.nn.Module) or not names:
            raise WeightsMissing(f"{classifier.name} holds no network, or there are no labels.")
        return cls(network, names)

    def name(self, crops: Sequence[Picture]) -> list[SpeciesGuess]:
        """The five best labels a crop (RGB uint8), with their scores.

        Raises:
            ValueError: labels do not fit.
        """
        self._device = moved(self._network, self._device)
        groups = (crops[start : start + BATCH] for start in range(0, len(crops), BATCH))
        return [guess for group in groups for guess in self._group(group)]

    @torch.inference_mode()
    def _group(self, crops: Sequence[Picture]) -> list[SpeciesGuess]:
        values = torch.stack([_input(crop) for crop in crops]).to(self._device)
        scores = torch.softmax(self._network(values).float().cpu(), dim=-1)
        if scores.shape[-1] != len(self._labels):
            raise ValueError(f"The network knows {scores.shape[-1]} labels, the list has {len(self._labels)}.")
        best, places = scores.topk(min(TOP, len(self._labels)), dim=-1)
        return [
            SpeciesGuess(tuple(self._labels[place] for place in row), tuple(round(score, 4) for score in values_of))
            for row, values_of in zip(places.tolist(), best.tolist(), strict=True)
        ]


def _input(crop: Picture) -> torch.Tensor:
    """(480, 480, 3) in 0 to 1, in steps of 1/255 as the published pipeline's."""
    tensor = torch.from_numpy(np.ascontiguousarray(crop)).permute(2, 0, 1).float().div(255)
    squashed = functional.resize(tensor, [SIDE, SIDE], antialias=False)
    return functional.convert_image_dtype(squashed, torch.uint8).permute(1, 2, 0).float().div(255)
