"""Published weights for the Modal Volume: where they come from, and the hash every file must have."""

from __future__ import annotations

import hashlib
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from modal_backend.errors import WeightsMissing


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file below the weights folder. digest: the beginning of its hash in hexadecimal, as it was published."""

    model: str
    path: str
    url: str
    algorithm: str
    digest: str


PUBLISHED = (
    # github.com/agentmorris/MegaDetector, release v5.0; MD5 from the package's table of known models
    WeightFile(
        "megadetector",
        "megadetector/md_v5a.0.1.pt",
        "https://github.com/agentmorris/MegaDetector/releases/download/v5.0/md_v5a.0.1.pt",
        "md5",
        "60f8e7ec1308554df258ed1f4040bc4f",
    ),
    # torchvision ResNet50_Weights.IMAGENET1K_V2; the name carries the beginning of the SHA-256
    WeightFile(
        "tiger-reid",
        "tiger-reid/resnet50-11ad3fa6.pth",
        "https://download.pytorch.org/models/resnet50-11ad3fa6.pth",
        "sha256",
        "11ad3fa6",
    ),
)


def fetch(folder: Path, file: WeightFile) -> str:
    """Bring one file into the folder unless it is there; returns one sentence. Raises WeightsMissing, OSError."""
    place = folder / file.path
    if place.is_file():
        verify(place, file)
        return f"{file.path}: there already, its {file.algorithm} is right."
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(place.name + ".part")
    urllib.request.urlretrieve(file.url, part)
    try:
        verify(part, file)
    except WeightsMissing:
        part.unlink()
        raise
    part.replace(place)
    return f"{file.path}: fetched, its {file.algorithm} is right."


def verify(place: Path, file: WeightFile) -> None:
    """Raises WeightsMissing when a file is not the published one."""
    with place.open("rb") as opened:
        found = hashlib.file_digest(opened, file.algorithm).hexdigest()
    if not found.startswith(file.digest):
        raise WeightsMissing(
            f"{file.path} is not the published file (its {file.algorithm} is {found}).",
            remedy="Remove it from the Volume and run: modal run -m modal_backend.modal_app::download_weights",
        )
