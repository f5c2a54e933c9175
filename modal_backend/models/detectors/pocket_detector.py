"""The pocket detector: animals in camera-trap pictures on two CPU cores, with weights that come with the install.

EfficientNet-Lite2 (ImageNet weights, see efficientnet_lite.py) gives features at strides 8, 16 and 32. Small
convolutional heads of our own predict, at stride 16, whether a cell belongs to an animal and how far the four sides of
its box are (anchor-free, after Tian et al., FCOS, ICCV 2019). The heads' answers are averaged; their confidences are
calibrated by a logistic function (Platt 1999) fitted on held-out folds. modal_backend/training/pocket_detector.py makes
the weights.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from modal_backend.contracts import Box, Category, Detection, Picture
from modal_backend.errors import WeightsMissing
from modal_backend.models.detectors import efficientnet_lite

FINE_SIDE, COARSE_SIDE = 768, 448
FINE_UP_TO, COARSE_FROM = 0.45, 0.3
STRIDE = 16
GRID = 32
MOST_BOXES = 100
OVERLAP = 0.5
NESTED = 0.8
WEIGHTS = Path(__file__).with_name("pocket_detector.safetensors")
PUBLISHED_SHA256 = "bbb310d3f53e34f19e474d9dcae2a96ee6290c539a5f1ef332ec19604a5ee4ef"


@dataclass(frozen=True, slots=True)
class View:
    """A picture at one size: RGB uint8 `pixels`, padded right and below with grey (127) to multiples of 32.

    Attributes:
        width, height: of the part that holds the picture, in pixels of `pixels`.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """A picture as the network wants it, twice: longest side 768 for small animals, 448 for large ones."""

    fine: View
    coarse: View


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
    for block in network._blocks:
        if block._block_args.expand_ratio != 1:
            block._expand_conv = fuse_conv_bn_eval(block._expand_conv, block._bn0)
            block._bn0 = nn.Identity()
        block._depthwise_conv = fuse_conv_bn_eval(block._depthwise_conv, block._bn1)
        block._project_conv = fuse_conv_bn_eval(block._project_conv, block._bn2)
        block._bn1 = block._bn2 = nn.Identity()
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def _normed(inputs: int, outputs: int, size: int = 1, **options: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, size, bias=False, **options)  # type: ignore[arg-type]
    return nn.Sequential(convolution, nn.GroupNorm(8, outputs), nn.ReLU(inplace=True))


class BoxHead(nn.Module):
    """Features -> (n, 5, h / 16, w / 16): the animal logit, then log distances left, top, right, bottom in strides."""

    def __init__(self, width: int = 96) -> None:
        super().__init__()
        self.low = _normed(48, 48, 3, stride=2, padding=1)
        self.middle = _normed(120, 64)
        self.top = _normed(1280, width)
        self.context = _normed(width, width, 3, padding=2, dilation=2)
        self.fuse = _normed(48 + 64 + width, width)
        reaches = (1, 2)
        self.tower = nn.ModuleList(_normed(width, width, 3, padding=r, dilation=r) for r in reaches)
        self.out = nn.Conv2d(width, 5, 1)
        nn.init.normal_(self.out.weight, std=0.01)
        self.out.bias = nn.Parameter(torch.tensor([-4.0, 1.0, 1.0, 1.0, 1.0]))

    def forward(self, low: Tensor, middle: Tensor, top: Tensor) -> Tensor:
        wide = self.top(top)
        wide = functional.interpolate(wide + self.context(wide), scale_factor=2.0, mode="nearest")
        x = self.fuse(torch.cat([self.low(low), self.middle(middle), wide], 1))
        for block in self.tower:
            x = x + block(x)
        return self.out(x)


def boxes_of(answer: Tensor) -> Tensor:
    """Head output (n, 5, h, w) -> boxes (n, h, w, 4): left, top, right, bottom in input pixels."""
    height, width = answer.shape[2:]
    x = (torch.arange(width, device=answer.device) + 0.5) * STRIDE
    y = ((torch.arange(height, device=answer.device) + 0.5) * STRIDE)[:, None]
    left, top, right, bottom = (answer[:, 1:].float().clamp(-4, 4.5).exp() * STRIDE).unbind(1)
    return torch.stack([x - left, y - top, x + right, y + bottom], -1)


