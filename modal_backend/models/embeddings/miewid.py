"""MiewID msv3: timm's EfficientNetV2-RW-M, generalised-mean pooling, batch norm; 2152 numbers a crop.

Otarashvili et al., Multispecies animal re-identification (arXiv 2412.05602). The published file holds `backbone.*`,
`backbone.global_pool.p`, `bn.*` and an unused `final.*`; the training code's `pooling.p` is understood too. Its
publisher states no licence.
"""

from __future__ import annotations

from pathlib import Path

import timm
import torch
from torch import Tensor, nn

from modal_backend.models.embeddings.checkpoint import fill, read_state
from modal_backend.models.embeddings.crop_network import CropNetwork, Preprocessing

DIMENSION = 2152
PREPROCESSING = Preprocessing(440, 440)
UNUSED = [r"final\.", r"backbone\.classifier\.", r"fc\."]


class GeneralisedMean(nn.Module):
    """Generalised-mean pooling (Radenovic, Tolias and Chum, TPAMI 2019) with a learnt power: (n, c, h, w) -> (n, c)."""

    def __init__(self) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.full((1,), 3.0))

    def forward(self, cells: Tensor) -> Tensor:
        return cells.float().clamp(min=1e-6).pow(self.p).mean((-2, -1)).pow(1 / self.p)


class MiewID(nn.Module):
    """(n, 3, 440, 440) -> (n, 2152)."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = timm.create_model("efficientnetv2_rw_m", pretrained=False, num_classes=0)
        self.backbone.global_pool = GeneralisedMean()
        self.bn = nn.BatchNorm1d(DIMENSION)

    def forward(self, values: Tensor) -> Tensor:
        found: Tensor = self.bn(self.backbone(values))
        return found


def load(path: Path) -> CropNetwork:
    """The network with the published file. Raises WeightsMissing."""
    names = {"pooling.p": "backbone.global_pool.p", "global_pool.p": "backbone.global_pool.p"}
    state = {names.get(name, name): value for name, value in read_state(path).items()}
    network = MiewID()
    fill(network, state, "MiewID", UNUSED)
    return CropNetwork(network, PREPROCESSING, DIMENSION)
