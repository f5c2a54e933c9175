"""What all networks that turn crops into vectors share: squash to a square, normalise, run in batches, L2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from modal_backend.contracts import Picture, Vector

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
BATCH_CPU, BATCH_GPU = 8, 64


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a crop becomes the network's input: squashed to height x width pixels (a crop is cut by its box; nothing of
    it is cut away again), divided by 255, then (value - mean) / std per channel."""

    height: int
    width: int
    filter: str = "bilinear"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def __str__(self) -> str:
        """The text that is stored with every vector."""
        scale = "ImageNet mean and std" if self.mean == IMAGENET_MEAN else f"mean {self.mean}, std {self.std}"
        return f"squash {self.height}x{self.width} {self.filter} antialias, /255, {scale}, L2"

    def tensor(self, crops: Sequence[Picture]) -> Tensor:
        """RGB uint8 crops (height, width, 3) -> float32 (n, 3, height, width)."""
        squashed = [
            np.asarray(
                Image.fromarray(np.ascontiguousarray(crop)).resize((self.width, self.height), FILTERS[self.filter])
            )
            for crop in crops
        ]
        values = torch.from_numpy(np.stack(squashed)).permute(0, 3, 1, 2).float().div_(255)
        return values.sub_(torch.tensor(self.mean).view(1, 3, 1, 1)).div_(torch.tensor(self.std).view(1, 3, 1, 1))


def moved(network: nn.Module, device: torch.device) -> torch.device:
    """Where a network that was on `device` is from now on: on the GPU where there is one."""
    wanted = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if wanted != device:
        network.to(wanted)
    return wanted


class CropNetwork:
    """A loaded network in evaluation mode, on the GPU where there is one (half precision there).

    It is moved there by its first crops: in a container that wakes from a memory snapshot the GPU was not there yet
    when the network was loaded.
    """

    def __init__(self, network: nn.Module, preprocessing: Preprocessing, dimension: int) -> None:
        self.network = network.eval().requires_grad_(False)
        self.preprocessing = preprocessing
        self.dimension = dimension
        self._device = torch.device("cpu")

    def embed(self, crops: Sequence[Picture]) -> Vector:
        """float32 (n, dimension), each of length 1, for RGB uint8 crops (height, width, 3)."""
        if not crops:
            return np.zeros((0, self.dimension), np.float32)
        self._device = moved(self.network, self._device)
        size = BATCH_GPU if self._device.type == "cuda" else BATCH_CPU
        return np.concatenate([self._batch(crops[start : start + size]) for start in range(0, len(crops), size)])

    @torch.inference_mode()
    def _batch(self, crops: Sequence[Picture]) -> Vector:
        self.network.eval()
        values = self.preprocessing.tensor(crops).to(self._device, non_blocking=True)
        with torch.autocast(self._device.type, torch.float16, enabled=self._device.type == "cuda"):
            vectors = self.network(values)
        if vectors.shape != (len(crops), self.dimension) or not torch.isfinite(vectors).all():
            raise RuntimeError(f"The network gave {tuple(vectors.shape)} with values that are not numbers.")
        found: Vector = nn.functional.normalize(vectors.float(), dim=1).cpu().numpy()
        return found
