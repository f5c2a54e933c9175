"""Pairs of crops whose animals and backgrounds are known: cut-out animals pasted on backgrounds."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from modal_backend.contracts import Picture
from tests.support.striped import picture as striped

WIDTH = 480
Cutout = tuple[Picture, NDArray[np.float32]]


@dataclass(frozen=True)
class Pair:
    """Two crops (RGB uint8) with the masks of their animals; which animal and which background each has."""

    first: Picture
    second: Picture
    first_mask: NDArray[np.float32]
    second_mask: NDArray[np.float32]
    same_animal: bool
    same_background: bool


def coats(count: int = 12) -> list[list[Cutout]]:
    """Generated coats cut out as ellipses; three pictures of each animal."""
    found = []
    for animal in range(count):
        shots = []
        for shot in range(3):
            coat = (striped(animal, shot) * np.array([1.0, 0.8, 0.55])).astype(np.uint8)
            high, wide = coat.shape[:2]
            y, x = np.mgrid[:high, :wide]
            inside = ((x / wide - 0.5) / 0.48) ** 2 + ((y / high - 0.5) / 0.46) ** 2 < 1
            shots.append((coat, cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 2)))
        found.append(shots)
    return found


def tigers(folder: Path, only: Collection[str] | None = None) -> list[list[Cutout]]:
    """ATRW tigers, or only these of them, cut out along the hull of their keypoints; two and more pictures of each."""
    found: dict[str, list[Cutout]] = defaultdict(list)
    for path, identity, places in tiger_rows(folder):
        if only is not None and identity not in only:
            continue
        crop = tiger(path)
        mask = hull_of(crop, places, 0.02)
        rows, columns = np.where(mask > 0.5)
        part = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        found[identity].append((crop[part], mask[part].astype(np.float32)))
    return [shots for shots in found.values() if len(shots) > 1]


def tiger_rows(folder: Path) -> Iterator[tuple[Path, str, NDArray[np.float32]]]:
    """Path, identity and labelled keypoints (15, 3) in shares of the crop of tigers with eight of them or more."""
    with (folder / "tigers.csv").open() as file:
        for row in csv.DictReader(file):
            places = np.array(row["keypoints"].split() or [0] * 45, np.float32).reshape(15, 3)
            if (places[:, 2] > 0).sum() >= 8:
                with Image.open(folder / row["path"]) as image:
                    places[:, :2] /= image.size
                yield folder / row["path"], row["identity"], places


def tiger(path: Path) -> Picture:
    """A tiger's crop as the survey keeps it, longest side 512."""
    with Image.open(path) as image:
        image.thumbnail((512, 512))
        return np.asarray(image.convert("RGB"))


def hull_of(crop: Picture, places: NDArray[np.float32], slack: float) -> NDArray[np.float32]:
    """1 inside the hull of the keypoints, grown by a share of the crop's diagonal."""
    high, wide = crop.shape[:2]
    mask = np.zeros((high, wide), np.float32)
    points = (places[places[:, 2] > 0, :2] * [wide, high]).astype(np.float32)
    cv2.fillConvexPoly(mask, cv2.convexHull(points).astype(np.int32), 1.0)
    reach = int(slack * np.hypot(high, wide))
    if reach:
        mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 2) if reach else mask)


def scenery(count: int = 8) -> list[Picture]:
    """Generated backgrounds full of detail: leaves and stems over patches of light."""
    found = []
    for number in range(count):
        rng = np.random.default_rng([9, number])
        ground = cv2.GaussianBlur(rng.normal(size=(420, 640)), (0, 0), 40) * 900 + 105
        picture = np.clip(ground[..., None] * rng.uniform(0.6, 1.1, 3), 0, 255).astype(np.uint8)
        for _ in range(420):
            x, y = rng.integers(0, 640), rng.integers(0, 420)
            size = (int(rng.integers(3, 22)), int(rng.integers(2, 7)))
            colour = tuple(int(channel) for channel in rng.integers(20, 220) * rng.uniform(0.6, 1.0, 3))
            cv2.ellipse(picture, (int(x), int(y)), size, float(rng.uniform(0, 180)), 0, 360, colour, -1)
        found.append(cv2.GaussianBlur(picture, (0, 0), 0.8))
    return found


def empty_places(folder: Path) -> list[Picture]:
    """Animal-free parts of real camera-trap pictures."""
    paths = [
        path for source in ("empty_trapcrops", "empty_tracks") for path in sorted((folder / source).rglob("*.jpg"))
    ]
    pictures = [np.asarray(Image.open(path).convert("RGB")) for path in paths]
    return [picture for picture in pictures if min(picture.shape[:2]) >= 200]


def pairs(
    animals: list[list[Cutout]],
    grounds: list[Picture],
    count: int,
    seed: int,
    *,
    same_animal: bool,
    same_background: bool,
) -> Iterator[Pair]:
    """Pairs of one or two animals on one or two backgrounds; place, size and light differ a little."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        first, second = (animals[animal] for animal in rng.choice(len(animals), 2, replace=False))
        shots = rng.choice(len(first), 2, replace=False)
        cutout, other = first[shots[0]], first[shots[1]] if same_animal else second[rng.integers(len(second))]
        here, there = rng.choice(len(grounds), 2, replace=False)
        fill = rng.uniform(0.6, 0.9)
        a = _placed(cutout, grounds[here], rng, fill, 1.0)
        b = _placed(other, grounds[here if same_background else there], rng, fill * rng.uniform(0.9, 1.08), 0.9)
        yield Pair(a[0], b[0], a[1], b[1], same_animal, same_background)


def _placed(cutout: Cutout, ground: Picture, rng: np.random.Generator, fill: float, light: float) -> Cutout:
    coat, mask = cutout
    wide = int(WIDTH * fill)
    high = int(coat.shape[0] * wide / coat.shape[1])
    full = int(high / fill)
    scene = cv2.resize(ground, (int(WIDTH * 1.1), int(full * 1.1))).astype(np.float32)
    scene = scene[full // 20 : full // 20 + full, WIDTH // 20 : WIDTH // 20 + WIDTH].copy()
    alpha = cv2.resize(mask, (wide, high))
    left = int(np.clip((WIDTH - wide) / 2 + rng.uniform(-0.04, 0.04) * WIDTH, 0, WIDTH - wide))
    top = int(np.clip((full - high) / 2 + rng.uniform(-0.04, 0.04) * full, 0, full - high))
    part = np.s_[top : top + high, left : left + wide]
    scene[part] = scene[part] * (1 - alpha[..., None]) + cv2.resize(coat, (wide, high)) * alpha[..., None]
    whole = np.zeros((full, WIDTH), np.float32)
    whole[part] = alpha
    noisy = scene * light + rng.normal(scale=3, size=scene.shape)
    _, written = cv2.imencode(
        ".jpg", np.clip(noisy, 0, 255).astype(np.uint8)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82]
    )
    return np.ascontiguousarray(cv2.imdecode(written, cv2.IMREAD_COLOR)[..., ::-1]), whole
