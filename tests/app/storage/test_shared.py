"""Media in a storage that machines share: what is put there, fetched, refused, made room for and waited for."""

from __future__ import annotations

import os
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
import sqlalchemy as sa

from app import files
from app.commands import machine
from app.ingest.intake import take_in
from app.ingest.limits import Limits
from app.ingest.source import SourceFile, open_file
from app.ingest.store import MediaStore
from app.safekeeping.backup import write_backup
from app.safekeeping.check import check
from app.settings import BadSetting, Settings
from app.storage import line, shared
from app.storage.errors import Interrupted, StorageAway, StorageDamaged, StorageMissing, StorageRefused
from app.survey import team
from app.survey.database import open_survey
from app.survey.tables.media import Media
from tests.support.pictures import encoded, noisy
from tests.support.surveys import add_media
from tests.support.waiting import wait_until


class Two(NamedTuple):
    """Two data folders on one storage, which is a folder, too."""

    a: Path
    b: Path
    there: Path

    def store(self, name: str) -> MediaStore:
        return MediaStore(self.a if name == "a" else self.b)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    made = Two(tmp_path / "a", tmp_path / "b", tmp_path / "there")
    for folder in (made.a, made.b):
        folder.mkdir()
        shared.connect(folder, f"file://{made.there}")
    yield made
    for folder in (made.a, made.b):
        shared.connect(folder, None)


def taken(folder: Path, store: MediaStore, seed: int = 0) -> str:
    path = folder / f"card-{seed}.jpg"
    path.write_bytes(encoded(noisy(300, 200, seed=seed)))
    return take_in(SourceFile(path.name, partial(open_file, path), path.stat().st_size), store, Limits()).sha256


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.jpg")}


def test_what_one_folder_takes_in_the_other_reads(two: Two, tmp_path: Path):
    sha256 = taken(tmp_path, two.store("a"))
    assert files_of(two.there) == files_of(two.a)
    store = two.store("b")
    assert store.path_of(sha256, "jpeg").read_bytes() == (tmp_path / "card-0.jpg").read_bytes()
    assert shared.original(two.b, sha256) == store.path_of(sha256, "jpeg")
    assert shared.is_here(two.b, store.thumb_path(sha256))
    assert files_of(two.b) == files_of(two.a)


def test_a_copy_that_was_removed_is_fetched_again_by_many_at_once(two: Two, tmp_path: Path):
    sha256 = taken(tmp_path, two.store("a"))
    shutil.rmtree(two.a / "originals")
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(shared.original(two.a, sha256))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {path.read_bytes() for path in found} == {(tmp_path / "card-0.jpg").read_bytes()}
    assert len(found) == 8
    assert list((two.a / "incoming").iterdir()) == []


def test_a_damaged_original_is_refused_by_its_hash_put_aside_and_put_there_again_by_an_import(two: Two, tmp_path: Path):
    sha256 = taken(tmp_path, two.store("a"))
    (object_there,) = (two.there / "originals").rglob("*.jpg")
    whole = object_there.read_bytes()
    object_there.write_bytes(whole[:-9] + b"otherwise")
    with pytest.raises(StorageDamaged):
        two.store("b").path_of(sha256, "jpeg")
    assert not (two.b / "originals").exists()
    with pytest.raises(StorageMissing):
        two.store("b").path_of(sha256, "jpeg")
    assert taken(tmp_path, two.store("a")) == sha256
    assert two.store("b").path_of(sha256, "jpeg").read_bytes() == whole


def test_half_a_thumbnail_is_refused(two: Two, tmp_path: Path):
    sha256 = taken(tmp_path, two.store("a"))
    (thumb_there,) = (two.there / "thumbs").rglob("*.jpg")
    thumb_there.write_bytes(thumb_there.read_bytes()[:-20])
    with pytest.raises(StorageDamaged):
        shared.here(two.b, files.thumb_path(two.b, sha256))


def test_what_is_nowhere_is_missing_and_no_file_of_the_data_folder(two: Two):
    with pytest.raises(StorageMissing):
        two.store("b").path_of("0" * 64, "jpeg")
    with pytest.raises(FileNotFoundError):
        shared.original(two.b, "0" * 64)
    assert not shared.is_here(two.b, files.crop_path(two.b, "1-00000000.jpg"))


