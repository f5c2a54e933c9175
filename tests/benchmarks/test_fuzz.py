"""Damaged inputs: real files changed at random, each read in a process that may die alone.

The seed is printed and can be given again: PUGMARK_FUZZ_SEED=123 PUGMARK_FUZZ_INPUTS=10000.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest
from PIL import Image

from app.ingest.intake import source_files, take_in
from app.ingest.limits import Limits
from app.ingest.refusals import Refused, RefusedFile
from app.ingest.store import MediaStore
from app.video.reading.probe import VideoError
from app.video.summary.summarise import summarise_video
from modal_backend.notes.columns import BadNotes
from modal_backend.notes.table import SUFFIXES, read_notes

pytestmark = pytest.mark.benchmark
INPUTS = int(os.environ.get("PUGMARK_FUZZ_INPUTS", "400"))
SEED = int(os.environ.get("PUGMARK_FUZZ_SEED", "0")) or time.time_ns() % 1_000_000
LONGEST_SECONDS, MOST_BYTES = 10.0, 1_000_000_000
GIVEN_UP_SECONDS = 60.0
LARGEST_BYTES = 3_000_000
VIDEOS = (".avi", ".mp4", ".asf", ".mov")
FORMATS = ("PNG", "WEBP", "TIFF", "BMP", "GIF", "HEIF")
EXTREMES = (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\1\0\0\0")


def originals(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Small real files of every kind that is read, some pictures in other formats too."""
    kinds = (".jpg", ".jpeg", ".png", ".tif", ".bmp", ".zip", *VIDEOS, *SUFFIXES)
    wanted = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in kinds and "fuzz" not in path.parts]
    small = [path for path in wanted if path.stat().st_size <= LARGEST_BYTES]
    for path in small:
        yield path.suffix.lower(), path.read_bytes()
    import pillow_heif

    pillow_heif.register_heif_opener()
    for path in [path for path in small if path.suffix.lower() == ".jpg"][::400]:
        with Image.open(path) as image:
            for kind in FORMATS:
                out = BytesIO()
                image.convert("RGB").save(out, kind)
                yield f".{kind.lower()}", out.getvalue()
            out = BytesIO()
            image.convert("RGB").save(out, "JPEG", progressive=True)
            yield ".jpg", out.getvalue()


def changed(random: random.Random, data: bytes, other: bytes) -> bytes:
    """The file with one to eight random changes, most of them near its beginning, where headers are."""
    found = bytearray(data)
    for _ in range(random.randint(1, 8)):
        near = min(len(found), 600) if random.random() < 0.6 else len(found)
        at = random.randrange(max(1, near))
        match random.randrange(7):
            case 0:
                found[at : at + 1] = bytes([random.randrange(256)])
            case 1:
                found[at : at + 4] = random.choice(EXTREMES)
            case 2:
                found[at : at + 2] = random.choice(EXTREMES)[:2]
            case 3:
                del found[at : at + random.randint(1, 64)]
            case 4:
                found[at:at] = found[at : at + random.randint(1, 2000)] * random.randint(1, 40)
            case 5:
                start = random.randrange(max(1, len(other)))
                found[at:at] = other[start : start + random.randint(1, 400)]
            case _:
                found = found[: max(1, random.randrange(len(found) + 1))]
    return bytes(found)


