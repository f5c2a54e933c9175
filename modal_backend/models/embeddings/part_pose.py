"""CVWC2019 part-pose: the winning entry of the Amur tiger re-identification challenge, from its description.

Liu, Zhang and Guo, Part-pose guided Amur tiger re-identification (ICCV Workshops 2019). A global stream sees the
whole crop; in training a trunk stream and six limb streams see parts cut out by keypoints, and their features are
added to the global ones, so that the global stream learns what the parts show. At test time the global stream runs
alone: its feature after the shared BN-neck, L2. No weights are published for programs; a checkpoint of one's own (for
instance from training/part_pose.py) is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import resnet34, resnet152

from modal_backend.errors import WeightsMissing
from modal_backend.models.embeddings.checkpoint import fill, read_state
from modal_backend.models.embeddings.crop_network import CropNetwork, Preprocessing
from modal_backend.models.embeddings.tiger_reid import BNNeck, with_shift

DIMENSION = 2048
# Wide: tigers are seen from the side.
PREPROCESSING = Preprocessing(256, 512)
TRUNK_SIZE, LIMB_SIZE = (64, 128), (64, 64)
LIMB_STREAMS = 6
TRAINING_ONLY = [r"trunk\.", r"limbs\.", r"trunk_up\.", r"classifier\."]


class GlobalStream(BNNeck):
    """ResNet152 that keeps the last stage's resolution (its stride is 1), pooled, then the BN-neck."""

    def __init__(self, depth: int = 152) -> None:
        super().__init__(_base(depth))


@dataclass(frozen=True, slots=True)
class Streams:
    """Training features (n, 2048) before the neck: global, global + trunk, global + limbs."""

    whole: Tensor
    with_trunk: Tensor
    with_limbs: Tensor


class PartPose(GlobalStream):
    """The global stream with the streams it learns from.

    trunk: ResNet34 up to its third stage, brought to 2048. limbs: six ResNet34, one a limb segment; upper and lower
    segment of a hind leg are added, so that four legs of 512 make 2048.
    """

    def __init__(self, depth: int = 152) -> None:
        super().__init__(depth)
        self.trunk = _until_third_stage()
        self.trunk_up = nn.Linear(256, DIMENSION, bias=False)
        self.limbs = nn.ModuleList(_small() for _ in range(LIMB_STREAMS))

    def streams(self, values: Tensor, trunk: Tensor, limbs: Tensor) -> Streams:
        """values (n, 3, 256, 512), trunk (n, 3, 64, 128), limbs (n, 6, 3, 64, 64) in the order of parts.LIMBS."""
        whole = self.pooled(values)
        front_left, front_right, upper_left, lower_left, upper_right, lower_right = (
            limb(limbs[:, place]) for place, limb in enumerate(self.limbs)
        )
        legs = [front_left, front_right, upper_left + lower_left, upper_right + lower_right]
        return Streams(whole, whole + self.trunk_up(self.trunk(trunk)), whole + torch.cat(legs, 1))


def _base(depth: int) -> nn.Module:
    from torchvision.models import resnet50

    network = {50: resnet50, 152: resnet152}[depth](weights=None)
    network.layer4[0].conv2.stride = (1, 1)
    network.layer4[0].downsample[0].stride = (1, 1)
    return network


def _until_third_stage() -> nn.Sequential:
    whole = resnet34(weights=None)
    stages = (whole.conv1, whole.bn1, whole.relu, whole.maxpool, whole.layer1, whole.layer2, whole.layer3)
    return nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def _small() -> nn.Module:
    network = resnet34(weights=None)
    network.fc = nn.Identity()
    return network


def load(path: Path) -> CropNetwork:
    """The global stream with a checkpoint: `base.*` (torchvision's names) and `neck.*`; `bottleneck.*` is understood.

    The training streams in it are left out. Raises WeightsMissing.
    """
    state = read_state(path)
    state = {name.replace("bottleneck.", "neck."): value for name, value in state.items()}
    if not any(name.startswith("base.") for name in state):
        raise WeightsMissing(
            f"{path.name} is not a part-pose checkpoint: it has no global stream (base.*).",
            remedy="Use a checkpoint of modal_backend.training.part_pose, or one with base.* and neck.*.",
        )
    network = GlobalStream()
    fill(network, with_shift(state), "part-pose (ResNet152, BN-neck)", TRAINING_ONLY)
    return CropNetwork(network, PREPROCESSING, DIMENSION)
