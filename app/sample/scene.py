"""One picture: the station's view, moved a little by the wind, with the animals that stand in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.sample.body import figure
from app.sample.coat import Coat
from app.sample.light import Light, developed, exposed, shading
from app.sample.noise import Field, blurred, fractal, sampled
from app.sample.plants import Canvas
from app.sample.skeleton import Build, Pose, eye_position, posed

SEEN = 0.35


@dataclass(frozen=True, slots=True)
class Animal:
    """An animal in a view.

    Attributes:
        right: it walks to the right (right flank).
        x: column of its middle.
        row: where it stands.
        yaw: 0.8 to 1, how much of its length is seen.
        smear: pixels of motion blur.
    """

    build: Build
    coat: Coat
    pose: Pose
    x: float
    row: float
    right: bool
    yaw: float = 1.0
    smear: float = 0.0


@dataclass(frozen=True, slots=True)
class _Cutout:
    colour: Field
    alpha: Field
    left: int
    top: int
    eye: tuple[float, float]


def _cutout(animal: Animal, light: Light, scale: float) -> _Cutout:
    import cv2

    fine = 2.0 if scale < 220 else 1.0
    drawn = figure(posed(animal.build, animal.pose), animal.coat, scale * fine)
    shade = shading(light, drawn.normal if animal.right else drawn.normal * np.array((-1, 1, 1), np.float32))
    stack = np.dstack([drawn.colour * shade[..., None] * drawn.alpha[..., None], drawn.alpha])
    size = (max(2, round(stack.shape[1] / fine * animal.yaw)), max(2, round(stack.shape[0] / fine)))
    stack = np.asarray(cv2.resize(stack, size, interpolation=cv2.INTER_AREA), np.float32)
    if animal.smear > 0:
        stack = np.asarray(cv2.blur(stack, (max(1, round(animal.smear)), 1)), np.float32)
    eye = eye_position(animal.build, animal.pose)
    column = (eye[0] - drawn.left) * scale * animal.yaw
    if not animal.right:
        stack = stack[:, ::-1]
        column = size[0] - column
    left = round(animal.x - size[0] / 2)
    top = round(animal.row - drawn.top * scale)
    return _Cutout(stack[..., :3], stack[..., 3], left, top, (left + column, top + (drawn.top - eye[1]) * scale))


def _shadow(colour: Field, foot: Field, animal: Animal, scale: float, strength: float) -> None:
    height, width = foot.shape
    reach = 1.15 * scale * animal.yaw
    x0, x1 = max(0, int(animal.x - 1.6 * reach)), min(width, int(animal.x + 1.6 * reach))
    y0, y1 = max(0, int(animal.row - 0.3 * scale)), min(height, int(animal.row + 0.3 * scale))
    if x1 <= x0 or y1 <= y0:
        return
    y, x = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    far = np.hypot((x - animal.x) / (0.85 * reach), (y - animal.row + 0.02 * scale) / (0.12 * scale))
    dark = strength * np.exp(-(far**2)) * (foot[y0:y1, x0:x1] > animal.row - 0.3 * scale)
    colour[y0:y1, x0:x1] *= (1 - dark)[..., None]


def placed(
    canvas: Canvas, animal: Animal, light: Light
) -> tuple[tuple[int, int, int, int] | None, tuple[float, float]]:
    """Paints the animal; gives left, top, right, bottom of what is seen, and its eye (or -1, -1)."""
    colour, foot = canvas.colour, canvas.foot
    height, width = foot.shape
    scale = canvas.scale(animal.row)
    _shadow(colour, foot, animal, scale, 0.35 if light.night else 0.62)
    cut = _cutout(animal, light, scale)
    rows, columns = cut.alpha.shape
    x0, x1, y0, y1 = (
        max(0, cut.left),
        min(width, cut.left + columns),
        max(0, cut.top),
        min(height, cut.top + rows),
    )
    if x1 <= x0 or y1 <= y0:
        return None, (-1.0, -1.0)
    here, there = (
        (slice(y0, y1), slice(x0, x1)),
        (slice(y0 - cut.top, y1 - cut.top), slice(x0 - cut.left, x1 - cut.left)),
    )
    free = blurred((foot[here] <= animal.row + 2).astype(np.float32), 0.6)
    seen = cut.alpha[there] * free
    colour[here] = colour[here] * (1 - seen[..., None]) + cut.colour[there] * free[..., None]
    foot[here] = np.where(seen > 0.5, animal.row, foot[here])
    ys, xs = np.nonzero(seen > SEEN)
    if len(xs) == 0:
        return None, (-1.0, -1.0)
    ex, ey = int(cut.eye[0]), int(cut.eye[1])
    open_eye = x0 <= ex < x1 and y0 <= ey < y1 and free[ey - y0, ex - x0] > 0.6
    box = (x0 + int(xs.min()), y0 + int(ys.min()), x0 + int(xs.max()) + 1, y0 + int(ys.max()) + 1)
    return box, cut.eye if open_eye else (-1.0, -1.0)


def _windy(view: Canvas, rng: np.random.Generator) -> Canvas:
    height, width = view.foot.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    push = (fractal(rng, height, width, 160, octaves=2) - 0.5) * 5
    colour = sampled(view.colour, x + push, y + push * 0.3)
    return Canvas(colour, sampled(view.foot, np.round(x + push), np.round(y + push * 0.3)), view.horizon)


def _eye_shine(lit: Field, eye: tuple[float, float], scale: float) -> None:
    height, width = lit.shape[:2]
    if eye[0] < 0:
        return
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    far = np.hypot(x - eye[0], y - eye[1])
    core, glow = max(0.011 * scale, 1.5), max(0.035 * scale, 4.0)
    lit += (1.1 * np.exp(-((far / core) ** 2)) + 0.16 * np.exp(-((far / glow) ** 2)))[..., None]


def photograph(
    view: Canvas, animals: list[Animal], light: Light, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], list[tuple[int, int, int, int] | None]]:
    """The picture, uint8 (h, w, 3), and for each animal left, top, right, bottom of what is seen, or None."""
    canvas = _windy(view, rng)
    boxes: dict[int, tuple[int, int, int, int] | None] = {}
    eyes = []
    for i in sorted(range(len(animals)), key=lambda i: animals[i].row):
        boxes[i], eye = placed(canvas, animals[i], light)
        eyes.append((eye, canvas.scale(animals[i].row)))
    lit = exposed(rng, canvas.colour, canvas.foot, canvas.horizon, light)
    if light.night:
        for eye, scale in eyes:
            _eye_shine(lit, eye, scale)
    lit *= np.float32(rng.uniform(0.92, 1.08))
    return developed(rng, lit, light, float(rng.uniform(0.45, 0.8))), [boxes[i] for i in range(len(animals))]
