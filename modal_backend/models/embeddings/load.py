"""The network behind each embedding of the registry. No two of them share one."""

from __future__ import annotations

from pathlib import Path

from modal_backend.models.embeddings.crop_network import CropNetwork
from modal_backend.registry import ModelEntry


def load(entry: ModelEntry, path: Path) -> CropNetwork:
    """The network of a registry entry with a verified file. Raises WeightsMissing, KeyError for another task."""
    match entry.name:
        case "tiger-reid":
            from modal_backend.models.embeddings import tiger_reid

            return tiger_reid.load_imagenet(path)
        case "tiger-reid-tuned":
            from modal_backend.models.embeddings import tiger_reid

            return tiger_reid.load_tuned(path)
        case "megadescriptor" | "megadescriptor-b-224" | "megadescriptor-t-224":
            from modal_backend.models.embeddings import megadescriptor

            return megadescriptor.load(path, entry.version)
        case "miewid":
            from modal_backend.models.embeddings import miewid

            return miewid.load(path)
        case "dinov2":
            from modal_backend.models.embeddings import dinov2

            return dinov2.load(path)
        case "cvwc2019":
            from modal_backend.models.embeddings import part_pose

            return part_pose.load(path)
    raise KeyError(f"{entry.name} is no network for crops.")
