"""MegaDescriptor (WildlifeTools): timm's Swin transformers, trained on individuals of many species.

Čermák et al., WildlifeDatasets (WACV 2024). Its model cards normalise with mean = std = 0.5, its own training and
inference notebooks with ImageNet's, and the published results are the notebooks'; so are these, and every vector says
so. Weights CC BY-NC 4.0.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import timm
from torch import Tensor

from modal_backend.models.embeddings.checkpoint import fill, read_state
from modal_backend.models.embeddings.crop_network import CropNetwork, Preprocessing

ARCHITECTURES = {
    "L-384": ("swin_large_patch4_window12_384", 384, 1536),
    "B-224": ("swin_base_patch4_window7_224", 224, 1024),
    "T-224": ("swin_tiny_patch4_window7_224", 224, 768),
}
# Heads are not used; masks and indices are computed from the sizes.
UNUSED = [r"head\.", r".*attn_mask$", r".*relative_position_index$"]


def network_of(version: str) -> Any:
    """The Swin transformer of a version, without weights and without a head."""
    return timm.create_model(ARCHITECTURES[version][0], pretrained=False, num_classes=0)


def present_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state under timm's present names.

    Until timm 0.8 a stage's downsampling stood at its end; it now stands at the beginning of the next one. A state
    is of the old kind exactly when the first stage has one.
    """
    if not any(name.startswith("layers.0.downsample") for name in state):
        return state
    return {
        re.sub(r"^layers\.(\d+)\.downsample", lambda found: f"layers.{int(found[1]) + 1}.downsample", name): value
        for name, value in state.items()
    }


def load(path: Path, version: str) -> CropNetwork:
    """The network with a published file. Raises WeightsMissing."""
    _, side, dimension = ARCHITECTURES[version]
    network = network_of(version)
    fill(network, present_names(read_state(path)), f"MegaDescriptor {version}", UNUSED)
    return CropNetwork(network, Preprocessing(side, side), dimension)
