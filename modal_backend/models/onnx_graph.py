"""Networks through ONNX Runtime: twice as fast as torch on one core, with the same weights and outputs.

The install holds a network's graph without its weights (`training/onnx_graphs.py` makes it); they are read from where
they lie for torch, and given to the graph when it is opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn

Maps = list[NDArray[np.float32]]


class Graph:
    """A network ready to run on one core a call; calls from several threads run side by side."""

    def __init__(self, path: Path, made_from: nn.Module | Mapping[str, NDArray[np.float32]]) -> None:
        """Open the graph at `path` with the weights of the torch module it was made from, or these, by their names."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        weights = made_from if isinstance(made_from, Mapping) else _weights_of(made_from)
        # kept, for the session does not copy them
        self._weights = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in weights.values()]
        options.add_external_initializers(list(weights), self._weights)
        self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._inputs = [part.name for part in self._session.get_inputs()]

    def __call__(self, *inputs: NDArray[Any]) -> Maps:
        """The network's outputs, float32, for its inputs, in the order of the torch module."""
        answers: Maps = self._session.run(None, dict(zip(self._inputs, inputs, strict=True)))
        return answers


def _weights_of(module: nn.Module) -> dict[str, NDArray[np.float32]]:
    return {key: value.detach().float().contiguous().numpy() for key, value in module.state_dict().items()}


def normalised(pictures: Sequence[NDArray[np.uint8]], mean: float, scale: float) -> NDArray[np.float32]:
    """RGB uint8 pictures of one size (height, width, 3) -> float32 (n, 3, height, width), (value - mean) / scale."""
    values = np.stack(pictures).transpose(0, 3, 1, 2).astype(np.float32)
    return np.ascontiguousarray((values - np.float32(mean)) / np.float32(scale))
