"""The pocket detector's pictures: sources marked `train`, in folds so that one place is never on both sides."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

FOLDS = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture and its boxes: float32 (n, 4), left, top, right, bottom in pixels. fold -1: always trained on."""

    source: str
    path: Path
    boxes: NDArray[np.float32]
    fold: int

    def picture(self) -> NDArray[np.uint8]:
        """RGB uint8 (height, width, 3). Raises FileNotFoundError."""
        picture = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if picture is None:
            raise FileNotFoundError(self.path)
        return np.ascontiguousarray(picture[:, :, ::-1])


def is_camera_trap(source: str) -> bool:
    """Whether a source holds real camera-trap pictures or empty parts of them."""
    return source.startswith(("hand_", "empty_"))


def fold_of(group: str) -> int:
    """A group's fold, the same on every run."""
    return int(hashlib.sha256(group.encode()).hexdigest(), 16) % FOLDS


def read_sources(root: Path, use: str = "train") -> tuple[list[Sample], dict[str, str]]:
    """All samples below `root`/<source>/annotations.json whose info.use is `use`, and each source's licence.

    A camera-trap picture's fold comes from source and group; a group named source:group is taken as it stands, so that
    an empty part falls into the fold of the picture it was cut from.
    """
    samples, licences = [], {}
    for file in sorted(root.glob("*/annotations.json")):
        facts = json.loads(file.read_text(encoding="utf-8"))
        if facts["info"]["use"] != use:
            continue
        source = file.parent.name
        licences[source] = facts["info"]["licence"]
        boxes: dict[int, list[list[float]]] = {image["id"]: [] for image in facts["images"]}
        for note in facts["annotations"]:
            x, y, w, h = note["bbox"]
            boxes[note["image_id"]].append([x, y, x + w, y + h])
        for image in facts["images"]:
            group = image.get("group", image["file_name"])
            key = group if ":" in group else f"{source}:{group}"
            fold = fold_of(key) if is_camera_trap(source) else -1
            array = np.array(boxes[image["id"]], np.float32).reshape(-1, 4)
            samples.append(Sample(source, file.parent / "images" / image["file_name"], array, fold))
    return samples, licences
