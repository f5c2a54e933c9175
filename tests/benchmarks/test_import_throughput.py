"""Import + detect + describe + store of 200 pictures against the bare loop over the same pictures, in one run.

The bare loop: one process, decode at the scale that is needed, letterbox, the same network through ONNX Runtime at the
same batch size, nothing stored. Budget: at least 0.85 of its throughput.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from app.analysis.taking_in import BATCH
from tests.support.commands import ROOT, environment
from tests.support.scenes import sample_folder

PICTURES = 200
MEGAPIXELS = (2, 3, 5, 8, 12)
BUDGET = 0.85
SIDE = 1024  # pixels of the long side that the detector's finer view needs, and some


def write_pictures(folder: Path) -> list[Path]:
    """The sample scenes at 2 to 12 megapixels with grain of their own, 200 different files."""
    folder.mkdir()
    scenes = [Image.open(path).convert("RGB") for path in sorted(sample_folder().rglob("*.JPG"))]
    random = np.random.default_rng(0)
    written = []
    for number in range(PICTURES):
        scene = scenes[number % len(scenes)]
        scale = (MEGAPIXELS[number % len(MEGAPIXELS)] * 1e6 / (scene.width * scene.height)) ** 0.5
        picture = np.asarray(scene.resize((round(scene.width * scale), round(scene.height * scale))))
        grain = random.integers(-6, 7, picture.shape[:2], dtype=np.int16)[..., None]
        noisy = Image.fromarray(np.clip(picture + grain, 0, 255).astype(np.uint8))
        out = io.BytesIO()
        noisy.save(out, "JPEG", quality=88)
        written.append(folder / f"{number:04d}.jpg")
        written[-1].write_bytes(out.getvalue())
    return written


def bare_loop(files: list[Path]) -> float:
    """Seconds for decode at the scale that is needed, letterbox and network (ONNX Runtime, the same batches)."""
    from modal_backend.models.detectors.pocket_detector import PocketDetector

    detector = PocketDetector.load()
    detector.detect([np.zeros((480, 640, 3), np.uint8)])
    start = time.perf_counter()
    for first in range(0, len(files), BATCH):
        detector.detect([scaled(path) for path in files[first : first + BATCH]])
    return time.perf_counter() - start


def scaled(path: Path) -> np.ndarray:
    """A JPEG at 1/1, 1/2 or 1/4, with at least SIDE pixels."""
    image = Image.open(path)
    image.draft("RGB", (SIDE, 1) if image.width >= image.height else (1, SIDE))
    return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


@pytest.mark.benchmark
def test_an_import_reaches_the_promised_share_of_the_bare_loops_throughput(tmp_path, measured):
    files = write_pictures(tmp_path / "card")
    bare = bare_loop(files)
    start = time.perf_counter()
    command = [sys.executable, "-m", "app", "import", str(tmp_path / "card"), "--wait", "--json"]
    ran = subprocess.run(command, cwd=ROOT, env=environment(tmp_path / "data"), capture_output=True, check=True)
    answer = json.loads(ran.stdout)
    whole = time.perf_counter() - start
    ratio = bare / answer["seconds"]
    measured("import", PICTURES / answer["seconds"], "pictures/s", baseline=PICTURES / bare)
    measured("import, share of the bare loop", ratio, at_least=BUDGET)
    measured("the same with the start of the process", bare / whole)
    assert answer["new"] == PICTURES
    assert ratio >= BUDGET
