"""Crops of known individuals for training: read a folder, keep clips apart, draw identity-balanced batches.

Two layouts are read. Ours: `identities.csv` with the columns path, identity and, where they are known, clip, flank and
keypoints (45 numbers, JSON). ATRW's: `reid_list_train.csv` (identity,file without a header), pictures beside it or in
`train/`, and `reid_keypoints_train.json`; its identities are flanks already, and a run of consecutive file numbers of
one identity is taken for one clip.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image, ImageOps

from modal_backend.contracts import Picture

CLIP_GAP = 5


class UnusableFolder(ValueError):
    """The folder does not hold crops of known individuals in a layout that is read."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One crop.

    Attributes:
        identity: the individual and its flank.
        clip: what must not be on both sides of a split.
        keypoints: x, y, visible of ATRW's 15, in pixels of the picture.
    """

    path: Path
    identity: str
    clip: str
    keypoints: tuple[float, ...] | None = None


def read_folder(folder: Path) -> list[Sample]:
    """Every crop the folder lists. Raises UnusableFolder with what is missing."""
    if (folder / "identities.csv").is_file():
        return _ours(folder)
    if (folder / "reid_list_train.csv").is_file():
        return _atrw(folder)
    raise UnusableFolder(f"{folder} has neither identities.csv nor reid_list_train.csv.")


def _ours(folder: Path) -> list[Sample]:
    with (folder / "identities.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"path", "identity"} <= set(rows[0]):
        raise UnusableFolder("identities.csv needs the columns path and identity.")
    return [
        Sample(
            folder / row["path"],
            f"{row['identity']} {row['flank']}" if row.get("flank") else row["identity"],
            f"{row['identity']}/{row.get('clip') or row['path']}",
            tuple(json.loads(row["keypoints"])) if row.get("keypoints") else None,
        )
        for row in rows
    ]


def _atrw(folder: Path) -> list[Sample]:
    points: dict[str, list[float]] = {}
    if (folder / "reid_keypoints_train.json").is_file():
        points = json.loads((folder / "reid_keypoints_train.json").read_text(encoding="utf-8"))
    pictures = folder / "train" if (folder / "train").is_dir() else folder
    by_identity: dict[str, list[str]] = defaultdict(list)
    with (folder / "reid_list_train.csv").open(newline="", encoding="utf-8-sig") as file:
        for row in csv.reader(file):
            if len(row) == 2:
                by_identity[row[0].strip()].append(row[1].strip())
    found = []
    for identity, names in by_identity.items():
        names.sort()
        clip = 0
        for before, name in pairwise([names[0], *names]):
            clip += abs(_number(name) - _number(before)) > CLIP_GAP
            keypoints = tuple(points[name]) if name in points else None
            found.append(Sample(pictures / name, identity, f"{identity}/{clip}", keypoints))
    return found


def _number(name: str) -> int:
    digits = "".join(character for character in Path(name).stem if character.isdigit())
    return int(digits) if digits else 0


def split(samples: Sequence[Sample], share: float = 0.2, seed: int = 0) -> tuple[list[Sample], list[Sample]]:
    """Training and validation samples; no clip is on both sides.

    About `share` of the clips of every identity that has at least two; one with a single clip is trained on only.
    """
    clips: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        clips[sample.identity].add(sample.clip)
    held: set[str] = set()
    random = Random(seed)
    for identity in sorted(clips):
        ordered = sorted(clips[identity])
        random.shuffle(ordered)
        if len(ordered) > 1:
            held.update(ordered[: max(1, round(share * len(ordered)))])
    return [sample for sample in samples if sample.clip not in held], [
        sample for sample in samples if sample.clip in held
    ]


def identity_batches(
    samples: Sequence[Sample], identities: int, each: int, seed: int
) -> Iterator[list[tuple[Sample, int]]]:
    """One epoch of batches of `identities` x `each` samples with their class, every identity once.

    An identity with fewer samples gives some of them twice. What does not fill a batch of two identities is left out.
    """
    by_identity: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_identity[sample.identity].append(sample)
    classes = {identity: number for number, identity in enumerate(sorted(by_identity))}
    random = Random(seed)
    order = sorted(by_identity)
    random.shuffle(order)
    for start in range(0, len(order), identities):
        group = order[start : start + identities]
        if len(group) < 2:
            return
        batch = []
        for identity in group:
            pool = by_identity[identity]
            drawn = random.sample(pool, each) if len(pool) >= each else random.choices(pool, k=each)
            batch += [(sample, classes[identity]) for sample in drawn]
        yield batch


def picture_of(sample: Sample) -> Picture:
    """The crop, upright, RGB uint8."""
    with Image.open(sample.path) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def varied(crop: Picture, random: Random) -> Picture:
    """The crop shifted by up to a tenth and a little lighter or darker; never mirrored: a flank is not its mirror."""
    height, width = crop.shape[:2]
    left, right = (round(random.uniform(0, 0.1) * width) for _ in range(2))
    top, bottom = (round(random.uniform(0, 0.1) * height) for _ in range(2))
    cut = crop[top : max(height - bottom, top + 1), left : max(width - right, left + 1)]
    light, contrast = random.uniform(-20, 20), random.uniform(0.85, 1.15)
    return np.clip((cut.astype(np.float32) - 128) * contrast + 128 + light, 0, 255).astype(np.uint8)
