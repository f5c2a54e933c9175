"""What the animal in a crop may be: a word and the chance that it is right, read from the pocket embedding.

The backbone's own ImageNet classifier, rolled up to words (imagenet.py), and a linear layer on the embedding, trained
on crops of labelled camera-trap pictures; the card beside the weights says which, and how often it is right. Words that
no training picture has (tiger, lion, ...) come from the classifier alone. A suggestion: nothing is named by it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from modal_backend.contracts import Vector
from modal_backend.models.detectors import efficientnet_lite
from modal_backend.models.species.imagenet import NAMES, rolled_up

VERSION = "1"
# Held out, three of four are right from here; see the card.
SHOWN_FROM = 0.55
WEIGHTS = Path(__file__).with_name("hints.safetensors")
# Embeddings have length 1, the features the classifier knows about 12: the median of 700 crops.
LENGTH = 12.4

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class HintLayer:
    """A linear layer from an embedding and the rolled-up classifier to the trained words, and what its score is worth.

    Attributes:
        embedding: (1280, k). rolled: (42, k). bias: (k).
        words: (k) places in NAMES.
        slope, offset: of the logistic function from the log odds of the best word to the chance that it is right.
    """

    embedding: Floats
    rolled: Floats
    bias: Floats
    words: NDArray[np.int64]
    slope: float = 1.0
    offset: float = 0.0

    def shares(self, vectors: Vector, rolled: Floats) -> Floats:
        """How likely each of NAMES is (n, 42): untrained words as the classifier has them, the rest by the layer."""
        logits = vectors @ self.embedding + rolled @ self.rolled + self.bias
        trained = np.exp(logits - logits.max(axis=1, keepdims=True))
        trained /= trained.sum(axis=1, keepdims=True)
        animals = np.exp(rolled)
        shares = animals / animals.sum(axis=1, keepdims=True)
        shares[:, self.words] = 0
        shares[:, self.words] = trained * (1 - shares.sum(axis=1, keepdims=True))
        return np.asarray(shares, np.float32)

    def chance(self, share: Floats) -> Floats:
        """The chance that the best word is right, by its share."""
        odds = np.log(np.clip(share, 1e-4, 1 - 1e-4) / (1 - np.clip(share, 1e-4, 1 - 1e-4)))
        return np.asarray(1 / (1 + np.exp(-(self.slope * odds + self.offset))), np.float32)


def hints_of(vectors: Vector) -> list[tuple[str, float]]:
    """A word and the chance that it is right, 0 to 1, for each pocket embedding (n, 1280)."""
    layer = _layer()
    shares = layer.shares(vectors, classified(vectors))
    best = shares.argmax(axis=1)
    chances = layer.chance(shares.max(axis=1))
    return [(NAMES[place], round(float(chance), 3)) for place, chance in zip(best, chances, strict=True)]


def classified(vectors: Vector) -> Floats:
    """The ImageNet classifier's answer to embeddings (n, 1280), rolled up (n, 42). Raises WeightsMissing."""
    return rolled_up(efficientnet_lite.classifier()(np.asarray(vectors * LENGTH, np.float32))[0])


@lru_cache(maxsize=1)
def _layer() -> HintLayer:
    with safe_open(WEIGHTS, "np") as file:
        facts = json.loads(file.metadata()["facts"])
        parts = {name: file.get_tensor(name).astype(np.float32) for name in ("embedding", "rolled", "bias")}
    words = np.array([NAMES.index(word) for word in facts["words"]])
    return HintLayer(**parts, words=words, slope=facts["slope"], offset=facts["offset"])
