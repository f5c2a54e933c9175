"""Make parts of a picture unrecognisable."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageFilter

from modal_backend.contracts import Box

BLUR_SHARE = 0.12  # of the shorter side of what is blurred
LEAST_RADIUS = 4.0
JPEG_QUALITY = 90


def blurred_jpeg(path: Path, boxes: Sequence[Box]) -> bytes:
    """The picture at `path` as JPEG without metadata, blurred inside the boxes (relative to the picture).

    Raises:
        OSError: the picture cannot be read.
    """
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    picture.info.clear()  # Pillow writes a comment again, in which a camera may have put the place
    for box in boxes:
        left, top, right, bottom = box.pixels(picture.width, picture.height)
        part = picture.crop((left, top, right, bottom))
        radius = max(LEAST_RADIUS, BLUR_SHARE * min(part.size))
        picture.paste(part.filter(ImageFilter.GaussianBlur(radius)), (left, top))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()
