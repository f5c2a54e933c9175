"""How often the bars of cameras are read right: real ones, and drawn ones on real pictures.

Drawn bars of seeds below 1,000 were looked at while the reader was made; those from 1,000 on were not.
"""

from __future__ import annotations

import csv
import time
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from modal_backend.contracts import Picture
from modal_backend.models.stamps.grammar import Stamp, read_stamp
from modal_backend.models.stamps.reader import StampReader, strips_of
from tests.support.burnt_in import burnt_in, right

pytestmark = pytest.mark.benchmark
TODAY = date(2026, 11, 28)
SEEDS = range(1000, 1060)
WIDTHS = (640, 800, 1280, 1280, 1920, 2304)
WANTED, SECONDS = 0.95, 1.5


def picture_of(path: Path) -> Picture:
    """A picture file, upright."""
    return np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))


def read(reader: StampReader, picture: Picture, seconds: list[float]) -> Stamp:
    """What its bar says; adds the seconds of one core that it took."""
    start = time.process_time()
    text = reader.read(strips_of(picture))
    seconds.append(time.process_time() - start)
    return read_stamp(text.lines, TODAY)


def test_real_bars(real_data: Path, measured):
    with (real_data / "stamps.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    reader, fits, wrong, invented, seconds = StampReader(), 0, 0, 0, list[float]()
    for row in rows:
        stamp = read(reader, picture_of(real_data / row["path"]), seconds)
        days = {value.isoformat() for value in stamp.dates.values()}
        fit = row["date"] in days and stamp.time is not None and stamp.time.isoformat().startswith(row["time"])
        fit = fit and (len(days) == 1) == (row["order"] != "either")
        fits += fit
        wrong += bool(row["date"]) and stamp.complete and not fit and not stamp.doubts
        invented += not row["date"] and bool(stamp.dates)
    dated = sum(bool(row["date"]) for row in rows)
    measured(f"real bars right, of {dated}", fits / dated, at_least=WANTED)
    measured("real bars wrong without a doubt, or invented", wrong + invented, at_most=0)
    measured("a real bar, one core", float(np.mean(seconds)), "s", at_most=SECONDS)
    assert fits >= WANTED * dated
    assert (wrong, invented) == (0, 0)
    assert np.mean(seconds) < SECONDS


def test_drawn_bars_on_real_pictures(real_data: Path, measured):
    sources = ("hand_garden", "raccoon", "empty_trails", "rabbit_openimages")
    files = sorted(file for name in sources for file in (real_data / "detection" / name / "images").iterdir())
    reader, fits, wrong, seconds = StampReader(), 0, 0, list[float]()
    for seed in SEEDS:
        draws = np.random.default_rng(seed)
        image = Image.open(files[draws.integers(len(files))]).convert("RGB")
        width = int(draws.choice(WIDTHS))
        picture = np.asarray(image.resize((width, round(width * draws.choice((0.75, 0.5625))))))
        drawn, written = burnt_in(picture, seed)
        stamp = read(reader, drawn, seconds)
        fit = right(written, stamp.dates, stamp.time)
        fits += fit
        wrong += stamp.complete and not fit and not stamp.doubts
    measured(f"drawn bars right, of {len(SEEDS)}", fits / len(SEEDS), at_least=WANTED)
    measured("drawn bars wrong without a doubt", wrong, at_most=0)
    assert fits >= WANTED * len(SEEDS)
    assert wrong == 0
