"""Smooth random fields, the raw material of bark, soil, clouds and fur."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating[Any]]


def fractal(
    rng: np.random.Generator, height: int, width: int, cell: float, *, octaves: int = 4, stretch: float = 1.0
) -> Field:
    """Value noise, float32 (height, width), 0 to 1 around 0.5.

    Args:
        cell: size in pixels of the largest lumps.
        stretch: how many times longer than wide they are vertically.
    """
    import cv2

    total = np.zeros((height, width), np.float32)
    weight, weights = 1.0, 0.0
    for _ in range(octaves):
        columns = max(2, int(np.ceil(width / cell)) + 1)
        rows = max(2, int(np.ceil(height / (cell * stretch))) + 1)
        grid = rng.random((rows, columns), dtype=np.float32)
        total += weight * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        weights += weight
        weight *= 0.55
        cell = max(cell / 2, 1.0)
    return np.clip(total / np.float32(weights), 0, 1)


def blurred(field: Field, sigma_x: float, sigma_y: float | None = None) -> Field:
    """Gaussian blur of a one- or three-channel field; sigmas in pixels."""
    import cv2

    return np.asarray(
        cv2.GaussianBlur(field, (0, 0), max(sigma_x, 0.05), sigmaY=max(sigma_y or sigma_x, 0.05)), np.float32
    )


def smoothstep(low: float, high: float, value: Field) -> Field:
    """0 below low, 1 above high, a smooth ramp between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def sampled(field: Field, x: Field, y: Field) -> Field:
    """The field at pixel positions x, y (same shape), bilinear, mirrored at the edges."""
    import cv2

    return np.asarray(
        cv2.remap(
            field,
            x.astype(np.float32),
            y.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        ),
        np.float32,
    )
