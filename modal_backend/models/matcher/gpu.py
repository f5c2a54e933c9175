"""Whether the matcher's networks run on a GPU; torch is imported only where one may be."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn


def gpu_there() -> bool:
    """Whether torch can compute on a GPU here: false without an NVIDIA driver, which is cheap to see."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    import torch

    return torch.cuda.is_available()


def on_gpu(network: nn.Module) -> Callable[..., list[NDArray[Any]]]:
    """A torch network on the GPU as a function of arrays, like `onnx_graph.Graph`."""
    import torch

    network = network.cuda()

    @torch.inference_mode()
    def run(*inputs: NDArray[Any]) -> list[NDArray[Any]]:
        return [part.cpu().numpy() for part in network(*(torch.from_numpy(values).cuda() for values in inputs))]

    return run
