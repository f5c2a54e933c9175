"""Generated pictures in a data directory, laid out as the survey does: striped animals, for tests that look."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE = (1280, 960)


def picture(number: int) -> tuple[Image.Image, list[dict[str, object]]]:
    """One picture and its boxes, the same for the same number."""
    rng = np.random.default_rng(number)
    image = Image.fromarray(rng.integers(40, 120, (60, 80, 3), dtype=np.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
    pen, boxes = ImageDraw.Draw(image), []
    for box_number in range(int(rng.integers(0, 4))):
        w, h = rng.uniform(0.15, 0.4), rng.uniform(0.15, 0.35)
        x, y = rng.uniform(0, 1 - w), rng.uniform(0.02, 1 - h)
        category = ["animal", "animal", "animal", "person", "vehicle"][int(rng.integers(0, 5))]
        left, top, right, bottom = x * SIZE[0], y * SIZE[1], (x + w) * SIZE[0], (y + h) * SIZE[1]
        pen.ellipse(
            (left, top, right, bottom),
            fill={"animal": (196, 134, 62), "person": (70, 90, 160)}.get(category, (90, 96, 98)),
        )
        for stripe in np.linspace(left + 20, right - 20, 9):
            pen.line((stripe, top + 30, stripe + rng.uniform(-20, 20), bottom - 30), fill=(40, 26, 12), width=6)
        boxes.append(
            {"id": number * 10 + box_number, "c": category, "p": round(float(rng.uniform(0.08, 0.99)), 2),
             "x": float(x), "y": float(y), "w": float(w), "h": float(h)}
        )  # fmt: skip
    return image.filter(ImageFilter.GaussianBlur(1)), boxes


def write_media(data_dir: Path, number: int) -> dict[str, object]:
    """Original, thumbnail and crop of one picture; returns what a component needs to know of it."""
    image, boxes = picture(number)
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=80)
    sha256 = hashlib.sha256(encoded.getvalue()).hexdigest()
    original = data_dir / "originals" / sha256[:2] / f"{sha256}.jpg"
    thumb = data_dir / "thumbs" / sha256[:2] / f"{sha256}.jpg"
    crop_name = f"{number}-{sha256[:8]}.jpg"
    crop = data_dir / "crops" / str(number // 1000) / crop_name
    for path in (original, thumb, crop):
        path.parent.mkdir(parents=True, exist_ok=True)
    original.write_bytes(encoded.getvalue())
    image.resize((384, 288)).save(thumb, "JPEG", quality=80)
    box = boxes[0] if boxes else {"x": 0.2, "y": 0.2, "w": 0.5, "h": 0.5}
    x, y, w, h = (float(str(box[side])) for side in ("x", "y", "w", "h"))
    image.crop((int(x * SIZE[0]), int(y * SIZE[1]), int((x + w) * SIZE[0]), int((y + h) * SIZE[1]))).save(crop, "JPEG")
    return {"id": number, "sha256": sha256, "crop": crop_name, "w": SIZE[0], "h": SIZE[1], "boxes": boxes}


def write_gallery(data_dir: Path, count: int) -> list[dict[str, object]]:
    """The first `count` generated media."""
    return [write_media(data_dir, number) for number in range(1, count + 1)]
