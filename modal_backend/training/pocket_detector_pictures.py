"""Which training pictures are drawn from which samples, and the features of all of them on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from modal_backend.models.detectors import efficientnet_lite
from modal_backend.models.detectors.pocket_detector import Features, network_input
from modal_backend.training.pocket_detector_augment import (
    HEIGHT,
    WIDTH,
    Boxes,
    Image,
    background_part,
    framed,
    weathered,
    with_info_bar,
    with_marks,
)
from modal_backend.training.pocket_detector_data import FOLDS, Sample, is_camera_trap
from modal_backend.training.pocket_detector_paste import Cutout, background_piece, cutouts_of, pasted

TRAP_ROUNDS, EMPTY_ROUNDS, PHOTO_ROUNDS, PASTED_SCENES = 18, 12, 2, 1100
TRAP_PARTS, PHOTO_PARTS = 5, 2
SHAPES = ((48, HEIGHT // 8, WIDTH // 8), (120, HEIGHT // 16, WIDTH // 16), (1280, HEIGHT // 32, WIDTH // 32))


@dataclass(frozen=True, slots=True)
class Drawn:
    """One training picture: RGB uint8 (480, 640, 3), its boxes in pixels, the fold that may not see it (-1: none)."""

    pixels: Image
    boxes: Boxes
    fold: int


def drawn(samples: list[Sample], seed: int) -> Iterator[Drawn]:
    """All training pictures, the same for the same seed."""
    rng = np.random.default_rng(seed)
    for sample in samples:
        trap, empty = is_camera_trap(sample.source), not len(sample.boxes)
        rounds = EMPTY_ROUNDS if empty else TRAP_ROUNDS if trap else PHOTO_ROUNDS
        picture = sample.picture()
        for turn in range(rounds):
            zoom = (0.9, 1.1) if turn == 0 else (0.75, 1.9) if trap else (0.3, 1.0)
            yield _finished(*framed(picture, sample.boxes, rng, zoom), sample.fold, rng, turn == 0)
    yield from _scenes(samples, rng)
    yield from _backgrounds(samples, rng)


def _finished(picture: Image, boxes: Boxes, fold: int, rng: Generator, plain: bool) -> Drawn:
    if plain:
        return Drawn(picture, boxes, fold)
    picture = weathered(picture, rng)
    if rng.random() < 0.4:
        picture, boxes = with_info_bar(picture, boxes, rng)
    return Drawn(picture, boxes, fold)


def _scenes(samples: list[Sample], rng: Generator) -> Iterator[Drawn]:
    """Camera-trap scenes with pasted animals and pieces of background; scene and camera-trap animals of one fold."""
    animals = [cutout for sample in samples if len(sample.boxes) for cutout in cutouts_of(sample)]
    trap_scenes = [sample for sample in samples if is_camera_trap(sample.source)]
    print(f"{len(animals)} animals cut out")
    for _ in range(PASTED_SCENES):
        scene = trap_scenes[rng.integers(len(trap_scenes))]
        usable = [a for a in animals if a.fold in (-1, scene.fold)]
        picture, boxes = framed(scene.picture(), scene.boxes, rng, (0.95, 1.9))
        for _ in range(rng.integers(0, 3)):
            other = samples[rng.integers(len(samples))]
            if other.fold in (-1, scene.fold):
                piece = background_piece(other.picture(), other.boxes, rng)
                if piece is not None:
                    picture, boxes = pasted(picture, boxes, piece, rng, animal=False)
        for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
            picture, boxes = pasted(picture, boxes, _picked(usable, rng), rng, animal=True)
        yield _finished(picture, boxes, scene.fold, rng, plain=False)


def _backgrounds(samples: list[Sample], rng: Generator) -> Iterator[Drawn]:
    """Parts without animals of all pictures, enlarged, half of them with marks on the ground."""
    nothing = np.zeros((0, 4), np.float32)
    for sample in samples:
        picture = sample.picture()
        for _ in range(TRAP_PARTS if is_camera_trap(sample.source) else PHOTO_PARTS):
            part = background_part(picture, sample.boxes, rng)
            if part is not None:
                scene, _ = framed(part, nothing, rng, (0.9, 1.6))
                scene = with_marks(scene, rng) if rng.random() < 0.5 else scene
                yield _finished(scene, nothing, sample.fold, rng, plain=rng.random() < 0.25)


def _picked(animals: list[Cutout], rng: Generator) -> Cutout:
    return animals[rng.integers(len(animals))]


class FeatureStore:
    """Frozen features of the training pictures, float16 on disk, read through the page cache."""

    def __init__(self, folder: Path) -> None:
        self.maps = [np.load(folder / f"{level}.npy", mmap_mode="r") for level in range(3)]
        facts = np.load(folder / "boxes.npz", allow_pickle=False)
        self.folds: NDArray[np.int64] = facts["folds"]
        self._doubtful: NDArray[np.bool_] = facts["doubtful"]
        self._boxes, self._starts = facts["boxes"], facts["starts"]

    def boxes(self, index: int) -> Boxes:
        """Boxes (n, 4) of one training picture, pixels."""
        return self._boxes[self._starts[index] : self._starts[index + 1]]

    def batch(self, indices: NDArray[np.int64]) -> list[torch.Tensor]:
        """The three feature maps of several training pictures."""
        return [torch.from_numpy(np.stack([part[i] for i in indices])) for part in self.maps]

    def excluding(self, fold: int) -> NDArray[np.int64]:
        """Indices a model tested on `fold` may see; all of them for -1."""
        return np.flatnonzero(((self.folds != fold) | (fold < 0)) & ~self._doubtful)


def store_features(samples: list[Sample], folder: Path, seed: int) -> FeatureStore:
    """Draw all training pictures and keep their features below `folder` (about 1.5 MB each)."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = list(drawn(samples, seed))
    print(f"{len(pictures)} training pictures, folds {[sum(p.fold == f for p in pictures) for f in range(-1, FOLDS)]}")
    network = Features()
    maps = [
        np.lib.format.open_memmap(folder / f"{level}.npy", "w+", np.float16, (len(pictures), *shape))
        for level, shape in enumerate(SHAPES)
    ]
    doubtful = np.zeros(len(pictures), bool)
    with torch.inference_mode():
        for index, picture in enumerate(pictures):
            features = network(network_input(picture.pixels))
            for part, values in zip(maps, features, strict=True):
                part[index] = values[0].half().numpy()
            doubtful[index] = picture.fold < 0 and not len(picture.boxes) and _animal_odds(features[2]) > 0
    starts = np.cumsum([0] + [len(p.boxes) for p in pictures])
    folds = np.array([p.fold for p in pictures])
    np.savez(
        folder / "boxes.npz",
        boxes=np.concatenate([p.boxes for p in pictures]),
        starts=starts,
        folds=folds,
        doubtful=doubtful,
    )
    return FeatureStore(folder)


def _animal_odds(top: torch.Tensor) -> float:
    """Log odds of the ImageNet classifier that a picture (1, 1280, h, w) shows an animal (classes 0 to 397).

    The photographs name one species only: a part without a box may still hold another animal.
    """
    classes = efficientnet_lite.backbone()._fc(top.mean((2, 3)))[0]
    return float(classes[:398].logsumexp(0) - classes[398:].logsumexp(0))
