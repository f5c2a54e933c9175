"""DINOv2 small: a self-supervised vision transformer, 384 numbers a crop; never trained on individuals.

Oquab et al., DINOv2 (TMLR 2024); the file and the layout are those of facebook/dinov2-small for transformers. The
vector is the class token after the last norm, as that library's pooled output.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import Dinov2Config, Dinov2Model

from modal_backend.models.embeddings.checkpoint import State, fill, read_state
from modal_backend.models.embeddings.crop_network import CropNetwork, Preprocessing

DIMENSION = 384
PREPROCESSING = Preprocessing(224, 224, "bicubic")
SMALL: dict[str, Any] = {"hidden_size": DIMENSION, "num_hidden_layers": 12, "num_attention_heads": 6, "image_size": 518}


class ClassToken(nn.Module):
    """(n, 3, 224, 224) -> (n, 384)."""

    def __init__(self) -> None:
        super().__init__()
        self.network: Any = Dinov2Model(Dinov2Config(**SMALL, patch_size=14))

    def forward(self, values: Tensor) -> Tensor:
        found: Tensor = self.network(values).pooler_output
        return found


def present_names(state: State) -> State:
    """The published file's attention names under those of transformers 5."""
    found = {}
    for old, value in state.items():
        name = re.sub(r"\.attention\.attention\.(query|key|value)\.", lambda m: f".attention.{m[1][0]}_proj.", old)
        found[name.replace(".attention.output.dense.", ".attention.o_proj.")] = value
    return found


def load(path: Path) -> CropNetwork:
    """The network with the published file. Raises WeightsMissing."""
    wrapped = ClassToken()
    fill(wrapped.network, present_names(read_state(path)), "DINOv2 small")
    return CropNetwork(wrapped, PREPROCESSING, DIMENSION)
