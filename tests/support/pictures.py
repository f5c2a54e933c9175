"""Small generated pictures for tests: noisy enough that every byte of their files matters."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image


def noisy(width: int = 48, height: int = 32, *, seed: int = 0) -> Image.Image:
    """An RGB picture of smooth colour with noise on it."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    smooth = np.stack([rows * 200 // height, columns * 200 // width, (rows + columns) % 200], axis=-1)
    noise = random.integers(0, 55, (height, width, 3))
    return Image.fromarray((smooth + noise).astype(np.uint8))


def encoded(image: Image.Image | None = None, kind: str = "JPEG", **options: Any) -> bytes:
    """The picture as a file's bytes."""
    out = io.BytesIO()
    (image or noisy()).save(out, kind, **options)
    return out.getvalue()
