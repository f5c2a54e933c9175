"""Every model in one table: what it is for, its licence, where its weights come from, and how it runs on Modal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Task(StrEnum):
    """What a model does with its input."""

    DETECT = "detect"
    EMBED = "embed"
    LOCAL_FEATURES = "local features"
    SPECIES = "species"
    VIDEO = "video"
    FUSE = "fuse"


@dataclass(frozen=True, slots=True)
class Remote:
    """How a model runs on Modal.

    cls: name of its class in the app. gpu: Modal's name of the tier, None for CPU. cpu: cores; memory: MiB. timeout:
    seconds one call may run; startup_timeout: seconds for imports and loading; scaledown_window: idle seconds before
    a container ends; retries: by Modal, when the function itself fails or times out. batch: calls that one container
    takes together, 1 for none; wait_ms: how long it waits for them.
    """

    cls: str
    gpu: str | None = None
    cpu: float = 2.0
    memory: int = 4096
    timeout: int = 300
    startup_timeout: int = 300
    scaledown_window: int = 120
    max_containers: int = 10
    retries: int = 2
    batch: int = 1
    wait_ms: int = 50


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model. weights says where they come from; dimension is the length of an embedding.

    here: whether this version has the code that runs it; the others say so when they are asked.
    """

    name: str
    task: Task
    title: str
    licence: str
    weights: str
    dimension: int | None = None
    here: bool = True
    remote: Remote | None = None


DETECTOR = "pocket-detector"
EMBEDDING = "pocket-embedding"
LOCAL = "rapid"
LOCAL_FINE = "rapid-448"

MODELS = {
    entry.name: entry
    for entry in (
        ModelEntry(
            DETECTOR,
            Task.DETECT,
            "Pocket detector (EfficientNet-Lite2 with a small box head; animals only)",
            "MIT; backbone Apache-2.0",
            "inside the install",
            remote=Remote("PocketDetector", batch=4),
        ),
        ModelEntry(
            EMBEDDING,
            Task.EMBED,
            "Pocket embedding (EfficientNet-Lite2 features of a crop)",
            "backbone Apache-2.0",
            "inside the install",
            dimension=1280,
            remote=Remote("PocketEmbedding", batch=4),
        ),
        ModelEntry(
            LOCAL, Task.LOCAL_FEATURES, "RAPID (SIFT vote)", "MIT", "none needed", remote=Remote("RAPID", batch=4)
        ),
        ModelEntry(
            LOCAL_FINE,
            Task.LOCAL_FEATURES,
            "RAPID at 448 px with 600 keypoints (finer patterns: zebra, lion, nyala)",
            "MIT",
            "none needed",
            remote=Remote("RAPID448", batch=4),
        ),
        ModelEntry(
            "megadetector",
            Task.DETECT,
            "MegaDetector v5a.0.1 (YOLOv5x6, 1280 px; animal, person, vehicle)",
            "MIT; its inference code is GPL",
            "published file, checked by MD5",
            here=False,
            remote=Remote("MegaDetector", gpu="T4", memory=8192, batch=4, startup_timeout=600),
        ),
        ModelEntry(
            "tiger-reid",
            Task.EMBED,
            "TigerReID (ResNet50; ImageNet weights unless a checkpoint is configured)",
            "BSD-3-Clause",
            "published file, checked by SHA-256",
            dimension=2048,
            here=False,
            remote=Remote("TigerReID", gpu="T4", memory=8192, batch=4),
        ),
        ModelEntry(
            "megadescriptor",
            Task.EMBED,
            "MegaDescriptor L-384 (WildlifeTools)",
            "CC BY-NC 4.0",
            "Hugging Face BVRA/MegaDescriptor-L-384",
            dimension=1536,
            here=False,
            remote=Remote("WildlifeTools", gpu="T4", memory=8192, batch=4, startup_timeout=600),
        ),
        ModelEntry(
            "cvwc2019",
            Task.EMBED,
            "CVWC2019 part-pose (ResNet152, global stream)",
            "no licence published",
            "a checkpoint of your own",
            dimension=2048,
            here=False,
            remote=Remote("CVWC2019", gpu="T4", memory=8192),
        ),
        ModelEntry(
            "species",
            Task.SPECIES,
            "Species classifier",
            "none chosen yet",
            "none published for it yet",
            here=False,
            remote=Remote("Species", gpu="T4", memory=8192),
        ),
        ModelEntry(
            "omnivinci",
            Task.VIDEO,
            "OmniVinci video analysis",
            "code Apache-2.0; that of the weights is to be checked",
            "an API key of your own",
            here=False,
            remote=Remote("OmniVinci", timeout=1800, memory=8192, max_containers=2),
        ),
    )
}
REMOTE = {name: entry.remote for name, entry in MODELS.items() if entry.remote is not None}
