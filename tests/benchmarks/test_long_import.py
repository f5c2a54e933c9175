"""A long import: its memory, and the pace of the last tenth against the first.

The sample scenes at 2 and 3 megapixels with grain, each file with a time of its own: bursts of three, a folder of 500 a
camera. PUGMARK_IMPORT_PICTURES=10000 for the promised length (half an hour).
"""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from app.survey.tables.media import Stage
from tests.support.commands import ROOT, environment
from tests.support.scenes import sample_folder

PICTURES = int(os.environ.get("PUGMARK_IMPORT_PICTURES", "1000"))
A_FOLDER, BURST, PART = 500, 3, PICTURES // 10
PIXELS = (2e6, 3e6)
WRITTEN = b"2024:01:01 00:00:00"
BEGIN = datetime(2025, 2, 1)
MOST_GROWTH, SLOWEST = 1.05, 0.95
LOOK_EVERY = 5.0  # seconds

pytestmark = pytest.mark.benchmark


@dataclass(frozen=True)
class Look:
    """What an import had done at one moment: images, seconds, seconds of the CPU, megabytes of its processes."""

    done: int
    seconds: float
    cpu: float
    megabytes: float


def grainy_pictures() -> list[bytes]:
    """A JPEG file of each scene in each size, taken at WRITTEN."""
    random, files = np.random.default_rng(0), []
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Pugmark", "Synthetic"
    exif.get_ifd(0x8769)[0x9003] = WRITTEN.decode()
    for path in sorted(sample_folder().rglob("*.JPG")):
        scene = Image.open(path).convert("RGB")
        for pixels in PIXELS:
            scale = (pixels / (scene.width * scene.height)) ** 0.5
            picture = np.asarray(scene.resize((round(scene.width * scale), round(scene.height * scale))))
            grain = random.integers(-6, 7, picture.shape[:2], dtype=np.int16)[..., None]
            out = io.BytesIO()
            noisy = Image.fromarray(np.clip(picture + grain, 0, 255).astype(np.uint8))
            noisy.save(out, "JPEG", quality=80, exif=exif)
            files.append(out.getvalue())
    return files


def write_card(folder: Path) -> None:
    """PICTURES files, none like another, in folders of A_FOLDER."""
    files = grainy_pictures()
    for number in range(PICTURES):
        place = folder / f"Camera {number // A_FOLDER:02d}"
        place.mkdir(parents=True, exist_ok=True)
        burst, within = divmod(number % A_FOLDER, BURST)
        taken = BEGIN + timedelta(minutes=37 * burst, seconds=2 * within, hours=number // A_FOLDER)
        content = files[number % len(files)].replace(WRITTEN, f"{taken:%Y:%m:%d %H:%M:%S}".encode())
        (place / f"IMG_{number % A_FOLDER:04d}.JPG").write_bytes(content)


def look(process: psutil.Process, database: Path, begun: float) -> Look:
    """How far an import is now."""
    done = 0
    if database.exists():
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as survey:
            ready = "select count(*) from media where stage = ?"
            done = survey.execute(ready, (Stage.READY.value,)).fetchone()[0]
    family = [process, *process.children(recursive=True)]
    times = [member.cpu_times() for member in family]
    memory = sum(member.memory_info().rss for member in family) / 2**20
    return Look(done, time.monotonic() - begun, sum(spent.user + spent.system for spent in times), memory)


def imported(folder: Path, data: Path) -> tuple[list[Look], dict]:
    """Imports a folder; returns what was seen meanwhile, and the command's answer."""
    command = [sys.executable, "-m", "app", "import", str(folder), "--wait", "--json"]
    answer, words = data.with_suffix(".json"), data.with_suffix(".txt")
    with answer.open("w") as out, words.open("w") as err:
        begun = time.monotonic()
        ran = subprocess.Popen(command, cwd=ROOT, env=environment(data), stdout=out, stderr=err)
        process, looks = psutil.Process(ran.pid), []
        while ran.poll() is None:
            time.sleep(LOOK_EVERY)
            try:
                looks.append(look(process, data / "survey.sqlite", begun))
            except (sqlite3.OperationalError, psutil.NoSuchProcess):
                continue  # not made yet, or just ended
    assert ran.returncode == 0, words.read_text()
    return looks, json.loads(answer.read_text())


def pace(looks: list[Look], begin: int, end: int, of: str) -> float:
    """Images a second (or a second of the CPU) between two numbers of images."""
    done = [seen.done for seen in looks]
    spent = [getattr(seen, of) for seen in looks]
    first, last = np.interp([begin, end], done, spent)
    return (end - begin) / (last - first)


def test_the_last_tenth_of_a_long_import_is_as_fast_as_the_first_in_flat_memory(tmp_path, measured):
    write_card(tmp_path / "card")
    looks, answer = imported(tmp_path / "card", tmp_path / "data")
    assert answer["new"] == PICTURES
    moving = [seen for number, seen in enumerate(looks) if not number or seen.done > looks[number - 1].done]
    begin, end = PART // 10, moving[-1].done - PART // 10
    for of, unit in (("seconds", "pictures/s"), ("cpu", "pictures/s of CPU")):
        first, last = pace(moving, begin, begin + PART, of), pace(moving, end - PART, end, of)
        measured(f"first tenth of {PICTURES:,}", first, unit)
        measured("last tenth", last, unit, baseline=first, at_least=SLOWEST * first)
    at_first = max(seen.megabytes for seen in looks if seen.done <= 2 * PART)
    measured("memory, first two tenths", at_first, "MB")
    measured("memory, most of all", max(seen.megabytes for seen in looks), "MB", at_most=MOST_GROWTH * at_first)
