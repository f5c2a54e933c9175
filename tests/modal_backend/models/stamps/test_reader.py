"""The reader of bars, with its own weights: drawn bars, real ones where they are at hand, and the way to Modal."""

from __future__ import annotations

import csv
import time as clock
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from modal_backend.contracts import Picture
from modal_backend.embedded import EmbeddedBackend
from modal_backend.models.loaders import load
from modal_backend.models.stamps.bar import BarText
from modal_backend.models.stamps.grammar import Stamp, read_stamp
from modal_backend.models.stamps.reader import BOTTOM, TOP, strips_of
from modal_backend.registry import STAMPS
from modal_backend.remote import wire
from tests.support.burnt_in import burnt_in, right

TODAY = date(2026, 11, 28)
SECONDS = 1.5
SEEDS = range(5000, 5008)


@pytest.fixture(scope="module")
def backend() -> EmbeddedBackend:
    """The embedded backend, which loads the reader once."""
    return EmbeddedBackend()


def scene(seed: int, size: tuple[int, int] = (720, 960)) -> Picture:
    """A picture without letters: soft blotches as of leaves."""
    noise = np.random.default_rng(seed).integers(0, 255, (size[0] // 24, size[1] // 24, 3), np.uint8)
    return np.asarray(Image.fromarray(noise).resize(size[::-1], Image.Resampling.BICUBIC)) // 2 + 40


def stamp_of(backend: EmbeddedBackend, picture: Picture) -> Stamp:
    """What the bar of a picture says."""
    (value,) = backend.call(STAMPS, [strips_of(picture)]).values
    assert isinstance(value, BarText), value
    return read_stamp(value.lines, TODAY)


def test_the_strips_are_the_top_and_the_bottom_of_the_picture():
    picture = np.arange(100, dtype=np.uint8)[:, None, None].repeat(4, 1).repeat(3, 2)
    strips = strips_of(picture)
    assert (len(strips.top), len(strips.bottom)) == (round(100 * TOP), round(100 * BOTTOM))
    assert (strips.top[0, 0, 0], strips.bottom[-1, 0, 0]) == (0, 99)


def test_drawn_bars_of_unknown_makers_are_read_and_none_is_wrong_without_a_doubt(backend):
    read = 0
    for seed in SEEDS:
        picture, written = burnt_in(scene(seed), seed)
        stamp = stamp_of(backend, picture)
        fits = right(written, stamp.dates, stamp.time)
        assert fits or stamp.doubts or not stamp.complete, (seed, written.text, stamp)
        read += fits
    assert read >= len(SEEDS) - 1


def test_a_picture_without_a_bar_has_neither_date_nor_time(backend):
    for seed in (1, 2):
        stamp = stamp_of(backend, scene(seed))
        assert (stamp.dates, stamp.time) == ({}, None)


def test_the_place_of_the_text_is_told_for_the_whole_picture(backend):
    picture, _ = burnt_in(scene(3), 5003)
    stamp = stamp_of(backend, picture)
    assert stamp.box is not None
    assert stamp.box.y > 1 - BOTTOM or stamp.box.y + stamp.box.height < TOP


def test_strips_and_text_cross_the_line_to_modal_and_back():
    picture, _ = burnt_in(scene(4), 5004)
    strips = strips_of(picture)
    (there,) = wire.unpack_call(wire.pack_call([strips]))
    assert np.array_equal(there.bottom, strips.bottom)
    run, provenance = load(STAMPS, "embedded")
    text = run([strips])[0]
    back = wire.unpack_answer(wire.pack_answer([text], provenance, 1.0, 0.0))
    assert back.values == [text]
    assert provenance.weights_sha256


def test_real_bars_are_read_right_in_time_and_none_is_wrong_without_a_doubt(backend, real_data: Path):
    with (real_data / "stamps.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[4::12]
    right_ones, seconds = 0, []
    for row in rows:
        picture = np.asarray(ImageOps.exif_transpose(Image.open(real_data / row["path"])).convert("RGB"))
        start = clock.process_time()
        stamp = stamp_of(backend, picture)
        seconds.append(clock.process_time() - start)
        fits = row["date"] in {value.isoformat() for value in stamp.dates.values()}
        fits = fits and stamp.time is not None and stamp.time.isoformat().startswith(row["time"])
        assert fits or stamp.doubts or not stamp.complete, (row, stamp)
        assert bool(stamp.dates) == bool(row["date"])
        right_ones += fits
    assert right_ones == sum(bool(row["date"]) for row in rows)
    assert sorted(seconds)[len(seconds) // 2] < SECONDS
