"""The pocket detector's box head: which category a cell belongs to, and how far the sides of its box are.

Anchor-free, after Tian et al., FCOS, ICCV 2019.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from modal_backend.models.detectors.pocket_detector import CATEGORIES, STRIDE
from modal_backend.models.onnx_graph import Weights


class Normed(nn.Module):
    """A convolution, group norm over eight groups, ReLU. Scale and shift are kept as (1, channels, 1, 1)."""

    def __init__(self, inputs: int, outputs: int, size: int = 1, **options: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, size, bias=False, **options)  # type: ignore[arg-type]
        self.scale = nn.Parameter(torch.ones(1, outputs, 1, 1))
        self.shift = nn.Parameter(torch.zeros(1, outputs, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(functional.group_norm(self.convolution(x), 8) * self.scale + self.shift)


class BoxHead(nn.Module):
    """Features -> (n, 7, h / 16, w / 16): a logit a category, then log distances left, top, right, bottom in strides.

    Features are those of backbone.Features, at strides 8, 16 and 32.
    """

    def __init__(self, width: int = 96) -> None:
        super().__init__()
        self.low = Normed(48, 48, 3, stride=2, padding=1)
        self.middle = Normed(120, 64)
        self.top = Normed(1280, width)
        self.context = Normed(width, width, 3, padding=2, dilation=2)
        self.fuse = Normed(48 + 64 + width, width)
        self.tower = nn.ModuleList(Normed(width, width, 3, padding=r, dilation=r) for r in (1, 2))
        self.out = nn.Conv2d(width, len(CATEGORIES) + 4, 1)
        nn.init.normal_(self.out.weight, std=0.01)
        self.out.bias = nn.Parameter(torch.tensor([-4.0] * len(CATEGORIES) + [1.0] * 4))

    def forward(self, low: Tensor, middle: Tensor, top: Tensor) -> Tensor:
        wide = self.top(top)
        wide = functional.interpolate(wide + self.context(wide), scale_factor=2.0, mode="nearest")
        x = self.fuse(torch.cat([self.low(low), self.middle(middle), wide], 1))
        for block in self.tower:
            x = x + block(x)
        return self.out(x)


def boxes_of(answer: Tensor) -> Tensor:
    """Head output (n, 7, h, w) -> boxes (n, h, w, 4): left, top, right, bottom in input pixels."""
    height, width = answer.shape[2:]
    x = (torch.arange(width, device=answer.device) + 0.5) * STRIDE
    y = ((torch.arange(height, device=answer.device) + 0.5) * STRIDE)[:, None]
    left, top, right, bottom = (answer[:, -4:].float().clamp(-4, 4.5).exp() * STRIDE).unbind(1)
    return torch.stack([x - left, y - top, x + right, y + bottom], -1)


def weights_of(head: BoxHead) -> Weights:
    """The head's weights by their names, as its graph takes them."""
    return {name: value.detach().float().contiguous().cpu().numpy() for name, value in head.state_dict().items()}
