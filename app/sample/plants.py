"""Trunks, bushes, leaves and grass, painted into a view together with how far away they stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.sample.noise import Field, fractal, smoothstep

CAMERA_HEIGHT = 0.9


@dataclass(slots=True)
class Canvas:
    """A scene to draw plants into.

    Attributes:
        colour: float32 (h, w, 3) reflectance.
        foot: (h, w) row where what is seen meets the ground; 0 is sky.
        horizon: row of the horizon.
    """

    colour: Field
    foot: Field
    horizon: float

    def scale(self, row: float) -> float:
        """Pixels per metre for something that stands on this row."""
        return max(row - self.horizon, 1.0) / CAMERA_HEIGHT


def trunk(canvas: Canvas, rng: np.random.Generator, x: float, row: float, metres: float) -> None:
    """A trunk `metres` thick that stands on `row` and leaves the picture at the top."""
    height, width = canvas.foot.shape
    bottom = min(int(row), height)
    rows = np.arange(bottom, dtype=np.float32)
    half = metres * canvas.scale(row) / 2
    up = (row - rows) / canvas.scale(row)
    middle = x + (fractal(rng, bottom, 2, 420, octaves=2)[:, 0] - 0.5) * half * 0.8
    middle = middle + rng.uniform(-0.06, 0.06) * (row - rows)
    thick = half * (1 + 0.7 * np.exp(-up / 0.25) - 0.05 * up).clip(0.5, 2)
    left, right = max(0, int(middle.min() - 2.2 * half)), min(width, int(middle.max() + 2.2 * half) + 1)
    if right - left < 2:
        return
    across = (np.arange(left, right, dtype=np.float32)[None, :] - middle[:, None]) / thick[:, None]
    foot = row - 0.45 * half * np.minimum(across**2, 1.5) - rows[:, None]
    cover = (smoothstep(-0.12, 0.05, 1 - np.abs(across)) * smoothstep(0, 0.12 * half + 1, foot))[..., None]
    bark = fractal(rng, bottom, right - left, max(3.0, half * 0.35), octaves=4, stretch=6)
    moss = smoothstep(0.5, 0.7, fractal(rng, bottom, right - left, half * 2 + 4, octaves=3, stretch=2))
    round_ = (0.35 + 0.65 * np.sqrt(np.clip(1 - np.clip(across + 0.25, -1, 1) ** 2, 0, 1)))[..., None]
    tone = np.array((0.20, 0.155, 0.11), np.float32) * rng.uniform(0.8, 1.3) * (0.35 + 1.3 * bark)[..., None]
    tone = tone + 0.5 * moss[..., None] * (np.array((0.13, 0.17, 0.06), np.float32) - tone)
    window = (slice(0, bottom), slice(left, right))
    canvas.colour[window] += cover * (tone * round_ - canvas.colour[window])
    canvas.foot[window] = np.where(cover[..., 0] > 0.5, row, canvas.foot[window])


def leaves(
    canvas: Canvas,
    rng: np.random.Generator,
    centre: tuple[float, float],
    spread: tuple[float, float],
    row: float,
    count: int,
    size: float,
    tone: tuple[float, float, float],
) -> None:
    """A cloud of `count` leaves of `size` pixels around `centre`, lit from above, standing on `row`."""
    import cv2

    at = rng.standard_normal((count, 2)) * 0.5
    order = np.argsort(-at[:, 1] + rng.standard_normal(count) * 0.35)
    for dx, dy in at[order]:
        light = float(np.clip(0.75 - 0.35 * dy + rng.normal(0, 0.16), 0.25, 1.5))
        colour = [c * light for c in tone]
        position = (int((centre[0] + dx * spread[0]) * 16), int((centre[1] + dy * spread[1]) * 16))
        axes = (int(size * rng.uniform(0.6, 1.2) * 16), int(size * rng.uniform(0.25, 0.5) * 16))
        turn = float(rng.uniform(-70, 70))
        points = _leaf(position, axes, turn)
        cv2.fillPoly(canvas.colour, [points], colour, shift=4)
        cv2.fillPoly(canvas.foot, [points], row, shift=4)


def _leaf(position: tuple[int, int], axes: tuple[int, int], turn: float) -> np.ndarray:
    angle = np.deg2rad(turn)
    t = np.linspace(0, 2 * np.pi, 9)[:-1]
    x, y = axes[0] * np.cos(t), axes[1] * np.sin(t)
    return np.stack(
        [
            position[0] + x * np.cos(angle) - y * np.sin(angle),
            position[1] + x * np.sin(angle) + y * np.cos(angle),
        ],
        1,
    ).astype(np.int32)


def grass(
    canvas: Canvas,
    rng: np.random.Generator,
    count: int,
    metres: float,
    tone: tuple[float, float, float],
    density: Field,
) -> None:
    """`count` blades about `metres` high where `density` (h, w, 0 to 1) lets them grow, far ones first."""
    import cv2

    height, width = canvas.foot.shape
    rows = canvas.horizon + 6 + (height * 1.12 - canvas.horizon - 6) * np.sort(rng.random(count) ** 1.25)
    columns = rng.uniform(-20, width + 20, count)
    inside = density[np.clip(rows, 0, height - 1).astype(int), np.clip(columns, 0, width - 1).astype(int)]
    keep = rng.random(count) < inside
    rows, columns = rows[keep], columns[keep]
    scale = np.maximum(rows - canvas.horizon, 1) / CAMERA_HEIGHT
    tall = metres * scale * rng.uniform(0.35, 1.2, len(rows))
    lean = tall * rng.normal(0.08, 0.32, len(rows))
    thick = np.maximum(0.006 * scale * rng.uniform(0.6, 1.4, len(rows)), 0.55)
    light = rng.uniform(0.55, 1.35, len(rows))
    warm = rng.normal(0, 0.12, len(rows))
    for x, y, h, dx, w, bright, hue in zip(columns, rows, tall, lean, thick, light, warm, strict=True):
        blade = np.array(
            [
                (x - w, y), (x - w * 0.8 + dx * 0.25, y - h * 0.5), (x + dx * 0.6, y - h * 0.82),
                (x + dx, y - h),
                (x + dx * 0.6 + w * 0.5, y - h * 0.8), (x + w * 0.8 + dx * 0.25, y - h * 0.48), (x + w, y),
            ]
        )  # fmt: skip
        points = (blade * 16).astype(np.int32)
        colour = (tone[0] * bright * (1 + hue), tone[1] * bright, tone[2] * bright)
        cv2.fillPoly(canvas.colour, [points], tuple(c * 0.6 for c in colour), shift=4)
        cv2.fillPoly(canvas.colour, [points[1:6]], colour, shift=4)
        cv2.fillPoly(canvas.foot, [points], float(y), shift=4)