def test_a_key_frame_is_not_replaced_by_the_first_frame_of_another_import(two: Two, tmp_path: Path):
    sha256 = taken(tmp_path, two.store("a"))
    two.store("a").replace_thumb(sha256, encoded(noisy(64, 48, seed=9)))
    taken(tmp_path, two.store("b"))
    (thumb_there,) = (two.there / "thumbs").rglob("*.jpg")
    assert thumb_there.read_bytes() == encoded(noisy(64, 48, seed=9))


def test_room_is_made_of_what_was_not_used_for_longest_and_only_of_what_the_storage_has(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    store = two.store("a")
    old, older, lost, fresh = (taken(tmp_path, store, seed) for seed in range(4))
    ago = time.time() - 2 * shared.UNUSED_SECONDS
    for sha256, used_at in ((old, ago), (older, ago - 50), (lost, ago - 99)):
        os.utime(store.place_of(sha256, "jpeg"), (used_at, used_at))
    files.original_path(two.there, lost, ".jpg").unlink()
    full = shutil._ntuple_diskusage(10**12, 0, shared.RESERVE_BYTES - 1)  # type: ignore[attr-defined]
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: full)
    storage = shared.Storage(f"file://{two.there}", two.a)
    storage.make_room()
    assert [store.place_of(content, "jpeg").exists() for content in (old, older, lost, fresh)] == [
        True,
        False,
        True,
        True,
    ]


class Outage:
    """Stands where fsspec's file system does, and fails while it lasts."""

    def __init__(self, storage: shared.Storage, error: Exception) -> None:
        self.behind, self.error, self.lasts, self.asked = storage.line.files, error, True, 0
        storage.line.__dict__["_there"] = (self, storage.line.root)

    def __getattr__(self, name: str) -> object:
        self.asked += 1
        if self.lasts:
            raise self.error
        return getattr(self.behind, name)


def test_a_worker_waits_for_a_storage_that_is_away_and_says_so(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(line, "growing", lambda _first: lambda _state: 0.02)
    storage = shared.storage_of(two.a)
    assert storage is not None
    outage = Outage(storage, ConnectionError("refused by 10.0.0.1 for key AKIDSECRET"))
    with storage.line.patience():
        importing = threading.Thread(target=taken, args=(tmp_path, two.store("a")))
        importing.start()
        wait_until(lambda: outage.asked > 3, seconds=20)
        assert storage.line.trouble.startswith("waits for the media storage: The storage file://")
        assert "does not answer (ConnectionError). Work waits" in storage.line.trouble
        assert "AKIDSECRET" not in storage.line.trouble
        assert importing.is_alive()
        outage.lasts = False
        importing.join(20)
    assert storage.line.trouble == ""
    assert files_of(two.there) == files_of(two.a)


def test_a_page_does_not_wait_and_does_not_ask_again_at_once(two: Two):
    storage = shared.storage_of(two.a)
    assert storage is not None
    outage = Outage(storage, PermissionError("AccessDenied"))
    for _ in range(3):
        with pytest.raises(StorageRefused):
            shared.here(two.a, files.thumb_path(two.a, "1" * 64))
    assert outage.asked == 1


def test_while_one_page_asks_whether_a_storage_is_back_others_do_not_wait_for_the_answer(
    two: Two, monkeypatch: pytest.MonkeyPatch
):
    storage = shared.storage_of(two.a)
    assert storage is not None
    monkeypatch.setattr(line, "SILENT_SECONDS", 0.0)
    outage = Outage(storage, ConnectionError())
    asking, answer = threading.Event(), threading.Event()

    def ask() -> bool:
        return shared.is_here(two.a, files.thumb_path(two.a, "1" * 64))

    with pytest.raises(StorageAway):
        ask()

    def slowly(_path: str, _part: str) -> None:
        asking.set()
        answer.wait(20)
        raise FileNotFoundError

    outage.lasts, outage.behind = False, SimpleNamespace(get_file=slowly)
    found: list[bool] = []
    first = threading.Thread(target=lambda: found.append(ask()))
    first.start()
    assert asking.wait(20)
    with pytest.raises(StorageAway):
        ask()
    answer.set()
    first.join(20)
    assert found == [False]


def test_the_end_of_a_worker_ends_its_wait_and_nothing_has_failed(two: Two):
    storage = shared.storage_of(two.a)
    assert storage is not None
    Outage(storage, OSError("away"))
    caught: list[BaseException] = []

    def ask() -> None:
        try:
            shared.here(two.a, files.thumb_path(two.a, "1" * 64))
        except Interrupted as error:
            caught.append(error)

    with storage.line.patience():
        waiting = threading.Thread(target=ask)
        waiting.start()
        wait_until(lambda: storage.line.trouble, seconds=20)
    waiting.join(20)
    assert len(caught) == 1
    assert not isinstance(caught[0], Exception)


def test_an_address_without_a_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "s3fs", None)
    with pytest.raises(StorageRefused) as refused:
        shared.connect(tmp_path, "s3://bucket/survey")
    assert refused.value.remedy == f"Run: pip install {line.S3_PACKAGE}"
    assert shared.storage_of(tmp_path) is None


