"""Where the pictures taken out of clips lie below the data directory."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

from PIL import Image

from modal_backend.contracts import Picture


def frame_path(data_dir: Path, sha256: str, number: int) -> Path:
    """A frame that was looked at: data_dir/frames/<first two hex digits>/<sha256>/<frame number>.jpg"""
    return data_dir / "frames" / sha256[:2] / sha256 / f"{number}.jpg"


def view_path(data_dir: Path, sha256: str) -> Path:
    """The key frame in browser size, where pictures have theirs."""
    return data_dir / "views" / sha256[:2] / f"{sha256}.jpg"


def write_jpeg(place: Path, picture: Picture, side: int, quality: int) -> None:
    """Write a picture, its longer side at most `side` pixels; complete or not there at all. Raises OSError."""
    place.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(picture)
    image.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=2.0)
    part = place.with_name(f".{uuid4().hex}.part")
    image.save(part, "JPEG", quality=quality)
    os.replace(part, place)
