"""What camera traps do to a picture, done to training pictures: framing, infra-red, darkness, noise, info bars."""

from __future__ import annotations

import string
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Boxes = NDArray[np.float32]
WIDTH, HEIGHT = 512, 384
VISIBLE = 0.45
LETTERS = np.array([*string.ascii_uppercase, *(string.digits * 2), *":-/ "])


def framed(picture: Image, boxes: Boxes, rng: Generator, zoom: tuple[float, float]) -> tuple[Image, Boxes]:
    """Scale by `zoom` relative to a full fit, place at random on 512 x 384, flip half of the time.

    What lies outside the picture is a blurred copy of it or flat grey. Boxes (n, 5): left, top, right, bottom in
    pixels, category.
    """
    height, width = picture.shape[:2]
    scale = min(WIDTH / width, HEIGHT / height) * np.exp(rng.uniform(*np.log(zoom)))
    stretch = np.exp(rng.uniform(-0.12, 0.12))
    wide, high = max(int(width * scale * stretch), 16), max(int(height * scale / stretch), 16)
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(picture, (wide, high), interpolation=interpolation)
    if rng.random() < 0.5:
        canvas = cv2.GaussianBlur(cv2.resize(picture, (WIDTH, HEIGHT)), (0, 0), rng.uniform(14, 30))
    else:
        canvas = np.full((HEIGHT, WIDTH, 3), 127, np.uint8)
    x = _offset(wide, WIDTH, boxes[:, [0, 2]] * wide / width, rng)
    y = _offset(high, HEIGHT, boxes[:, [1, 3]] * high / height, rng)
    left, top, right, bottom = max(x, 0), max(y, 0), min(x + wide, WIDTH), min(y + high, HEIGHT)
    canvas[top:bottom, left:right] = small[top - y : bottom - y, left - x : right - x]
    moved = boxes * np.array([wide / width, high / height] * 2 + [1], np.float32)
    moved = moved + np.array([x, y] * 2 + [0], np.float32)
    moved = clipped(moved, WIDTH, HEIGHT)
    if rng.random() < 0.5:
        canvas, moved = mirrored(np.asarray(canvas, np.uint8), moved)
    return np.ascontiguousarray(canvas, np.uint8), moved


def _offset(length: int, room: int, spans: Boxes, rng: Generator) -> int:
    """Where a picture of `length` starts on `room` pixels; one box at random stays mostly inside when it is larger."""
    if length <= room:
        return int(rng.integers(0, room - length + 1))
    low, high = room - length, 0
    if len(spans):
        start, end = spans[rng.integers(len(spans))]
        low, high = (
            max(low, int(-start - 0.2 * (end - start))),
            min(high, int(room - end + 0.2 * (end - start))),
        )
        if low > high:
            low = high = int(np.clip(room / 2 - (start + end) / 2, room - length, 0))
    return int(rng.integers(low, high + 1))


def clipped(boxes: Boxes, width: float, height: float) -> Boxes:
    """Boxes cut at the frame; those with less than 45 % of their area (or 4 pixels) left are dropped."""
    inside = boxes.astype(np.float32)
    inside[:, :4] = np.clip(boxes[:, :4], 0, [width, height, width, height])
    side = inside[:, 2:4] - inside[:, :2]
    whole = np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1)
    return inside[(np.prod(side, axis=1) > VISIBLE * whole) & (side.min(axis=1, initial=1e9) > 4)]


def mirrored(picture: Image, boxes: Boxes) -> tuple[Image, Boxes]:
    """The picture and its boxes, left and right exchanged."""
    flipped = boxes.copy()
    flipped[:, [0, 2]] = picture.shape[1] - boxes[:, [2, 0]]
    return picture[:, ::-1], flipped


def background_part(picture: Image, boxes: Boxes, rng: Generator) -> Image | None:
    """A part of the picture, 10 to 100 % of its width, that touches no box; None when none is found."""
    height, width = picture.shape[:2]
    for _ in range(40):
        part = rng.uniform(0.1, 1.0)
        w, h = int(width * part), int(min(width * part * rng.uniform(0.5, 0.9), height))
        x, y = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))
        clear = (boxes[:, 0] >= x + w) | (boxes[:, 2] <= x) | (boxes[:, 1] >= y + h) | (boxes[:, 3] <= y)
        if min(w, h) >= 60 and clear.all():
            return np.ascontiguousarray(picture[y : y + h, x : x + w])
    return None


