"""Daylight and flash: from reflectance and depth to what a camera trap's sensor makes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.sample.noise import Field, blurred, fractal, smoothstep
from app.sample.plants import CAMERA_HEIGHT

HAZE = np.array((0.60, 0.67, 0.70), np.float32)


@dataclass(frozen=True, slots=True)
class Light:
    """How a scene is lit.

    Attributes:
        night: infrared flash.
        sun: towards the sun (x right, y up, z to the viewer).
        warmth: 0 noon to 1 low sun.
    """

    night: bool
    sun: tuple[float, float, float]
    warmth: float


def shading(light: Light, normal: Field) -> Field:
    """How much light a relief returns, (h, w)."""
    towards = np.array((0.0, 0.25, 1.0) if light.night else light.sun, np.float32)
    towards /= np.linalg.norm(towards)
    lit = np.clip(normal @ towards, 0, 1)
    sky = 0.5 + 0.5 * normal[..., 1]
    if light.night:
        return np.asarray(0.22 + 0.85 * lit, np.float32)
    return np.asarray(0.30 + 0.62 * lit + 0.30 * sky, np.float32)


def exposed(rng: np.random.Generator, colour: Field, foot: Field, horizon: float, light: Light) -> Field:
    """Linear light on the sensor, float32 (h, w, 3), before noise."""
    return _flash(colour, foot, horizon) if light.night else _day(rng, colour, foot, horizon, light)


def _day(rng: np.random.Generator, colour: Field, foot: Field, horizon: float, light: Light) -> Field:
    height, width = foot.shape
    gap = fractal(rng, height, width, 190, octaves=4, stretch=0.45)
    near = smoothstep(horizon, horizon + 60, foot)
    dapple = 1 + near * (0.62 * smoothstep(0.40, 0.60, blurred(gap, 5)) - 0.34)
    far = np.exp(-np.maximum(foot - horizon, 0) / 16) * (foot > 0)
    tint = np.array((1.0 + 0.14 * light.warmth, 1.0, 1.0 - 0.20 * light.warmth), np.float32)
    lit = colour * dapple[..., None] * tint
    lit += 0.42 * far[..., None] * (HAZE - lit)
    return np.asarray(lit * (1.30 - 0.35 * light.warmth), np.float32)


def _flash(colour: Field, foot: Field, horizon: float) -> Field:
    """Infrared: one channel, bright plants, light that falls off with distance and towards the corners."""
    height, width = foot.shape
    grey = colour @ np.array((0.55, 0.55, 0.10), np.float32)
    scale = np.maximum(foot - horizon, 0.5) / CAMERA_HEIGHT
    reach = np.clip((scale / 300) ** 1.3, 0.0, 0.95) + 0.012
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    off = ((x - width / 2) / (0.62 * width)) ** 2 + ((y - 0.55 * height) / (0.62 * height)) ** 2
    lit = grey * reach * np.exp(-1.2 * off) * 1.75 * (foot > 0)
    return np.repeat((lit / (1 + 0.55 * lit))[..., None], 3, axis=-1).astype(np.float32)


def developed(rng: np.random.Generator, lit: Field, light: Light, softness: float) -> np.ndarray:
    """Lens blur, sensor noise and gamma: uint8 (h, w, 3)."""
    lit = blurred(lit, softness)
    shape = (*lit.shape[:2], 1) if light.night else lit.shape
    grain = rng.standard_normal(shape, dtype=np.float32)
    level = 0.020 if light.night else 0.011
    noisy = np.clip(lit + grain * (level * np.sqrt(np.maximum(lit, 0) + 0.015)), 0, 1)
    return (255 * np.power(noisy, 1 / 2.2) + 0.5).astype(np.uint8)