def kept_boxes(boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> list[int]:
    """Greedy non-maximum suppression at an intersection over union of 0.5: indices kept, best score first."""
    order = np.argsort(-scores, kind="stable")
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept: list[int] = []
    while len(order) and len(kept) < MOST_BOXES:
        best, order = order[0], order[1:]
        kept.append(int(best))
        corner = np.minimum(boxes[best, 2:], boxes[order, 2:]) - np.maximum(boxes[best, :2], boxes[order, :2])
        shared = np.prod(np.maximum(corner, 0), axis=1)
        order = order[shared <= OVERLAP * (area[best] + area[order] - shared)]
    return kept


def halved_inside(
    boxes: NDArray[np.float32], confidence: NDArray[np.float64], kept: list[int]
) -> list[tuple[int, float]]:
    """The kept boxes, with half their confidence where 0.8 of the smaller of it and a better one is shared.

    Such a box is mostly a second answer to the same animal: held out, false boxes fall by a quarter and AP50 rises .01.
    """
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    answers = []
    for place, index in enumerate(kept):
        better = kept[:place]
        corner = np.minimum(boxes[index, 2:], boxes[better, 2:]) - np.maximum(boxes[index, :2], boxes[better, :2])
        shared = np.prod(np.maximum(corner, 0), axis=1)
        nested = bool(np.any(shared > NESTED * np.minimum(area[index], area[better])))
        answers.append((index, float(confidence[index]) * (0.5 if nested else 1.0)))
    return answers


class PocketDetector:
    """Finds animals; every picture is answered alone, so a batch gives what single pictures give."""

    NAME = "pocket-detector"
    THRESHOLD = 0.25
    RAW_FLOOR = 0.005
    preprocessing = f"letterbox-{FINE_SIDE}-{COARSE_SIDE}-area"

    def __init__(self, heads: list[BoxHead], calibration: tuple[float, float], version: str, sha256: str) -> None:
        self._features = Features()
        self._heads = [head.eval().requires_grad_(False).to(memory_format=torch.channels_last) for head in heads]
        self._slope, self._offset = calibration
        # Pictures side by side, each on one core, are answered faster than one after the other on all of them.
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, "detect", torch.set_num_threads, (1,))
        self.version = version
        self.weights_sha256 = sha256

    @classmethod
    def load(cls, weights: Path | None = None) -> PocketDetector:
        """Read the heads (default: the file that comes with the install) and the backbone.

        Raises:
            WeightsMissing: a file is absent or is not the published one.
        """
        path = weights or WEIGHTS
        remedy = "Install Pugmark again, or make the weights with modal_backend.training.pocket_detector."
        if not path.is_file():
            raise WeightsMissing(f"The pocket detector's weights are missing: {path.name}.", remedy=remedy)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != PUBLISHED_SHA256:
            raise WeightsMissing(f"{path.name} is not the published file (its SHA-256 differs).", remedy=remedy)
        both = hashlib.sha256((digest + efficientnet_lite.weights_sha256()).encode()).hexdigest()
        return cls(*read_heads(path), both)

    @staticmethod
    def prepare(picture: Picture) -> Prepared:
        """Letterbox a picture (RGB uint8, height x width x 3) to the network's input; no torch, safe in threads."""
        return Prepared(_view(picture, FINE_SIDE), _view(picture, COARSE_SIDE))

    def detect(self, pictures: Sequence[Picture]) -> list[list[Detection]]:
        """One list of detections a picture (RGB uint8), best first; see `detect_prepared`."""
        return self.detect_prepared([self.prepare(picture) for picture in pictures])

    def detect_prepared(self, batch: Sequence[Prepared]) -> list[list[Detection]]:
        """One list of at most 100 detections a picture, best first, calibrated confidence from RAW_FLOOR up."""
        if len(batch) == 1:
            return [self._detect_one(batch[0])]
        return list(self._threads.map(self._detect_one, batch))

    @torch.inference_mode()
    def _detect_one(self, prepared: Prepared) -> list[Detection]:
        outputs = []
        for view in (prepared.fine, prepared.coarse):
            features = self._features(network_input(view.pixels))
            outputs.append(torch.stack([head(*features) for head in self._heads]).mean(0))
        boxes, logits = candidates(outputs[0], outputs[1], prepared)
        confidence = 1 / (1 + np.exp(-(self._slope * logits + self._offset)))
        boxes, confidence = boxes[confidence >= self.RAW_FLOOR], confidence[confidence >= self.RAW_FLOOR]
        found = []
        for index, sure in halved_inside(boxes, confidence, kept_boxes(boxes, confidence)):
            if sure < self.RAW_FLOOR:
                continue
            left, top, right, bottom = (float(side) for side in boxes[index])
            box = Box(left, top, min(right, 1.0) - left, min(bottom, 1.0) - top)
            found.append(Detection(Category.ANIMAL, round(sure, 4), box))
        return sorted(found, key=lambda detection: -detection.confidence)


