"""What a camera writes around a picture: the information bar burnt into it and the EXIF tags."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

BAR = 48
QUALITY = 88
DESCRIPTION = "SYNTHETIC - drawn by Pugmark, not a photograph"
NEW_MOON = datetime(2000, 1, 6, 18, 14)
SYNODIC_DAYS = 29.530588853


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a camera writes into its pictures.

    Attributes:
        taken: by the camera's own clock.
        latitude, longitude: degrees.
        serial: of the camera.
    """

    station: str
    taken: datetime
    celsius: int
    latitude: float
    longitude: float
    serial: str
    night: bool


def moon_phase(when: datetime) -> float:
    """0 new, 0.5 full: mean lunation counted from the new moon of 2000-01-06 (Meeus 1998)."""
    return ((when - NEW_MOON).total_seconds() / 86400 / SYNODIC_DAYS) % 1.0


def with_bar(scene: NDArray[np.uint8], stamp: Stamp) -> Image.Image:
    """The scene with the camera's bar of `BAR` pixels below it."""
    height, width = scene.shape[:2]
    picture = Image.new("RGB", (width, height + BAR), (8, 8, 8))
    picture.paste(Image.fromarray(scene), (0, 0))
    draw, font, middle = ImageDraw.Draw(picture), ImageFont.load_default(26), height + BAR / 2
    parts = (
        (0.015, "SYNTHETIC", (255, 196, 64)),
        (0.16, "PUGMARK", (235, 235, 235)),
        (0.31, stamp.station.upper(), (235, 235, 235)),
        (0.56, f"{stamp.taken:%Y-%m-%d  %H:%M:%S}", (235, 235, 235)),
        (0.83, f"{stamp.celsius} °C", (235, 235, 235)),
    )
    for share, text, colour in parts:
        draw.text((share * width, middle), text, fill=colour, font=font, anchor="lm")
    _symbol(draw, 0.94 * width, middle, stamp)
    return picture


def _symbol(draw: ImageDraw.ImageDraw, x: float, y: float, stamp: Stamp) -> None:
    """The sun by day, the moon's phase by night."""
    if not stamp.night:
        for turn in np.arange(8) * np.pi / 4:
            c, s = float(np.cos(turn)), float(np.sin(turn))
            draw.line((x + 11 * c, y + 11 * s, x + 16 * c, y + 16 * s), fill=(255, 214, 110), width=2)
        draw.ellipse((x - 8, y - 8, x + 8, y + 8), fill=(255, 214, 110))
        return
    phase, radius = moon_phase(stamp.taken), 13
    for row in range(-radius, radius + 1):
        half = (radius**2 - row**2) ** 0.5
        edge = half * float(np.cos(2 * np.pi * phase))
        lit = (edge, half) if phase < 0.5 else (-half, -edge)
        draw.line((x - half, y + row, x + half, y + row), fill=(70, 70, 70))
        if lit[1] > lit[0]:
            draw.line((x + lit[0], y + row, x + lit[1], y + row), fill=(235, 235, 225))


def _degrees(value: float) -> tuple[float, float, float]:
    value = abs(value)
    minutes = (value - int(value)) * 60
    return float(int(value)), float(int(minutes)), round((minutes - int(minutes)) * 60, 3)


def save(picture: Image.Image, path: Path, stamp: Stamp, quality: int = QUALITY) -> None:
    """Writes the JPEG with the tags a camera trap sets (EXIF 2.32)."""
    exif = Image.Exif()
    when = f"{stamp.taken:%Y:%m:%d %H:%M:%S}"
    exif.update(
        {
            0x010E: DESCRIPTION,
            0x010F: "Pugmark",
            0x0110: "Synthetic trap",
            0x0131: "Pugmark sample",
            0x0132: when,
        }
    )
    exif.get_ifd(0x8769).update({0x9003: when, 0x9004: when, 0xA431: stamp.serial})
    exif.get_ifd(0x8825).update(
        {
            1: "N" if stamp.latitude >= 0 else "S",
            2: _degrees(stamp.latitude),
            3: "E" if stamp.longitude >= 0 else "W",
            4: _degrees(stamp.longitude),
        }
    )
    picture.save(path, "JPEG", quality=quality, exif=exif)
