"""What the models say about the crops of a labelled table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from modal_backend.models.matcher.matched import Matched
from modal_backend.models.probability.calibration import PARTS

if TYPE_CHECKING:
    from modal_backend.contracts import LocalFeatures, Picture

Row = Mapping[str, str]


@dataclass(slots=True)
class Described:
    """What the models said about the crops of a table, by row number.

    Attributes:
        failed: what could not be read, with why.
    """

    about: dict[str, str]
    local: dict[int, LocalFeatures] = field(default_factory=dict)
    vectors: dict[int, Any] = field(default_factory=dict)
    matched: Matched = field(default_factory=Matched)
    failed: list[dict[str, str]] = field(default_factory=list)

    def has(self, row: int) -> bool:
        """Whether the crop could be read."""
        return row in self.local or row in self.vectors or row in self.matched.points


def describe(rows: Sequence[Row], folder: Path, model: str) -> Described:
    """Describe every crop as the model needs it. Raises WeightsMissing."""
    parts = PARTS.get(model, (model,))
    described = Described({})
    readers = [_reader(part) for part in parts]
    kept = [_kept(described, part) for part in parts]
    described.about = {
        key: " + ".join(filter(None, (about[key] for _, about in readers)))
        for key in ("version", "preprocessing", "weights_sha256")
    }
    for number, row in enumerate(rows):
        try:
            picture = _picture(folder / row["path"])
        except (OSError, ValueError, SyntaxError) as error:
            described.failed.append({"path": row["path"], "reason": f"The picture cannot be read: {error}"})
            continue
        for values, (read, _) in zip(kept, readers, strict=True):
            values[number] = read(picture)
    return described


def _kept(described: Described, part: str) -> dict[int, Any]:
    if part == "xfeat":
        return described.matched.points
    return described.local if part.startswith("rapid") else described.vectors


def _reader(part: str) -> tuple[Any, dict[str, str]]:
    if part == "xfeat":
        return _points_reader()
    return _local_reader(part) if part.startswith("rapid") else _vector_reader()


def _points_reader() -> tuple[Any, dict[str, str]]:
    from modal_backend.models.matcher import features, pairs

    reader = features.XFeatReader()
    about = {
        "version": f"{features.VERSION}, {pairs.NAME} {pairs.VERSION}",
        "preprocessing": f"{features.PREPROCESSING}; {pairs.PREPROCESSING}",
        "weights_sha256": features.WEIGHTS_SHA256,
    }
    return reader.read, about


def _local_reader(model: str) -> tuple[Any, dict[str, str]]:
    from modal_backend.models.rapid import features

    profile, preprocessing = features.PROFILES[model]
    about = {"version": features.VERSION, "preprocessing": preprocessing, "weights_sha256": ""}
    return lambda picture: features.extract(picture, profile), about


def _vector_reader() -> tuple[Any, dict[str, str]]:
    from modal_backend.models.embeddings.pocket_embedding import PocketEmbedding

    model = PocketEmbedding()
    model.load()
    about = {
        "version": model.VERSION,
        "preprocessing": model.PREPROCESSING,
        "weights_sha256": model.weights_sha256,
    }
    return lambda picture: model.embed([picture])[0], about


def _picture(path: Path) -> Picture:
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
