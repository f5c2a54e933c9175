"""The heads of the pocket detector as torch networks."""

from __future__ import annotations

import torch

from modal_backend.models.onnx_graph import Weights
from modal_backend.training.box_head import BoxHead


def head_with(weights: Weights) -> BoxHead:
    """A head with these weights, in evaluation mode."""
    head = BoxHead()
    head.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()})
    return head.eval()