def with_marks(picture: Image, rng: Generator) -> Image:
    """One to six soft dark or bright marks: shadows, holes, footprints, sun spots; none of them an animal."""
    image: NDArray[Any] = picture.astype(np.float32)
    for _ in range(rng.integers(1, 7)):
        layer: NDArray[Any] = np.zeros(image.shape[:2], np.float32)
        centre = rng.uniform(0, 1, 2) * [WIDTH, HEIGHT]
        size = np.exp(rng.uniform(np.log(4), np.log(90)))
        for _ in range(rng.integers(1, 6)):
            at = tuple(int(v) for v in centre + rng.normal(0, size, 2))
            axes = tuple(int(v) + 1 for v in size * np.exp(rng.uniform(-1.2, 0.4, 2)))
            cv2.ellipse(layer, at, axes, float(rng.uniform(0, 180)), 0, 360, 1.0, -1)
        layer = cv2.GaussianBlur(layer, (0, 0), max(size * rng.uniform(0.05, 0.4), 0.7))[:, :, None]
        strength = rng.uniform(0.2, 0.8) if rng.random() < 0.7 else rng.uniform(1.2, 2.0)
        image = image * (1 + (strength - 1) * layer)
    return np.clip(image, 0, 255).astype(np.uint8)


def weathered(picture: Image, boxes: Boxes, rng: Generator, night: float = 0.45) -> Image:
    """Colour, light, blur, noise and JPEG, each at random; infra-red with the probability `night`."""
    image: NDArray[Any] = picture.astype(np.float32)
    infrared = rng.random() < night
    image = _infrared(image, boxes, rng) if infrared else _daylight(image, rng)
    if rng.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.8))
    elif rng.random() < 0.15:
        length = int(rng.integers(3, 9))
        image = cv2.filter2D(image, -1, np.full((1, length), 1 / length, np.float32))
    if rng.random() < 0.4:
        grain = rng.normal(0, rng.uniform(2, 14), image.shape[:2] + ((1,) if infrared else (3,)))
        image = image + grain
    image = np.clip(image, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        part = rng.uniform(0.4, 0.8)
        small = cv2.resize(image, None, fx=part, fy=part, interpolation=cv2.INTER_AREA)
        image = cv2.resize(small, (image.shape[1], image.shape[0]))
    if rng.random() < 0.5:
        _, code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 92))])
        image = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR))
    return np.asarray(image, np.uint8)


def _daylight(image: NDArray[np.float32], rng: Generator) -> NDArray[np.float32]:
    if rng.random() < 0.7:
        image = image * rng.uniform(0.8, 1.2, 3).astype(np.float32)
        grey = image.mean(axis=2, keepdims=True)
        image = grey + (image - grey) * rng.uniform(0.3, 1.4)
    gamma = np.exp(rng.uniform(-0.45, 0.45))
    image = 255 * (np.clip(image, 0, 255) / 255) ** gamma
    if rng.random() < 0.2:
        image = image * rng.uniform(0.25, 0.7)
    middle = image.mean()
    return middle + (image - middle) * rng.uniform(0.6, 1.3)


def _infrared(image: NDArray[np.float32], boxes: Boxes, rng: Generator) -> NDArray[np.float32]:
    """A flash at night: one grey channel, bright in the middle, black far away, sometimes a glare or a tint.

    Half of the time what is in the boxes is lit as near things are, its cloth or eyes sometimes dazzling.
    """
    weights = rng.dirichlet([2, 2, 2]).astype(np.float32)
    grey = image @ weights
    if len(boxes) and rng.random() < 0.5:
        grey = _lit_by_flash(grey, boxes, rng)
    height, width = grey.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x = (x - width * rng.uniform(0.3, 0.7)) / (width * rng.uniform(0.4, 1.1))
    y = (y - height * rng.uniform(0.35, 0.85)) / (height * rng.uniform(0.4, 1.2))
    far = x * x + y * y
    grey = 255 * (np.clip(grey, 0, 255) / 255) ** np.exp(rng.uniform(-0.5, 0.6))
    grey = grey * (rng.uniform(0.1, 0.6) + np.exp(-far * rng.uniform(0.5, 2.0)) * rng.uniform(0.5, 1.0))
    if rng.random() < 0.25:
        grey = grey + np.exp(-far * rng.uniform(4, 20)) * rng.uniform(40, 160)
    tint = rng.uniform(0.85, 1.1, 3).astype(np.float32) if rng.random() < 0.3 else np.ones(3, np.float32)
    return grey[:, :, None] * tint


