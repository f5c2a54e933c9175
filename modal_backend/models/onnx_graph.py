"""Networks through ONNX Runtime: twice as fast as torch on one core, with the same weights and outputs.

The install holds a network's graph without its weights (`training/onnx_graphs.py` makes it). A graph of published
weights knows at which bytes of their file each lies, so that nothing but the file is read; torch is not needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modal_backend.errors import WeightsMissing

FILE = "weights"  # what graphs call the file of their weights
Maps = list[NDArray[np.float32]]
Weights = Mapping[str, NDArray[np.float32]]


class Graph:
    """A network ready to run on one core a call; calls from several threads run side by side."""

    def __init__(self, path: Path, weights: Weights | bytes) -> None:
        """Open the graph at `path` with its weights, by their names or as the file whose places the graph knows."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        if isinstance(weights, bytes):
            options.add_external_initializers_from_files_in_memory([FILE], [weights], [len(weights)])
        else:
            # kept, for the session does not copy them
            self._weights = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in weights.values()]
            options.add_external_initializers(list(weights), self._weights)
        self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._inputs = [part.name for part in self._session.get_inputs()]

    def __call__(self, *inputs: NDArray[Any]) -> Maps:
        """The network's outputs, float32, for its inputs, in the order of the graph."""
        answers: Maps = self._session.run(None, dict(zip(self._inputs, inputs, strict=True)))
        return answers


def published_weights(path: Path, sha256: str) -> bytes:
    """The content of a file of weights that comes with the install.

    Raises:
        WeightsMissing: it is absent or has not this SHA-256.
    """
    data = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(data).hexdigest() != sha256:
        raise WeightsMissing(
            f"{path.name} is missing or is not the published file (its SHA-256 differs).",
            remedy="Install Pugmark again: pip install --force-reinstall -r requirements.txt",
        )
    return data


def normalised(pictures: Sequence[NDArray[np.uint8]], mean: float, scale: float) -> NDArray[np.float32]:
    """RGB uint8 pictures of one size (height, width, 3) -> float32 (n, 3, height, width), (value - mean) / scale."""
    values = np.stack(pictures).transpose(0, 3, 1, 2).astype(np.float32)
    return np.ascontiguousarray((values - np.float32(mean)) / np.float32(scale))
