"""Taking a picture in costs less than the bare full decode every program makes, and no memory that stays."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from app.ingest.intake import take_in
from app.ingest.limits import Limits
from app.ingest.source import SourceFile, open_file
from app.ingest.store import MediaStore
from tests.support.pictures import encoded, noisy


def bare_decode(path: Path) -> None:
    with Image.open(path) as image:
        image.convert("RGB").resize((512, 384))


@pytest.mark.benchmark
def test_a_12_megapixel_jpeg_goes_in_faster_than_a_bare_decode_and_resize(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The picture's own long side stays at least 1024, its thumbnail is made and the disk has it (fsync)."""
    store = MediaStore(tmp_path / "store")
    picture = encoded(noisy(1000, 750).resize((4000, 3000)), quality=97)
    bare, whole = [], []
    for number in range(5):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(picture + bytes([number]))
        started = time.perf_counter()
        bare_decode(path)
        bare.append(time.perf_counter() - started)
        source = SourceFile(path.name, partial(open_file, path), path.stat().st_size)
        started = time.perf_counter()
        taken = take_in(source, store, Limits())
        whole.append(time.perf_counter() - started)
        assert taken.new_file
        assert taken.picture.shape == (1500, 2000, 3)
    ratio = statistics.median(whole) / statistics.median(bare)
    with capsys.disabled():
        megabytes = path.stat().st_size / 1e6
        print(
            f"\n12 megapixels, {megabytes:.1f} MB: take_in {statistics.median(whole) * 1e3:.0f} ms,"
            f" bare decode + resize {statistics.median(bare) * 1e3:.0f} ms, ratio {ratio:.2f}"
        )
    assert ratio <= 1.0


TAKE_MANY = """
import resource, sys
from pathlib import Path
from app.ingest.intake import source_files, take_in
from app.ingest.limits import Limits
from app.ingest.store import MediaStore
store, peaks = MediaStore(Path(sys.argv[2])), []
for found in source_files(Path(sys.argv[1]), limits=Limits()):
    take_in(found, store, Limits())
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(len(peaks), peaks[29], peaks[-1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read in kilobytes on Linux only")
def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path) -> None:
    (tmp_path / "card").mkdir()
    picture = encoded(noisy(1280, 960))
    for number in range(100):
        (tmp_path / f"card/{number:03}.jpg").write_bytes(picture + bytes([number]))
    command = [sys.executable, "-c", TAKE_MANY, str(tmp_path / "card"), str(tmp_path / "store")]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    count, early, late = map(int, output.split())
    assert count == 100
    assert late - early < 8 * 1024
