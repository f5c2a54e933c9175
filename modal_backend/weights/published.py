"""The weight files that are published: address, size and hash of each, as their publishers give them.

MegaDetector: MD5 from the table of known models in the megadetector package 10.0.28. MDv6 (Apache): Zenodo record
15398270, which tells the MD5. ResNet50: torchvision's ResNet50_Weights.IMAGENET1K_V2, whose file name carries the
beginning of the SHA-256. Hugging Face tells the SHA-256 with the download. A hash told with a download is pinned
beside the file and checked from then on.
"""

from __future__ import annotations

from dataclasses import dataclass

HUGGING_FACE = "https://huggingface.co"
MD_RELEASES = "https://github.com/agentmorris/MegaDetector/releases/download"
ZENODO_RECORD = "https://zenodo.org/api/records/15398270"
ZENODO_FILES = "https://zenodo.org/records/15398270/files"


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file below the weights folder.

    url: where it is published, empty when nobody does. algorithm, digest: hash ("md5" or "sha256") and its beginning
    in hexadecimal as published, empty when it is told with the download. size: bytes, where it is known. record:
    address of a Zenodo record that tells size and MD5.
    """

    path: str
    url: str = ""
    algorithm: str = ""
    digest: str = ""
    size: int | None = None
    record: str = ""


def _md(version: str, release: str, md5: str) -> WeightFile:
    name = f"md_{version}.pt"
    return WeightFile(f"megadetector/{name}", f"{MD_RELEASES}/{release}/{name}", "md5", md5)


def _apa(version: str) -> WeightFile:
    return WeightFile(f"megadetector/{version}.pth", f"{ZENODO_FILES}/{version}.pth?download=1", record=ZENODO_RECORD)


def _hugging_face(path: str, repository: str, file: str, digest: str = "", size: int | None = None) -> WeightFile:
    url = f"{HUGGING_FACE}/{repository}/resolve/main/{file}"
    return WeightFile(path, url, "sha256" if digest else "", digest, size)


MEGADETECTOR = {
    "v5a.0.1": _md("v5a.0.1", "v5.0", "60f8e7ec1308554df258ed1f4040bc4f"),
    "v5b.0.1": _md("v5b.0.1", "v5.0", "f17ed6fedfac2e403606a08c89984905"),
    "v1000.0.0-redwood": _md("v1000.0.0-redwood", "v1000.0", "74474b3aec9cf1a990da38b37ddf9197"),
    "v1000.0.0-spruce": _md("v1000.0.0-spruce", "v1000.0", "1c9d1d2b3ba54931881471fdd508e6f2"),
}
APA = {version: _apa(version) for version in ("MDV6-apa-rtdetr-e", "MDV6-apa-rtdetr-c")}
RESNET50 = WeightFile(
    "tiger-reid/resnet50-11ad3fa6.pth",
    "https://download.pytorch.org/models/resnet50-11ad3fa6.pth",
    "sha256",
    "11ad3fa6",
)
RESNET152 = WeightFile(
    "cvwc2019/resnet152-f82ba261.pth",
    "https://download.pytorch.org/models/resnet152-f82ba261.pth",
    "sha256",
    "f82ba261",
)
TIGER_CHECKPOINT = WeightFile("tiger-reid/checkpoint.pth")
MEGADESCRIPTOR = {
    version: _hugging_face(
        f"megadescriptor/MegaDescriptor-{version}.bin", f"BVRA/MegaDescriptor-{version}", "pytorch_model.bin"
    )
    for version in ("L-384", "B-224", "T-224")
}
MIEWID = _hugging_face("miewid/miewid-msv3.safetensors", "conservationxlabs/miewid-msv3", "model.safetensors")
DINOV2 = _hugging_face(
    "dinov2/dinov2-small.safetensors",
    "facebook/dinov2-small",
    "model.safetensors",
    "ae1e99fcefd534ed978cdeb8326f08030c96e28b7a81ffcbc98a857c84d14be1",
    88_249_960,
)
PART_POSE_CHECKPOINT = WeightFile("cvwc2019/checkpoint.pth")
SPECIESNET = (WeightFile("speciesnet/classifier.pt"), WeightFile("speciesnet/labels.txt"))