def _view(picture: Picture, side: int) -> View:
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    wide, high = max(round(width * scale), 1), max(round(height * scale), 1)
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    pixels = np.full((-(-high // GRID) * GRID, -(-wide // GRID) * GRID, 3), 127, np.uint8)
    pixels[:high, :wide] = cv2.resize(picture, (wide, high), interpolation=interpolation)
    return View(pixels, wide, high)


def network_input(pixels: NDArray[np.uint8]) -> Tensor:
    """RGB uint8 (height, width, 3) -> float32 (1, 3, height, width), (value - 127) / 128."""
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
    scaled = (tensor - efficientnet_lite.MEAN) / efficientnet_lite.SCALE
    return scaled.contiguous(memory_format=torch.channels_last)


def candidates(fine: Tensor, coarse: Tensor, prepared: Prepared) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Head outputs (1, 5, h, w) of both views -> boxes (n, 4), left, top, right, bottom in 0 to 1; logits (n).

    The fine view answers for boxes up to 0.45 of the frame, the coarse one for those from 0.3: the heads know animals
    of 15 to 400 pixels. On held-out places AP50 is .66 with the fine view alone and .68 with both.
    """
    small, small_logits = _best_cells(fine, prepared.fine)
    large, large_logits = _best_cells(coarse, prepared.coarse)
    small_in = (small[:, 2:] - small[:, :2]).max(axis=1, initial=0) <= FINE_UP_TO
    large_in = (large[:, 2:] - large[:, :2]).max(axis=1, initial=0) >= COARSE_FROM
    boxes = np.concatenate([small[small_in], large[large_in]])
    return boxes, np.concatenate([small_logits[small_in], large_logits[large_in]])


def _best_cells(output: Tensor, view: View) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    logits = output[0, 0].flatten()
    best = torch.topk(logits, min(400, len(logits))).indices
    boxes = boxes_of(output)[0].flatten(0, 1)[best].numpy()
    frame = np.array([view.width, view.height] * 2, np.float32)
    boxes = np.clip(boxes, 0, frame)
    real = np.all(boxes[:, 2:] - boxes[:, :2] >= 2, axis=1)
    return boxes[real] / frame, logits[best].numpy()[real]


def read_heads(path: Path) -> tuple[list[BoxHead], tuple[float, float], str]:
    """Heads, calibration (slope, offset on the logit) and version from a safetensors file of ours."""
    with safe_open(path, "pt") as file:
        facts = file.metadata()
        tensors = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
    heads = []
    for index in range(int(facts["heads"])):
        head = BoxHead()
        prefix = f"{index}."
        head.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
        heads.append(head)
    slope, offset = json.loads(facts["calibration"])
    return heads, (slope, offset), facts["version"]
