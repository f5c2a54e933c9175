"""How well an animal is seen on a frame: sharp, large, whole, recognised."""

from __future__ import annotations

import numpy as np

from modal_backend.contracts import Box, Picture

SHARP = 150.0  # variance of the Laplacian of a grey crop at which it counts as half-path sharp
LARGE = 0.35  # of the frame's side
CUT_OFF = 0.5
EDGE = 0.006


def box_quality(picture: Picture, box: Box, confidence: float | None) -> float:
    """How well a box shows its animal, 0 to 1, for choosing among the frames of one tracklet.

    Sharpness is the variance of the Laplacian (Pech-Pacheco et al., ICPR 2000).
    """
    height, width = picture.shape[:2]
    left, top, right, bottom = box.pixels(width, height)
    crop = picture[top:bottom, left:right].astype(np.float32).mean(axis=2)
    sharp = 0.0
    if min(crop.shape) >= 3:
        laplacian = crop[1:-1, :-2] + crop[1:-1, 2:] + crop[:-2, 1:-1] + crop[2:, 1:-1] - 4 * crop[1:-1, 1:-1]
        spread = float(laplacian.var())
        sharp = spread / (spread + SHARP)
    size = min(1.0, float(np.sqrt(box.width * box.height)) / LARGE)
    cut = min(box.x, box.y, 1 - box.x - box.width, 1 - box.y - box.height) < EDGE
    return round((0.3 * sharp + 0.4 * size + 0.3 * (confidence or 0.0)) * (CUT_OFF if cut else 1.0), 4)
