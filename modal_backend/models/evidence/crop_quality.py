"""How good a crop is for telling who it is: sharpness and light. It orders crops and never hides one."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from modal_backend.contracts import Picture

WIDTH = 224
VERSION = "1"


@dataclass(frozen=True, slots=True)
class Quality:
    """Sharpness and light of a crop.

    Attributes:
        sharpness: 0 (blurred) to 1.
        brightness: mean grey 0 to 1.
        clipped: share of pixels black or white.
        contrast: standard deviation of grey, 0 to 0.5.
    """

    sharpness: float
    brightness: float
    clipped: float
    contrast: float


def measure(crop: Picture) -> Quality:
    """The quality of an RGB uint8 crop (height, width, 3).

    Sharpness compares fine detail with coarse: the spread of the Laplacian at 224 px against that of the crop blurred
    by two pixels first (a blurred crop loses nothing by it). It does not depend on contrast.
    """
    high = min(max(round(crop.shape[0] * WIDTH / crop.shape[1]), 1), 4 * WIDTH)
    interpolation = cv2.INTER_AREA if crop.shape[1] > WIDTH else cv2.INTER_LINEAR
    small = cv2.resize(np.ascontiguousarray(crop), (WIDTH, high), interpolation=interpolation)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    inner = grey[high // 8 : high - high // 8, WIDTH // 8 : WIDTH - WIDTH // 8]
    fine = float(cv2.Laplacian(inner, cv2.CV_32F).std())
    coarse = float(cv2.Laplacian(cv2.GaussianBlur(inner, (0, 0), 2.0), cv2.CV_32F).std())
    lost = 1 - coarse / fine if fine > 1e-6 else 0.0
    return Quality(
        sharpness=round(min(max((lost - 0.3) / 0.6, 0.0), 1.0), 3),
        brightness=round(float(inner.mean()) / 255, 3),
        clipped=round(float(((inner < 8) | (inner > 247)).mean()), 3),
        contrast=round(float(inner.std()) / 255, 3),
    )
