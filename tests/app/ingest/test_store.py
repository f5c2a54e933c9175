"""The store holds each content once and whole, whatever happens while it is written."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from app.ingest.intake import Taken, take_in
from app.ingest.limits import Limits
from app.ingest.refusals import Refused
from app.ingest.source import SourceFile, open_file
from app.ingest.store import MediaStore
from app.storage.errors import StoreError, StoreFull
from tests.support.pictures import encoded, noisy


def source(path: Path) -> SourceFile:
    return SourceFile(path.name, partial(open_file, path), path.stat().st_size)


def picture_file(folder: Path, name: str = "a.jpg", *, seed: int = 0) -> Path:
    path = folder / name
    path.write_bytes(encoded(noisy(300, 200, seed=seed)))
    return path


def files(store: MediaStore) -> list[Path]:
    return sorted(path for path in store.root.rglob("*") if path.is_file())


def test_the_original_is_kept_byte_for_byte_with_a_thumbnail(tmp_path: Path) -> None:
    path = picture_file(tmp_path)
    store = MediaStore(tmp_path / "store")
    taken = take_in(source(path), store, Limits())
    assert taken.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert store.path_of(taken.sha256, "jpeg").read_bytes() == path.read_bytes()
    with open_file(store.path_of(taken.sha256, "jpeg")) as stream:
        assert stream.read() == path.read_bytes()
    assert Image.open(store.thumb_path(taken.sha256)).size == (256, 171)
    assert taken.new_file
    assert (taken.bytes, taken.width, taken.height) == (path.stat().st_size, 300, 200)
    assert taken.picture.shape == (200, 300, 3)


def test_the_same_content_is_stored_once_whatever_its_name(tmp_path: Path) -> None:
    store = MediaStore(tmp_path / "store")
    first = take_in(source(picture_file(tmp_path)), store, Limits())
    before = files(store), store.path_of(first.sha256, "jpeg").stat().st_mtime_ns
    again = take_in(source(picture_file(tmp_path, "b.jpg")), store, Limits())
    assert again.sha256 == first.sha256
    assert not again.new_file
    assert (files(store), store.path_of(first.sha256, "jpeg").stat().st_mtime_ns) == before


def test_a_damaged_copy_in_the_store_is_replaced_by_the_whole_file(tmp_path: Path) -> None:
    path = picture_file(tmp_path)
    store = MediaStore(tmp_path / "store")
    taken = take_in(source(path), store, Limits())
    store.path_of(taken.sha256, "jpeg").write_bytes(b"half")
    store.thumb_path(taken.sha256).write_bytes(b"")
    assert take_in(source(path), store, Limits()).new_file
    assert store.path_of(taken.sha256, "jpeg").read_bytes() == path.read_bytes()
    assert Image.open(store.thumb_path(taken.sha256)).size == (256, 171)


def test_a_refused_file_leaves_nothing_behind(tmp_path: Path) -> None:
    path = picture_file(tmp_path)
    path.write_bytes(path.read_bytes()[:20] + b"no picture" * 20)
    store = MediaStore(tmp_path / "store")
    with pytest.raises(Refused):
        take_in(source(path), store, Limits())
    assert files(store) == []


STORE_ALL = """
import sys
from functools import partial
from pathlib import Path
from app.ingest.intake import take_in
from app.ingest.limits import Limits
from app.ingest.store import MediaStore
from app.ingest.source import SourceFile, open_file
store = MediaStore(Path(sys.argv[1]))
print("ready", flush=True); sys.stdin.readline()
for path in sorted(Path(sys.argv[2]).glob("*.jpg")):
    store.clean()
    print(take_in(SourceFile(path.name, partial(open_file, path)), store, Limits()).sha256)
"""


def test_two_processes_storing_the_same_content_agree(tmp_path: Path) -> None:
    (tmp_path / "card").mkdir()
    contents = {picture_file(tmp_path / "card", f"{seed}.jpg", seed=seed).read_bytes() for seed in range(12)}
    command = [sys.executable, "-c", STORE_ALL, str(tmp_path / "store"), str(tmp_path / "card")]
    runs = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for run in runs:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
    for run in runs:
        assert run.stdin is not None
        run.stdin.write("go\n")
        run.stdin.flush()
    outputs = [run.communicate(timeout=60)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert outputs[0] == outputs[1]
    stored = files(MediaStore(tmp_path / "store"))
    assert {path.read_bytes() for path in stored if "originals" in path.parts} == contents
    assert len(stored) == 2 * len(contents)


HANG_BEFORE_RENAME = """
import os, sys, time
from functools import partial
from pathlib import Path
from app.ingest.intake import take_in
from app.ingest.limits import Limits
from app.ingest.store import MediaStore
from app.ingest.source import SourceFile, open_file
def wait(*_):
    print("written", flush=True); time.sleep(60)
os.replace = wait
path = Path(sys.argv[2])
take_in(SourceFile(path.name, partial(open_file, path)), MediaStore(Path(sys.argv[1])), Limits())
"""


def test_what_a_killed_process_left_is_cleaned_up_and_a_living_ones_is_not(tmp_path: Path) -> None:
    path = picture_file(tmp_path)
    store = MediaStore(tmp_path / "store")
    command = [sys.executable, "-c", HANG_BEFORE_RENAME, str(store.root), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "written\n"
        left = files(store)
        assert left
        assert store.clean() == 0
        assert files(store) == left
        run.kill()
    assert store.clean() == len(left)
    assert files(store) == []
    assert take_in(source(path), store, Limits()).new_file


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs Linux and root")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_says_so_and_leaves_nothing_half_written(tmp_path: Path, small_disk: Path) -> None:
    store = MediaStore(small_disk)
    large = tmp_path / "large.jpg"
    large.write_bytes(encoded(noisy(200, 200)) + bytes(2 << 20))
    with pytest.raises(StoreFull, match="Free some space"):
        take_in(source(large), store, Limits())
    assert files(store) == []
    taken: list[Taken] = []

    def fill() -> None:
        for seed in range(100):
            taken.append(take_in(source(picture_file(tmp_path, seed=seed)), store, Limits()))

    with pytest.raises(StoreFull):
        fill()
    assert taken
    assert not list(store.incoming.iterdir())
    originals = [path for path in files(store) if "originals" in path.parts]
    assert {path.stem for path in originals} == {media.sha256 for media in taken}
    for path in originals:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem


def test_a_disk_without_a_single_free_byte_is_named_for_the_smallest_picture(tmp_path: Path, small_disk: Path) -> None:
    store = MediaStore(small_disk)
    with (small_disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(4096))
    tiny = tmp_path / "tiny.jpg"
    tiny.write_bytes(encoded())
    with pytest.raises(StoreFull):
        take_in(source(tiny), store, Limits())
    assert [path.name for path in files(store)] == ["filler"]


def test_a_store_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "store").write_bytes(b"a file where the folder should be")
    with pytest.raises(StoreError, match="Check that the data folder"):
        MediaStore(tmp_path / "store")


def test_clean_takes_no_time_to_notice_an_abandoned_file(tmp_path: Path) -> None:
    store = MediaStore(tmp_path)
    for number in range(200):
        (store.incoming / f"{number}.part").write_bytes(b"left")
    started = time.monotonic()
    assert store.clean() == 200
    assert time.monotonic() - started < 5
