"""TigerReID: torchvision's ResNet50, 2048 numbers a crop.

Without a checkpoint of one's own these are ImageNet features (weights IMAGENET1K_V2), and it says so. A checkpoint of
the training recipe (training/reid.py) adds the BN-neck of Luo et al., Bag of Tricks for person re-identification
(CVPRW 2019): the batch norm after pooling gives the vector that is compared.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import resnet50

from modal_backend.models.embeddings.checkpoint import fill, read_state
from modal_backend.models.embeddings.crop_network import CropNetwork, Preprocessing

DIMENSION = 2048
# The V2 weights were trained for a 224-pixel cut from 232: a box has no margin to cut away, so it is squashed to 224.
PREPROCESSING = Preprocessing(224, 224)


class BNNeck(nn.Module):
    """A ResNet without its classifier, then a batch norm without shift: `base.*` and `neck.*`."""

    def __init__(self, base: nn.Module | None = None) -> None:
        """base: torchvision's ResNet50 unless another is given."""
        super().__init__()
        self.base: Any = base or resnet50(weights=None)
        self.base.fc = nn.Identity()
        self.neck = nn.BatchNorm1d(DIMENSION)
        self.neck.bias.requires_grad_(False)

    def pooled(self, values: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, 2048) before the neck: what the triplet loss sees."""
        found: Tensor = self.base(values)
        return found

    def forward(self, values: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, 2048) after the neck: what is compared."""
        found: Tensor = self.neck(self.pooled(values))
        return found


def load_imagenet(path: Path) -> CropNetwork:
    """The network with torchvision's published file. Raises WeightsMissing."""
    network = resnet50(weights=None)
    network.fc = nn.Identity()
    fill(network, read_state(path), "ResNet50", unused=[r"fc\."])
    return CropNetwork(network, PREPROCESSING, DIMENSION)


def load_tuned(path: Path) -> CropNetwork:
    """The network with a fine-tuned checkpoint: `base.*` and `neck.*`; a classifier in it is left out.

    Raises WeightsMissing.
    """
    network = BNNeck()
    fill(network, with_shift(read_state(path)), "ResNet50 with BN-neck", unused=[r"classifier\."])
    return CropNetwork(network, PREPROCESSING, DIMENSION)


def with_shift(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state with the neck's zero shift, which some checkpoints leave out because it is never trained."""
    weight = state.get("neck.weight")
    return state if weight is None else {"neck.bias": torch.zeros_like(weight), **state}
