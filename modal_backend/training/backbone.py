"""The backbone of the pocket models as a torch network: what its ONNX graphs are made from and checked against."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from modal_backend.models.detectors import efficientnet_lite


class Features(nn.Module):
    """(n, 3, h, w) -> features at strides 8 (48), 16 (120) and 32 (1280 channels)."""

    def __init__(self) -> None:
        super().__init__()
        self.network = backbone()

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        network = self.network
        x = functional.relu6(network._bn0(network._conv_stem(pixels)))
        taken = []
        for index, block in enumerate(network._blocks):
            x = block(x)
            if index in (6, 14):
                taken.append(x)
        return taken[0], taken[1], functional.relu6(network._bn1(network._conv_head(x)))


def backbone() -> Any:
    """The frozen network in evaluation mode on the CPU."""
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite2")
    network.load_state_dict(torch.load(efficientnet_lite.weights_file(), map_location="cpu", weights_only=True))
    return network.eval().requires_grad_(False)