@pytest.mark.parametrize("address", ["s3://key:secret@bucket/a", "s3://bucket/a?secret=x", "bucket", "s3://"])
def test_keys_and_nonsense_are_no_address(address: str, tmp_path: Path):
    with pytest.raises(ValueError, match="PUGMARK_MEDIA_URL"):
        Settings(PUGMARK_DATA_DIR=tmp_path, PUGMARK_MEDIA_URL=address, _env_file=None)


def settings_of(folder: Path, address: str | None = None, database: Path | None = None) -> Settings:
    url = f"sqlite:///{database}" if database else None
    return Settings(
        PUGMARK_DATA_DIR=folder, PUGMARK_MEDIA_URL=address, PUGMARK_DATABASE_URL=url, PUGMARK_REVIEWER="ana",
        _env_file=None,
    )  # fmt: skip


def test_processes_that_start_at_once_in_one_new_folder_agree_on_its_mark(tmp_path: Path):
    starting = threading.Barrier(4)

    def mark(settings: Settings) -> str:
        starting.wait()
        return team.folder_mark(settings)

    for number in range(10):
        folder = tmp_path / str(number)
        folder.mkdir()
        with ThreadPoolExecutor(4) as processes:
            assert len(set(processes.map(mark, [settings_of(folder)] * 4))) == 1


def test_a_process_with_other_media_is_refused_and_a_check_moves_them(tmp_path: Path, two: Two):
    alone = settings_of(two.a)
    survey = open_survey(alone)
    sha256 = taken(tmp_path, MediaStore(two.a))
    media_id, _ = add_media(survey)
    with survey.write() as session:
        session.execute(sa.update(Media).where(Media.id == media_id).values(sha256=sha256))
    crop = files.crop_path(two.a, "7-0a0b0c0d.jpg")
    crop.parent.mkdir(parents=True)
    crop.write_bytes(encoded(noisy(64, 48)))
    team.require_same_media(survey, alone)
    address = f"memory://{uuid.uuid4().hex}"
    together = settings_of(two.a, address)
    moving = open_survey(together)
    with pytest.raises(BadSetting, match="app check"):
        team.require_same_media(moving, together)
    found = check(moving, lambda _done, _all: None)
    assert (found.left, found.shared) == ([], 3)
    with moving.write() as session:
        team.settle(session, together, moved=True)
    team.require_same_media(moving, together)
    with pytest.raises(BadSetting, match=f"Set PUGMARK_MEDIA_URL={address}"):
        team.require_same_media(moving, alone)
    shutil.rmtree(two.a / "originals")
    shutil.rmtree(two.a / "thumbs")
    again = check(moving, lambda _done, _all: None)
    assert (again.left, again.mended, again.shared) == ([], [], 0)
    assert not list((two.a / "originals").rglob("*.jpg"))
    backup = write_backup(moving, tmp_path / "backup.zip", lambda _done, _all: None)
    assert (backup.media, backup.originals, backup.missing) == (address, 1, [])


def test_check_lists_what_is_neither_here_nor_there(tmp_path: Path, two: Two):
    survey = open_survey(settings_of(two.a, f"file://{two.there}"))
    sha256 = taken(tmp_path, MediaStore(two.a))
    media_id, _ = add_media(survey)
    with survey.write() as session:
        session.execute(sa.update(Media).where(Media.id == media_id).values(sha256=sha256))
    shutil.rmtree(two.a / "originals")
    shutil.rmtree(two.there / "originals")
    found = check(survey, lambda _done, _all: None)
    assert len(found.left) == 1
    assert "is missing" in found.left[0]


def test_doctor_says_where_media_lie_and_what_the_copies_take(tmp_path: Path, two: Two):
    taken(tmp_path, two.store("a"))
    found = machine.media(settings_of(two.a, f"file://{two.there}"))
    assert found.state == "ready"
    assert f"file://{two.there}; copies in {two.a} take 0.00 GB" in found.reason
    assert machine.media(settings_of(two.a)).reason == f"media lie in {two.a} alone"