def repacked(random: random.Random, data: bytes, other: bytes) -> bytes:
    """A zip (an XLSX is one) of which one entry is changed, in whole packing."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        entries = old.infolist()
        chosen = random.choice(entries)
        for entry in entries:
            content = old.read(entry)
            new.writestr(entry.filename, changed(random, content, other) if entry is chosen else content)
    return out.getvalue()


def read_input(path: Path, store: MediaStore) -> str:
    """Read one input as the product does; what became of it. An exception that is no answer comes through."""
    if path.suffix in SUFFIXES:
        try:
            read_notes(path)
        except BadNotes:
            return "notes refused"
        return "notes read"
    outcomes = [read_media(found, store) for found in source_files(path, limits=Limits())]
    return outcomes[0] if outcomes else "nothing"


def read_media(found: object, store: MediaStore) -> str:
    """Take one file in, and summarise a video."""
    if isinstance(found, RefusedFile):
        return str(found.refusal)
    try:
        taken = take_in(found, store, Limits())  # type: ignore[arg-type]
    except Refused as refused:
        return str(refused.refusal)
    if taken.video is not None:
        try:
            summarise_video(store.path_of(taken.sha256, taken.format), lambda pictures: [[] for _ in pictures])
        except VideoError:
            return "video failed"
    return "damaged" if taken.damage else "taken in"


def reader(root: Path, inputs: Connection) -> None:
    """The child: reads the inputs whose paths come in, answers with what became of each and what it took."""
    store, me = MediaStore(root / "store"), psutil.Process()
    while path := inputs.recv():
        before, started = me.memory_info().rss, time.process_time()
        peak = Path("/proc/self/clear_refs")
        if peak.exists():
            peak.write_text("5")  # the highest mark begins anew: proc(5)
        try:
            outcome = read_input(path, store)
        except Exception as error:
            outcome = f"UNHANDLED {type(error).__name__}: {str(error)[:200]}"
        inputs.send((outcome, time.process_time() - started, highest() - before))


def highest() -> int:
    """The most memory of this process since the mark was set back, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0


class Child:
    """A child that reads inputs, and another one when it has died."""

    def __init__(self, start: Callable[[Connection], None], given_up_seconds: float = GIVEN_UP_SECONDS) -> None:
        self._start, self._seconds = start, given_up_seconds
        self._begin()

    def _begin(self) -> None:
        self.pipe, far = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("fork").Process(target=self._start, args=(far,), daemon=True)
        self.process.start()
        far.close()

    def _answers(self) -> bool:
        """Whether an answer comes within so many seconds of the child's own time, however busy the machine is."""
        child, begun = psutil.Process(self.process.pid), time.monotonic()
        before = sum(child.cpu_times()[:2])
        while not self.pipe.poll(1.0):
            took = sum(child.cpu_times()[:2]) - before
            if took > self._seconds or time.monotonic() - begun > 10 * self._seconds:
                return False
        return True

    def ask(self, path: Path) -> tuple[str, float, int]:
        """What became of an input, its seconds and bytes."""
        self.pipe.send(path)
        try:
            if self._answers():
                answer: tuple[str, float, int] = self.pipe.recv()
                return answer
            outcome = "ENDLESS"
        except EOFError:
            outcome = "DIED"
        self.process.kill()
        self.process.join()
        self._begin()
        return outcome, self._seconds, 0


def test_changed_real_files_are_taken_in_damaged_or_refused(real_data: Path, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    files = list(originals(real_data))
    kinds: dict[str, list[bytes]] = {}
    for suffix, data in files:
        kinds.setdefault(suffix, []).append(data)
    child = Child(partial(reader, tmp_path))
    outcomes: Counter[str] = Counter()
    bad, slowest, largest = [], (0.0, ""), (0, "")
    kept = Path(os.environ.get("PUGMARK_FUZZ_KEEP", tmp_path))
    for number in range(INPUTS):
        suffix = chance.choice(sorted(kinds))
        data, other = chance.choice(kinds[suffix]), chance.choice(files)[1]
        is_zip = suffix in (".zip", ".xlsx") and chance.random() < 0.5
        path = tmp_path / f"{number}{suffix}"
        path.write_bytes((repacked if is_zip else changed)(chance, data, other))
        outcome, seconds, taken = child.ask(path)
        if number % 100 == 99:
            print(f"{number + 1}: {dict(outcomes.most_common())}; {bad}", flush=True)
        outcomes[outcome if outcome[0].islower() else "BAD"] += 1
        slowest, largest = max(slowest, (seconds, path.name)), max(largest, (taken, path.name))
        if outcome[0].isupper() or seconds > LONGEST_SECONDS or taken > MOST_BYTES:
            bad.append(f"{path.name}: {outcome}, {seconds:.1f} s, {taken / 1e6:.0f} MB")
            path.replace(kept / f"seed{SEED}-{path.name}")
        path.unlink(missing_ok=True)
    print(f"\nseed {SEED}, {INPUTS} inputs: {dict(outcomes.most_common())}")
    print(f"slowest {slowest[0]:.1f} s ({slowest[1]}), most memory {largest[0] / 1e6:.0f} MB ({largest[1]})")
    assert bad == [], "\n".join(bad)
