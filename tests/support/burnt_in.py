"""Draw the bars that cameras burn into pictures: other fonts, colours, sizes, orders and words than any one maker's."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from modal_backend.contracts import Picture

FONTS = sorted(Path("/usr/share/fonts").rglob("*.[to]tf")) if Path("/usr/share/fonts").exists() else []
WESTERN = ("Sans", "Mono", "Serif", "Condensed", "Regular", "Bold")
DATES = {
    "ymd": ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d"),
    "mdy": ("%m-%d-%Y", "%m/%d/%Y", "%m.%d.%Y", "{d.month}/{d.day}/%Y", "%m/%d/%y"),
    "dmy": ("%d-%m-%Y", "%d/%m/%Y", "%d.%m.%Y", "%d/%m/%y", "%d.%m.%y", "%d {month} %Y", "%d-{month}-%Y"),
}
TIMES = ("%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M%p", "{hour}:%M %p", "{hour}:%M:%S%p")
MONTHS = (
    "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC",
    "Jan Feb Mrz Apr Mai Jun Jul Aug Sep Okt Nov Dez",
    "janv févr mars avr mai juin juil août sept oct nov déc",
    "ENE FEB MAR ABR MAY JUN JUL AGO SEP OCT NOV DIC",
    "gen feb mar apr mag giu lug ago set ott nov dic",
)
LABELS = ("RIDGE 07", "CAM12", "North Gate", "TC-104", "K3", "WATERHOLE", "Kordon 3", "A07", "")
MAKERS = ("TRAILWATCH", "WILDEYE", "HUNTPRO", "")
# Colour of the bar, None for letters on the picture itself, and of the letters.
BARS = (
    ((0, 0, 0), (255, 255, 255)),
    ((250, 250, 250), (10, 10, 10)),
    ((20, 30, 90), (255, 240, 90)),
    ((60, 60, 60), (255, 150, 40)),
    (None, (255, 255, 255)),
    (None, (255, 200, 0)),
)


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: date, time (to the minute where no seconds stand), the order of the date, the label."""

    taken: datetime
    order: str
    label: str
    celsius: int | None
    text: str

    @property
    def either(self) -> bool:
        """Whether day and month can be taken for one another."""
        return self.order != "ymd" and self.taken.day <= 12 and self.taken.day != self.taken.month


def burnt_in(picture: Picture, seed: int) -> tuple[Picture, Written]:
    """A picture with a bar drawn into it, the same for the same seed, and what the bar says."""
    draws = random.Random(seed)
    taken = datetime(2005, 1, 1) + timedelta(seconds=draws.randrange(int(timedelta(days=365 * 21).total_seconds())))
    order = draws.choice(("ymd", "mdy", "dmy"))
    days, clock = draws.choice(DATES[order]), draws.choice(TIMES)
    names = draws.choice(MONTHS).split()
    named = "{month}" in days
    written = taken.strftime(days).format(d=taken, month=names[taken.month - 1])
    at = taken.strftime(clock).format(hour=taken.hour % 12 or 12)
    if "%S" not in clock:
        taken = taken.replace(second=0)
    celsius = draws.choice((None, draws.randrange(-15, 42)))
    parts = [draws.choice(MAKERS), written, at, _temperature(celsius, draws), draws.choice(LABELS)]
    together = draws.random() < 0.15 and len(at) >= 5 and clock.startswith("%H") and "%Y" in days
    if together:
        parts[1:3] = [written + at]
    if draws.random() < 0.3:
        parts[1:] = draws.sample(parts[1:], len(parts) - 1)
    drawn = _drawn(picture, [part for part in parts if part], draws)
    return drawn, Written(taken, "ymd" if named else order, parts[-1], celsius, "  ".join(parts))


def _temperature(celsius: int | None, draws: random.Random) -> str:
    if celsius is None:
        return ""
    fahrenheit = round(celsius * 9 / 5 + 32)
    return draws.choice((f"{celsius}°C", f"{fahrenheit}°F", f"{fahrenheit}°F {celsius}°C", f"{celsius}C"))


def _drawn(picture: Picture, parts: list[str], draws: random.Random) -> Picture:
    image = Image.fromarray(picture.copy())
    width, height = image.size
    paper, ink = draws.choice(BARS)
    bar = max(14, round(height * draws.uniform(0.03, 0.085)))
    top = draws.random() < 0.3
    y = 0 if top else height - bar
    draw = ImageDraw.Draw(image)
    if paper is not None:
        draw.rectangle((0, y, width, y + bar), fill=paper)
    size = max(10, round(bar * draws.uniform(0.55, 0.8)))
    font = _font(draws.randrange(1000), size)
    while draw.textlength("   ".join(parts), font=font) > 0.94 * width and size > 9:
        size -= 1
        font = _font(draws.randrange(1000), size)
    free = width * 0.97 - sum(draw.textlength(part, font=font) for part in parts)
    gap = max(draw.textlength(" ", font=font), min(free / max(1, len(parts) - 1), draws.uniform(0.5, 6) * size))
    x = width * draws.uniform(0.008, 0.02)
    for part in parts:
        edge = 2 if paper is None else 0
        draw.text((x, y + bar / 2), part, fill=ink, font=font, anchor="lm", stroke_width=edge, stroke_fill=(0, 0, 0))
        x += draw.textlength(part, font=font) + gap
    if draws.random() < 0.3:  # sent by telephone
        smaller = draws.uniform(0.45, 0.9)
        image = image.resize((round(width * smaller), round(height * smaller)))
    return _as_jpeg(image, draws.randrange(30, 95))


@cache
def _font(number: int, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font of this machine by number; Pillow's own where there is none."""
    if not FONTS or number % 6 == 0:
        return ImageFont.load_default(size)
    fonts = [font for font in FONTS if any(word in font.stem for word in WESTERN) and "Math" not in font.stem]
    return ImageFont.truetype(str(fonts[number % len(fonts)]), size)


def _as_jpeg(image: Image.Image, quality: int) -> Picture:
    """The picture after it was saved once as a camera saves it."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return np.asarray(Image.open(out).convert("RGB"))


def right(written: Written, dates: dict[str, date], at: object) -> bool:
    """Whether a reading holds the right date and time, and no other where the picture alone decides."""
    if written.taken.time() != at or written.taken.date() not in dates.values():
        return False
    return written.either or len(set(dates.values())) == 1
