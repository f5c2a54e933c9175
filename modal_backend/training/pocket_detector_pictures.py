"""Which training pictures are drawn from which samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from modal_backend.training.pocket_detector_augment import (
    Boxes,
    Image,
    background_part,
    framed,
    weathered,
    with_info_bar,
    with_marks,
)
from modal_backend.training.pocket_detector_data import PEOPLE, Sample
from modal_backend.training.pocket_detector_paste import Cutout, background_piece, cutouts_of, pasted

# Rounds of a picture: of a source with a box, and without one. A source of few cameras is drawn less often.
ROUNDS = {"missouri_panama": (5, 4), "mlwic_ca01": (4, 2), "vole_boxes": (2, 1), "raccoon": (2, 1), "capybara": (2, 1)}
ROUNDS |= dict.fromkeys(PEOPLE, (16, 8)) | {"rabbit_openimages": (2, 1)}
TRAP_ROUNDS = (15, 11)
PASTED_SCENES = 500
TRAP_PARTS, PHOTO_PARTS = 3, 1
NOTHING = np.zeros((0, 5), np.float32)
PIECES_OF = (0.5, 0.35, 0.15)  # animal, person, vehicle


@dataclass(frozen=True, slots=True)
class Drawn:
    """One training picture.

    Attributes:
        pixels: RGB uint8 (384, 512, 3).
        boxes: in pixels, as Sample has them.
        labelled: as Sample has it.
    """

    pixels: Image
    boxes: Boxes
    labelled: tuple[bool, ...]


def drawn(samples: list[Sample], seed: int) -> Iterator[Drawn]:
    """All training pictures of the samples of one fold, the same for the same seed."""
    rng = np.random.default_rng(seed)
    for sample in samples:
        with_box, without = ROUNDS.get(sample.source, TRAP_ROUNDS)
        picture = sample.picture()
        for turn in range(with_box if len(sample.boxes) else without):
            zoom = (0.9, 1.1) if turn == 0 else _zoom(sample)
            yield _finished(*framed(picture, sample.boxes, rng, zoom), sample, rng, turn == 0)
    yield from _scenes(samples, rng)
    yield from _backgrounds(samples, rng)


def _zoom(sample: Sample) -> tuple[float, float]:
    if sample.camera_trap:
        return 0.75, 1.9
    return (0.35, 1.7) if sample.source in PEOPLE else (0.3, 1.0)


def _finished(picture: Image, boxes: Boxes, sample: Sample, rng: Generator, plain: bool) -> Drawn:
    if not plain:
        picture = weathered(picture, boxes, rng)
        if rng.random() < 0.4:
            picture, boxes = with_info_bar(picture, boxes, rng)
    return Drawn(picture, boxes, sample.labelled)


def _scenes(samples: list[Sample], rng: Generator) -> Iterator[Drawn]:
    """Camera-trap scenes with pasted pieces: animals, people, vehicles, background."""
    cutouts: list[list[Cutout]] = [[], [], []]
    for sample in samples:
        for cutout in cutouts_of(sample):
            cutouts[cutout.category].append(cutout)
    scenes = [sample for sample in samples if sample.camera_trap]
    weights = np.array([0.15 if sample.source == "mlwic_ca01" else 1.0 for sample in scenes])
    for _ in range(PASTED_SCENES):
        scene = scenes[rng.choice(len(scenes), p=weights / weights.sum())]
        picture, boxes = framed(scene.picture(), scene.boxes, rng, (0.95, 1.9))
        for _ in range(rng.integers(0, 3)):
            other = samples[rng.integers(len(samples))]
            piece = background_piece(other.picture(), other.boxes, rng)
            if piece is not None:
                picture, boxes = pasted(picture, boxes, piece, rng)
        for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
            picture, boxes = pasted(picture, boxes, _picked(cutouts, rng), rng)
        yield _finished(picture, boxes, scene, rng, plain=False)


def _picked(cutouts: list[list[Cutout]], rng: Generator) -> Cutout:
    there = np.array([share if kind else 0.0 for share, kind in zip(PIECES_OF, cutouts, strict=True)])
    kind = cutouts[rng.choice(len(cutouts), p=there / there.sum())]
    return kind[rng.integers(len(kind))]


def _backgrounds(samples: list[Sample], rng: Generator) -> Iterator[Drawn]:
    """Parts without boxes of all pictures, enlarged, half of them with marks on the ground."""
    for sample in samples:
        picture = sample.picture()
        parts = PHOTO_PARTS if not sample.camera_trap or sample.source == "mlwic_ca01" else TRAP_PARTS
        for _ in range(parts):
            part = background_part(picture, sample.boxes, rng)
            if part is not None:
                scene, _ = framed(part, NOTHING, rng, (0.9, 1.6))
                scene = with_marks(scene, rng) if rng.random() < 0.5 else scene
                yield _finished(scene, NOTHING, sample, rng, plain=rng.random() < 0.25)
