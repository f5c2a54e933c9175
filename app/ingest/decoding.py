"""What decoding a picture costs, known before it is done, and how its pixels become RGB in little memory."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext

import numpy as np
from PIL import Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from app.ingest.formats import ImageFormat
from app.ingest.refusals import Refusal, Refused

# Bytes a pixel of the decoder itself, beside Pillow's own picture: measured with 25 megapixels of each on 2026-11-28.
DECODER: dict[ImageFormat, int] = {
    "jpeg": 0, "png": 0, "webp": 16, "tiff": 4, "bmp": 0, "gif": 1, "heif": 4, "dng": 0,
}  # fmt: skip
COEFFICIENT = 2  # bytes a sample: a progressive JPEG is held whole until its last scan
# Bytes a pixel in Pillow's picture; those of other modes take 4.
PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}
ROW = 20  # bytes of pointers and gaps a row: most of a picture of one column
MOST_BYTES = 900_000_000
LARGE_BYTES = 100_000_000
TILE = 2048
_large = threading.Lock()


def decoding_bytes(image: ImageFile.ImageFile, kind: ImageFormat, stated: tuple[int, int]) -> int:
    """About how much memory it takes to decode a picture that is opened and not loaded.

    Args:
        image: a JPEG is drafted already to the size wanted.
        stated: width and height of the whole picture.
    """
    width, height = image.size
    cost = width * height * (PIXEL.get(image.mode, 4) + DECODER[kind]) + height * ROW
    if isinstance(image, JpegImageFile) and image.info.get("progressive"):
        samples = [across * down for _, across, down, _ in image.layer]
        cost += stated[0] * stated[1] * COEFFICIENT * sum(samples) // max(1, *samples)
    return cost


def check_bytes(cost: int) -> None:
    """Raises Refused (DECOMPRESSION_BOMB) for a picture that takes more memory than one may."""
    if cost > MOST_BYTES:
        raise Refused(Refusal.DECOMPRESSION_BOMB, f"{cost / 1e9:.1f} GB to decode, at most {MOST_BYTES / 1e9:.1f} GB")


def in_turn(cost: int) -> AbstractContextManager[object]:
    """Decode inside of this: large pictures wait for each other, so that several at once take no more than one.

    Raises:
        Refused: see `check_bytes`.
    """
    check_bytes(cost)
    return _large if cost > LARGE_BYTES else nullcontext()


def reduced_rgb(image: Image.Image, at_least: int | None) -> Image.Image:
    """Any picture as RGB, averaged down by a whole factor that leaves the long side at least `at_least` pixels.

    Tile by tile, so that nothing but the result is held beside the picture.
    """
    factor = max(1, max(image.size) // at_least) if at_least else 1
    if image.mode == "RGB" and "transparency" not in image.info:
        return image.reduce(factor) if factor > 1 else image
    width, height = image.size
    result = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    side = factor * max(1, TILE // factor)
    for top in range(0, height, side):
        for left in range(0, width, side):
            tile = image.crop((left, top, min(left + side, width), min(top + side, height)))
            result.paste(_rgb(tile).reduce(factor), (left // factor, top // factor))
    return result


def _rgb(image: Image.Image) -> Image.Image:
    """Any mode as RGB: 16-bit grey by its upper byte, transparency over white."""
    if image.mode.startswith("I"):
        upper = np.asarray(image).astype(np.int64).clip(0, 0xFFFF) >> 8
        return Image.fromarray(upper.astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        clear = image.convert("RGBA")
        paper = Image.new("RGBA", clear.size, "white")
        paper.alpha_composite(clear)
        return paper.convert("RGB")
    return image.convert("RGB")
