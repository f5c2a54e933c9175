"""Copy-paste training pictures: what lies in a box is cut out and put softly onto a camera-trap scene.

After Ghiasi et al., Simple Copy-Paste (CVPR 2021); the outline comes from GrabCut (Rother et al., SIGGRAPH 2004)
started with the box.
Pieces of plain background are pasted the same way without a box, so that a seam is no sign of an animal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from modal_backend.training.pocket_detector_augment import HEIGHT, WIDTH, Boxes, Image
from modal_backend.training.pocket_detector_data import Sample

WORK_SIDE = 200


@dataclass(frozen=True, slots=True)
class Cutout:
    """What was cut out of its box.

    Attributes:
        pixels: RGB uint8 (h, w, 3), cropped to the box.
        mask: float32 (h, w), 1 on it.
        category: its place in CATEGORIES, -1 for plain background.
    """

    pixels: Image
    mask: NDArray[np.float32]
    category: int


def cutouts_of(sample: Sample) -> list[Cutout]:
    """The animals of a picture whose outline GrabCut finds well: 30 to 92 % of the box, touching its sides."""
    picture, found = sample.picture(), []
    for box in sample.boxes:
        left, top, right, bottom, category = box
        margin_x, margin_y = 0.25 * (right - left), 0.25 * (bottom - top)
        x0, y0 = max(int(left - margin_x), 0), max(int(top - margin_y), 0)
        x1, y1 = int(min(right + margin_x, picture.shape[1])), int(min(bottom + margin_y, picture.shape[0]))
        scale = min(1.0, WORK_SIDE / max(x1 - x0, y1 - y0))
        if min(right - left, bottom - top) < 32:
            continue
        small = cv2.resize(picture[y0:y1, x0:x1], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        inner = (np.array([left - x0, top - y0, right - x0, bottom - y0]) * scale).astype(int)
        mask = _outline(small, inner)
        if mask is None:
            continue
        l, t, r, b = int(left), int(top), int(right), int(bottom)  # noqa: E741
        full = cv2.resize(mask, (x1 - x0, y1 - y0))[t - y0 : b - y0, l - x0 : r - x0]
        found.append(Cutout(picture[t:b, l:r].copy(), full.astype(np.float32), int(category)))
    return found


def _outline(picture: NDArray[Any], box: NDArray[Any]) -> NDArray[np.float32] | None:
    left, top, right, bottom = box
    if left < 1 and top < 1 and right > picture.shape[1] - 2 and bottom > picture.shape[0] - 2:
        return None
    marks = np.zeros(picture.shape[:2], np.uint8)
    rectangle = (int(left), int(top), int(right - left), int(bottom - top))
    try:
        cv2.grabCut(picture, marks, rectangle, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_RECT)
    except cv2.error:
        return None
    mask = ((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return None
    biggest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    w, h, area = stats[biggest][2:]
    wide, high = right - left, bottom - top
    if not (0.3 < area / (wide * high) < 0.92 and w > 0.85 * wide and h > 0.85 * high):
        return None
    return (labels == biggest).astype(np.float32)


def background_piece(picture: Image, boxes: Boxes, rng: Generator) -> Cutout | None:
    """A random blob cut from where no box is, or None when there is no room."""
    height, width = picture.shape[:2]
    for _ in range(12):
        w, h = int(width * rng.uniform(0.08, 0.4)), int(height * rng.uniform(0.08, 0.4))
        x, y = int(rng.integers(0, width - w)), int(rng.integers(0, height - h))
        clear = (boxes[:, 0] > x + w) | (boxes[:, 2] < x) | (boxes[:, 1] > y + h) | (boxes[:, 3] < y)
        if w < 12 or h < 12 or not clear.all():
            continue
        noise = cv2.GaussianBlur(rng.normal(size=(24, 24)).astype(np.float32), (0, 0), 3)
        noise = cv2.resize(noise / noise.std(), (w, h))
        v, u = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
        mask = (0.9 - np.hypot(u, v) + 0.25 * noise > 0.15).astype(np.float32)
        return Cutout(picture[y : y + h, x : x + w], mask, -1)
    return None


def pasted(picture: Image, boxes: Boxes, piece: Cutout, rng: Generator) -> tuple[Image, Boxes]:
    """The 512 x 384 picture with one more piece on it, 3 to 60 % of the width, and its box where it has a category."""
    wide = WIDTH * np.exp(rng.uniform(np.log(0.035), np.log(0.6)))
    high = wide * piece.pixels.shape[0] / piece.pixels.shape[1]
    shrink = min(1.0, 0.85 * HEIGHT / high)
    w, h = max(int(wide * shrink), 12), max(int(high * shrink), 12)
    x = int(rng.integers(-w // 4, WIDTH - 3 * w // 4))
    y = int(np.clip(rng.normal(0.65, 0.18) * HEIGHT - h / 2, -h // 5, HEIGHT - 0.8 * h))
    frame = np.array([max(x, 0), max(y, 0), min(x + w, WIDTH), min(y + h, HEIGHT)])
    if _covers(frame, boxes):
        return picture, boxes
    pixels = cv2.resize(piece.pixels, (w, h), interpolation=cv2.INTER_AREA).astype(np.float32)
    mask = cv2.resize(piece.mask, (w, h), interpolation=cv2.INTER_AREA)
    mask = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.5, 1.6))[:, :, None]
    if rng.random() < 0.5:
        pixels, mask = pixels[:, ::-1], mask[:, ::-1]
    l, t, r, b = frame  # noqa: E741
    under = picture[t:b, l:r].astype(np.float32)
    pixels, mask = pixels[t - y : b - y, l - x : r - x], mask[t - y : b - y, l - x : r - x]
    gain = (under.mean() + 12) / (pixels.mean() + 12)
    pixels = np.clip(pixels * gain ** rng.uniform(0.2, 0.9), 0, 255)
    result = picture.copy()
    result[t:b, l:r] = (under * (1 - mask) + pixels * mask).astype(np.uint8)
    if piece.category >= 0:
        boxes = np.concatenate([boxes, np.array([[*frame, piece.category]], np.float32)])
    return result, boxes


def _covers(frame: NDArray[np.int64], boxes: Boxes) -> bool:
    """Whether the frame hides more than a quarter of a box that is there already."""
    corner = np.minimum(frame[2:], boxes[:, 2:4]) - np.maximum(frame[:2], boxes[:, :2])
    area = np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1)
    return bool(np.any(np.prod(np.maximum(corner, 0), axis=1) > 0.25 * area))
