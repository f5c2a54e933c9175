"""The backbone of the pocket models as features at three strides, in torch and through ONNX Runtime."""

from __future__ import annotations

import copy
from functools import lru_cache
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from modal_backend.models.detectors import efficientnet_lite
from modal_backend.models.onnx_graph import Graph

GRAPH = Path(__file__).with_name("efficientnet_lite.onnx")
CHANNELS = (48, 120, 1280)


class Features(nn.Module):
    """The backbone, batch norms folded in: (n, 3, h, w) -> strides 8 (48), 16 (120) and 32 (1280 channels)."""

    def __init__(self) -> None:
        super().__init__()
        self.network = _folded(copy.deepcopy(efficientnet_lite.backbone()))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        network = self.network
        x = functional.relu6(network._conv_stem(pixels))
        taken = []
        for index, block in enumerate(network._blocks):
            x = block(x)
            if index in (6, 14):
                taken.append(x)
        return taken[0], taken[1], functional.relu6(network._conv_head(x))


def _folded(network: Any) -> Any:
    network._conv_stem = fuse_conv_bn_eval(network._conv_stem, network._bn0)
    network._conv_head = fuse_conv_bn_eval(network._conv_head, network._bn1)
    network._bn0 = network._bn1 = network._fc = nn.Identity()
    for block in network._blocks:
        if block._block_args.expand_ratio != 1:
            block._expand_conv = fuse_conv_bn_eval(block._expand_conv, block._bn0)
            block._bn0 = nn.Identity()
        block._depthwise_conv = fuse_conv_bn_eval(block._depthwise_conv, block._bn1)
        block._project_conv = fuse_conv_bn_eval(block._project_conv, block._bn2)
        block._bn1 = block._bn2 = nn.Identity()
    return network.eval().requires_grad_(False)


@lru_cache(maxsize=1)
def graph() -> Graph:
    """The features through ONNX Runtime; one for the whole process. Raises WeightsMissing."""
    return Graph(GRAPH, Features())
