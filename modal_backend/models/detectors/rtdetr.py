"""MegaDetector v6, Apache-licensed: RT-DETRv2 (Lv et al., arXiv 2407.17140) as `MDV6-apa-rtdetr-c` and `-e`.

The published .pth files keep the layout of their training code; transformers has the same network under other names.
`present_names` maps one onto the other. Input: the whole picture squashed to 640 x 640, divided by 255, nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import RTDetrResNetConfig, RTDetrV2Config, RTDetrV2ForObjectDetection

from modal_backend.contracts import Box, Category, Detection, Picture
from modal_backend.models.embeddings.checkpoint import State, fill, read_state
from modal_backend.models.embeddings.crop_network import moved

SIDE = 640
MOST_BOXES = 100
RAW_FLOOR = 0.005
BATCH_CPU, BATCH_GPU = 4, 32
PREPROCESSING = "squash 640x640 bilinear antialias, /255"
CATEGORIES = (Category.ANIMAL, Category.PERSON, Category.VEHICLE)
BACKBONES: dict[str, dict[str, Any]] = {
    "MDV6-apa-rtdetr-c": {"layer_type": "basic", "depths": [2, 2, 2, 2], "hidden_sizes": [64, 128, 256, 512]},
    "MDV6-apa-rtdetr-e": {"layer_type": "bottleneck", "depths": [3, 4, 23, 3], "hidden_sizes": [256, 512, 1024, 2048]},
}
TRANSFORMERS: dict[str, dict[str, Any]] = {
    "MDV6-apa-rtdetr-c": {
        "encoder_in_channels": [128, 256, 512],
        "hidden_expansion": 0.5,
        "decoder_layers": 3,
    },
    "MDV6-apa-rtdetr-e": {
        "encoder_in_channels": [512, 1024, 2048],
        "encoder_hidden_dim": 384,
        "encoder_ffn_dim": 2048,
        "decoder_in_channels": [384, 384, 384],
        "decoder_layers": 6,
    },
}
UNUSED = [r"decoder\.(anchors|valid_mask)$"]
# Names of the training code -> names of transformers, in this order.
RENAMED: list[tuple[str, str | Callable[[re.Match[str]], str]]] = [
    (r"^backbone\.conv1\.conv1_(\d)\.", lambda m: f"model.backbone.model.embedder.embedder.{int(m[1]) - 1}."),
    (r"^backbone\.res_layers\.(\d+)\.blocks\.(\d+)\.", r"model.backbone.model.encoder.stages.\1.layers.\2."),
    (r"\.short\.conv\.(conv|norm)\.", r".shortcut.1.\1."),
    (r"\.short\.", ".shortcut."),
    (r"\.branch2([abc])\.", lambda m: f".layer.{'abc'.index(m[1])}."),
    (r"^(model\.backbone\..*)\.conv\.", r"\1.convolution."),
    (r"^(model\.backbone\..*)\.norm\.", r"\1.normalization."),
    (r"^(encoder|decoder)\.input_proj\.(\d)\.conv\.", r"model.\1_input_proj.\2.0."),
    (r"^(encoder|decoder)\.input_proj\.(\d)\.norm\.", r"model.\1_input_proj.\2.1."),
    (r"^encoder\.encoder\.(\d+)\.(.*)\.norm2\.", r"encoder.aifi.\1.\2.final_layer_norm."),
    (r"^encoder\.encoder\.", "encoder.aifi."),
    (r"^encoder\.", "model.encoder."),
    (r"^decoder\.decoder\.(.*)\.norm2\.", r"model.decoder.\1.encoder_attn_layer_norm."),
    (r"^decoder\.decoder\.(.*)\.norm3\.", r"model.decoder.\1.final_layer_norm."),
    (r"^decoder\.decoder\.", "model.decoder."),
    (r"\.cross_attn\.num_points_scale$", ".encoder_attn.n_points_scale"),
    (r"\.cross_attn\.", ".encoder_attn."),
    (r"\.norm1\.", ".self_attn_layer_norm."),
    (r"\.self_attn\.out_proj\.", ".self_attn.o_proj."),
    (r"\.linear([12])\.", r".mlp.fc\1."),
    (r"^decoder\.enc_output\.proj\.", "model.enc_output.0."),
    (r"^decoder\.enc_output\.norm\.", "model.enc_output.1."),
    (r"^decoder\.(enc_score_head|enc_bbox_head|denoising_class_embed)\.", r"model.\1."),
    (r"^decoder\.query_pos_head\.", "model.decoder.query_pos_head."),
    (r"^decoder\.dec_score_head\.", "class_embed."),
    (r"^decoder\.dec_bbox_head\.", "bbox_embed."),
]


def network_of(version: str) -> RTDetrV2ForObjectDetection:
    """The network of a version, without weights."""
    backbone = RTDetrResNetConfig(  # type: ignore[call-arg]
        embedding_size=64,
        downsample_in_first_stage=False,
        downsample_in_bottleneck=False,
        out_features=["stage2", "stage3", "stage4"],
        **BACKBONES[version],
    )
    return RTDetrV2ForObjectDetection(
        RTDetrV2Config(backbone_config=backbone, num_labels=len(CATEGORIES), **TRANSFORMERS[version])  # type: ignore[call-arg]
    )


def present_names(state: State) -> State:
    """The training code's tensors under transformers' names; attention's joint projection is cut into its three."""
    found: State = {}
    for old, value in state.items():
        name = old
        for pattern, new in RENAMED:
            name = re.sub(pattern, new, name)
        joint = re.match(r"(.*)\.in_proj_(weight|bias)$", name)
        if joint:
            for part, rows in zip("qkv", value.chunk(3), strict=True):
                found[f"{joint[1]}.{part}_proj.{joint[2]}"] = rows
        else:
            found[name] = value
        if name.startswith(("class_embed.", "bbox_embed.")):
            found[f"model.decoder.{name}"] = value
    return found