def _lit_by_flash(grey: NDArray[np.float32], boxes: Boxes, rng: Generator) -> NDArray[np.float32]:
    near: NDArray[Any] = np.zeros(grey.shape, np.float32)
    bright: NDArray[Any] = np.zeros(grey.shape, np.float32)
    for left, top, right, bottom, _ in boxes:
        middle, size = ((left + right) / 2, (top + bottom) / 2), (right - left, bottom - top)
        centre = (int(middle[0]), int(middle[1]))
        cv2.ellipse(near, centre, (int(size[0] * 0.5) + 1, int(size[1] * 0.5) + 1), 0, 0, 360, 1.0, -1)
        if rng.random() < 0.35:
            for _ in range(rng.integers(1, 4)):
                at = (int(rng.normal(middle[0], size[0] * 0.15)), int(rng.normal(middle[1], size[1] * 0.25)))
                reach = max(int(min(size) * rng.uniform(0.02, 0.12)), 1)
                cv2.ellipse(bright, at, (int(reach * rng.uniform(1, 4)), reach), 0, 0, 360, 1.0, -1)
    soft = float(max(np.sqrt(np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1)).mean() * 0.12, 1.0))
    near = cv2.GaussianBlur(near, (0, 0), soft)
    dark, light = rng.uniform(0.15, 0.8), rng.uniform(0.9, 1.7)
    lifted = grey + near * rng.uniform(0, 50)
    lit = lifted * (dark + (light - dark) * near) + cv2.GaussianBlur(bright, (0, 0), max(soft * 0.2, 0.7)) * 230
    return np.asarray(lit, np.float32)


def with_info_bar(picture: Image, boxes: Boxes, rng: Generator) -> tuple[Image, Boxes]:
    """A bar with text and a coloured mark below, or a line of text above, as cameras burn them in."""
    image = picture.copy()
    high = int(HEIGHT * rng.uniform(0.035, 0.09))
    below = rng.random() < 0.7
    top = HEIGHT - high if below else 0
    if rng.random() < 0.8:
        image[top : top + high] = rng.choice([0, 0, 20, 235, 255, 255, 60])
    dark = image[top : top + high].mean() < 128
    ink = (255, 255, 255) if dark else (0, 0, 0)
    for start in rng.uniform(0, 0.9, rng.integers(1, 5)):
        word = "".join(rng.choice(LETTERS, rng.integers(4, 18)))
        font = int(rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_PLAIN, cv2.FONT_HERSHEY_DUPLEX]))
        size = high / 40 * (1.8 if font == cv2.FONT_HERSHEY_PLAIN else 1)
        place = (int(start * WIDTH), top + int(high * 0.75))
        cv2.putText(image, word, place, font, size, ink, 1, cv2.LINE_AA)
    if rng.random() < 0.6:
        left = int(rng.choice(np.array([0, int(rng.integers(0, WIDTH - high))])))
        wide = int(high * rng.uniform(0.7, 3))
        cv2.rectangle(image, (left, top), (left + wide, top + high), rng.integers(0, 256, 3).tolist(), -1)
        cv2.circle(image, (left + wide // 2, top + high // 2), high // 3, ink, 2)
    cut = boxes.copy()
    if below:
        cut[:, 3] = np.minimum(cut[:, 3], top)
    else:
        cut[:, 1] = np.maximum(cut[:, 1], high)
    tall = cut[:, 3] - cut[:, 1] > np.maximum(6, 0.4 * (boxes[:, 3] - boxes[:, 1]))
    return image, cut[tall]
