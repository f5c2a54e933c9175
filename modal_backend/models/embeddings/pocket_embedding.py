"""The pocket embedding: one vector a crop from the EfficientNet-Lite2 that comes with the install.

An ImageNet network, never trained on individuals: it sees coat, pose and background alike. Last feature map
at 288 px, generalised-mean pooling (Radenovic, Tolias and Chum, TPAMI 2019) with p = 3, L2. On ATRW tigers a
letterboxed crop ranks slightly better than a squashed one (top-1 0.951 against 0.947; with one gallery
picture each 0.736 against 0.708).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from modal_backend.contracts import Picture, Vector
from modal_backend.models.detectors import efficientnet_lite
from modal_backend.models.onnx_graph import normalised
from modal_backend.models.sizes import EMBEDDING_SIDE as SIDE
from modal_backend.models.sizes import to_long_side

NAME = "pocket-embedding"
VERSION = "1"
DIMENSION = 1280
POWER = 3.0
PREPROCESSING = "letterbox 288, (value - 127) / 128, last feature map, generalised mean p=3, L2"


class PocketEmbedding:
    """Crops to vectors whose cosine says how alike they look."""

    NAME = NAME
    VERSION = VERSION
    PREPROCESSING = PREPROCESSING
    weights_sha256 = efficientnet_lite.PUBLISHED_SHA256

    def __init__(self) -> None:
        self._features: Any = None
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, "embed")

    def load(self) -> None:
        """Bring the network into memory; embed does so by itself. Raises WeightsMissing."""
        self._features = efficientnet_lite.features()

    def embed(self, crops: Sequence[Picture]) -> Vector:
        """Vectors (n, 1280), float32, of length 1, for RGB uint8 crops (height, width, 3).

        Alone or in a batch a crop gets the same vector to 1e-5.
        """
        if self._features is None:
            self.load()
        vectors = list(self._threads.map(self._embed_one, crops))
        return np.stack(vectors) if vectors else np.zeros((0, DIMENSION), np.float32)

    def _embed_one(self, crop: Picture) -> Vector:
        cells = self._features(normalised([letterbox(crop)], efficientnet_lite.MEAN, efficientnet_lite.SCALE))[2][0]
        pooled = np.mean(np.maximum(cells, 1e-6) ** POWER, axis=(1, 2)) ** (1.0 / POWER)
        return np.asarray(pooled / np.linalg.norm(pooled), np.float32)


def letterbox(crop: Picture) -> Picture:
    """The crop fitted into SIDE x SIDE pixels, centred, the rest mid grey."""
    resized = to_long_side(crop)
    height, width = resized.shape[:2]
    canvas = np.full((SIDE, SIDE, 3), int(efficientnet_lite.MEAN), np.uint8)
    left, top = (SIDE - width) // 2, (SIDE - height) // 2
    canvas[top : top + height, left : left + width] = resized
    return canvas