class RTDetr:
    """Finds animals, people and vehicles in squashed pictures."""

    preprocessing = PREPROCESSING

    def __init__(self, network: RTDetrV2ForObjectDetection) -> None:
        self.network = network.eval().requires_grad_(False)
        self._device = torch.device("cpu")

    @classmethod
    def load(cls, path: Path, version: str) -> RTDetr:
        """The network with a published file. Raises WeightsMissing."""
        network = network_of(version)
        # The backbone's batch norms are frozen in transformers and have no counter.
        state = {k: v for k, v in read_state(path).items() if not k.endswith("num_batches_tracked")}
        fill(network, present_names(state), version, UNUSED)
        return cls(network)

    @staticmethod
    def prepare(picture: Picture) -> Picture:
        """An RGB uint8 picture squashed to 640 x 640."""
        image = Image.fromarray(np.ascontiguousarray(picture))
        return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR))

    def detect_prepared(self, batch: Sequence[Picture]) -> list[list[Detection]]:
        """One list of at most 100 detections a squashed picture, best first, from RAW_FLOOR up."""
        self._device = moved(self.network, self._device)
        size = BATCH_GPU if self._device.type == "cuda" else BATCH_CPU
        groups = (batch[start : start + size] for start in range(0, len(batch), size))
        return [found for group in groups for found in self._group(group)]

    @torch.inference_mode()
    def _group(self, batch: Sequence[Picture]) -> list[list[Detection]]:
        values = torch.from_numpy(np.stack(batch)).permute(0, 3, 1, 2).to(self._device).float().div_(255)
        with torch.autocast(self._device.type, torch.float16, enabled=self._device.type == "cuda"):
            answer = self.network(values)
        return [_detections(*pair) for pair in zip(answer.logits.float(), answer.pred_boxes.float(), strict=True)]


def _detections(logits: Tensor, boxes: Tensor) -> list[Detection]:
    """(queries, 3) logits and (queries, 4) boxes (centre x, y, width, height, 0 to 1) of one picture."""
    scores, places = logits.sigmoid().flatten().topk(MOST_BOXES)
    found = []
    for score, place in zip(scores.tolist(), places.tolist(), strict=True):
        if score < RAW_FLOOR:
            break
        x, y, width, height = boxes[place // len(CATEGORIES)].tolist()
        left, top = max(x - width / 2, 0.0), max(y - height / 2, 0.0)
        right, bottom = min(x + width / 2, 1.0), min(y + height / 2, 1.0)
        if right > left and bottom > top:
            box = Box(left, top, right - left, bottom - top)
            found.append(Detection(CATEGORIES[place % len(CATEGORIES)], round(score, 4), box))
    return found
