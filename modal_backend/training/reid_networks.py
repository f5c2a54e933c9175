"""What is trained: a network with its classifier, and the losses of a batch.

Losses after Luo et al., Bag of Tricks (CVPRW 2019): label-smoothed identity loss on the feature after the BN-neck,
batch-hard triplet loss (Hermans, Beyer and Leibe, arXiv 1703.07737) on the feature before it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from modal_backend.contracts import Picture
from modal_backend.models.embeddings import part_pose, parts, tiger_reid
from modal_backend.models.embeddings.crop_network import Preprocessing
from modal_backend.training.reid_data import Sample

MARGIN = 0.3
SMOOTHING = 0.1


def triplet(features: Tensor, labels: Tensor) -> Tensor:
    """Batch-hard triplet loss of features (n, d): the farthest of the same identity against the nearest other one."""
    distances = torch.cdist(features, features)
    same = labels[:, None] == labels[None, :]
    farthest = distances.masked_fill(~same, 0).amax(1)
    nearest = distances.masked_fill(same, torch.inf).amin(1)
    return nn.functional.relu(farthest - nearest + MARGIN).mean()


class TigerReid(nn.Module):
    """ResNet50 with BN-neck."""

    def __init__(self, classes: int, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.exported = tiger_reid.BNNeck()
        self.classifier = nn.Linear(tiger_reid.DIMENSION, classes, bias=False)
        nn.init.normal_(self.classifier.weight, std=0.001)
        self.preprocessing = preprocessing

    def loss(self, crops: Sequence[Picture], samples: Sequence[Sample], labels: Tensor) -> Tensor:
        """Identity and triplet loss of one batch."""
        del samples
        values = self.preprocessing.tensor(crops).to(labels.device)
        return _both(self.exported.pooled(values), labels, self.exported.neck, self.classifier)


class PartPose(nn.Module):
    """The global stream with trunk and limb streams; neck and classifier are shared, the losses of the three added."""

    def __init__(self, classes: int, preprocessing: Preprocessing, depth: int = 152) -> None:
        super().__init__()
        self.exported = part_pose.PartPose(depth)
        self.classifier = nn.Linear(part_pose.DIMENSION, classes, bias=False)
        nn.init.normal_(self.classifier.weight, std=0.001)
        self.preprocessing = preprocessing

    def loss(self, crops: Sequence[Picture], samples: Sequence[Sample], labels: Tensor) -> Tensor:
        """The summed losses of one batch; a part that cannot be cut is black. Parts are cut from whole crops."""
        values = self.preprocessing.tensor(crops).to(labels.device)
        cut = [_parts(sample) for sample in samples]
        trunks = _stacked([parts[0] for parts in cut]).to(labels.device)
        limbs = torch.stack([_stacked(parts[1]) for parts in cut]).to(labels.device)
        found = self.exported.streams(values, trunks, limbs)
        neck = self.exported.neck
        streams = (found.whole, found.with_trunk, found.with_limbs)
        return torch.stack([_both(stream, labels, neck, self.classifier) for stream in streams]).sum()


def _both(pooled: Tensor, labels: Tensor, neck: nn.Module, classifier: nn.Module) -> Tensor:
    logits = classifier(neck(pooled))
    identity = nn.functional.cross_entropy(logits, labels, label_smoothing=SMOOTHING)
    return identity + triplet(pooled, labels)


def _parts(sample: Sample) -> tuple[Picture, list[Picture]]:
    from modal_backend.training.reid_data import picture_of

    found: dict[str, Picture] = {}
    if sample.keypoints is not None:
        points = np.array(sample.keypoints, np.float32).reshape(-1, 3)
        found = parts.parts_of(picture_of(sample), points[:, :2], (points[:, 2] > 0).tolist())
    trunk = found.get("trunk", np.zeros((*part_pose.TRUNK_SIZE, 3), np.uint8))
    blank = np.zeros((*part_pose.LIMB_SIZE, 3), np.uint8)
    return trunk, [found.get(limb.name, blank) for limb in parts.LIMBS]


def _stacked(pictures: Sequence[Picture]) -> Tensor:
    height, width = pictures[0].shape[:2]
    return Preprocessing(height, width).tensor(pictures)
