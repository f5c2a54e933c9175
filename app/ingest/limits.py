"""How much one import may ask for."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that real camera-trap material stays well inside of.

    Attributes:
        pixels: width times height of one picture (the largest phone sensors have 200 megapixels); decoding takes up to
            4 bytes of memory a pixel.
        file_bytes: one picture file.
        video_bytes: one video; it is never held in memory.
        zip_entries: entries of one zip, folders included.
        zip_bytes: all entries of one zip, unpacked.
        zip_ratio: unpacked to packed size of one entry, applied beyond its first 16 MiB; JPEG hardly packs.
    """

    pixels: int = 200_000_000
    file_bytes: int = 256 * MEBIBYTE
    video_bytes: int = 1 << 36
    zip_entries: int = 1_000_000
    zip_bytes: int = 1 << 40
    zip_ratio: int = 200
