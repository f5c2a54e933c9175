"""Storage that several machines share (PUGMARK_MEDIA_URL): it has every file, and the data folder keeps copies.

A file has the same name there as below the data folder. What is not here is fetched when it is asked for; what was not
used for long is removed here when the disk runs full, once the storage is known to have it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from uuid import uuid4

from app import files, operating_system
from app.storage.errors import StorageDamaged, StorageMissing, StoreError
from app.storage.line import Line
from modal_backend.contracts import Picture
from modal_backend.weights.whole_file import put

KINDS = ("originals", "thumbs", "views", "frames", "crops")
PROBE = "pugmark.txt"
RESERVE_BYTES = 2_000_000_000  # so much of the disk stays free; copies that were not used for long go first
UNUSED_SECONDS = 600
LOOK_SECONDS = 10.0


class Storage:
    """The storage behind one data folder. May be shared between threads."""

    def __init__(self, url: str, data_dir: Path) -> None:
        self.url, self.data_dir, self.line = url.rstrip("/"), data_dir, Line(url.rstrip("/"))
        self._looked_at = float("-inf")

    def here(self, path: Path) -> Path:
        """A file of the data folder, fetched where it is not here. Raises StorageError, StoreFull."""
        with suppress(FileNotFoundError):
            status = path.stat()
            if status.st_size:
                with suppress(PermissionError):
                    os.utime(path, ns=(time.time_ns(), status.st_mtime_ns))
                return path
        self.make_room()
        for left in (1, 0):
            try:
                self._fetch(path)
            except StorageDamaged:
                if not left:
                    self._put_aside(path)
                    raise
            else:
                break
        return path

    def share(self, path: Path, *, anew: bool = True) -> None:
        """Put a file of the data folder into the storage; it is there when this returns. Raises StorageError.

        anew: also when it is there, see `has`.
        """
        self.make_room()
        if anew or not self.has(path):
            self.line.ask(lambda: self._put(path), putting=True)

    def size_of(self, path: Path) -> int:
        """Bytes of a file in the storage, -1 where there is none. Raises StorageError."""
        try:
            return int(self.line.ask(lambda: self.line.files.info(self._key(path)))["size"])
        except StorageMissing:
            return -1

    def has(self, path: Path) -> bool:
        """Whether the storage has this file of the data folder; of an original, in its full length.

        Raises StorageError.
        """
        there = self.size_of(path)
        return there == path.stat().st_size if path.parents[1].name == "originals" else there > 0

    @contextmanager
    def borrowed(self, path: Path) -> Iterator[Path]:
        """A file for the block alone, which leaves no copy in the data folder where none was. Raises StorageError."""
        was_here = path.exists()
        try:
            yield self.here(path)
        finally:
            if not was_here:
                path.unlink(missing_ok=True)

    def below(self, folder: Path, prefix: str = "") -> list[Path]:
        """Where the storage's files of one folder lie or would lie in the data folder. Raises StorageError."""
        try:
            keys = self.line.ask(lambda: self.line.files.find(self._key(folder), maxdepth=1, prefix=prefix))
        except StorageMissing:
            return []
        return [folder / name for key in keys if (name := key.rpartition("/")[2]).startswith(prefix)]

    def original(self, sha256: str) -> Path:
        """The original of a media, whatever its suffix. Raises StorageError."""
        folder = files.original_path(self.data_dir, sha256, "").parent
        for path in self.below(folder, sha256):
            if path.name.count(".") == 1:
                return self.here(path)
        raise StorageMissing(f"The original {sha256} is neither here nor in {self.url}.")

    def drop(self, folder: Path) -> None:
        """Remove a folder from the storage, where it is there. Raises StorageError."""
        with suppress(StorageMissing):
            self.line.ask(lambda: self.line.files.rm(self._key(folder), recursive=True))

    def probe(self) -> None:
        """Write a small file, to see whether the storage can be used. Raises StorageError at once."""
        text = b"Media of Pugmark.\n"
        self.line.ask(lambda: self.line.files.pipe_file(f"{self.line.root}/{PROBE}", text), putting=True, hurried=True)

    def copies(self) -> list[tuple[float, int, Path]]:
        """When each copy in the data folder was last used (seconds since 1970), its bytes and its path."""
        found = []
        for kind in KINDS:
            for folder, _, names in os.walk(self.data_dir / kind):
                for name in names:
                    with suppress(FileNotFoundError):
                        status = os.stat(path := Path(folder, name))
                        found.append((max(status.st_atime, status.st_mtime), status.st_size, path))
        return found

    def make_room(self) -> None:
        """Remove copies that were used least recently, once less than RESERVE_BYTES of the disk are free."""
        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        lacking = RESERVE_BYTES - shutil.disk_usage(self.data_dir).free
        if lacking <= 0:
            return
        for used_at, size, path in sorted(self.copies()):
            if lacking <= 0 or used_at > time.time() - UNUSED_SECONDS:
                break
            if self.has(path):
                path.unlink(missing_ok=True)
                lacking -= size

    def _key(self, path: Path) -> str:
        return f"{self.line.root}/{path.relative_to(self.data_dir).as_posix()}"

    def _put(self, path: Path) -> None:
        key = self._key(path)
        if self.url.startswith("file:"):  # which copies in place: S3 shows an object when it is whole
            part = f"{key}.{uuid4().hex}.part"
            self.line.files.put_file(str(path), part)
            self.line.files.mv(part, key)
        else:
            self.line.files.put_file(str(path), key)

    def _fetch(self, path: Path) -> None:
        incoming = files.incoming_folder(self.data_dir)
        incoming.mkdir(parents=True, exist_ok=True)
        part = incoming / f"{operating_system.process_mark()}~{uuid4().hex}.part"
        try:
            self.line.ask(lambda: self.line.files.get_file(self._key(path), str(part)))
            if not _is_whole(part, path):
                raise StorageDamaged(f"{path.name} in {self.url} is damaged.")
            path.parent.mkdir(parents=True, exist_ok=True)
            put(part, path)
        finally:
            part.unlink(missing_ok=True)

    def _put_aside(self, path: Path) -> None:
        key = self._key(path)
        with suppress(StoreError):
            self.line.ask(lambda: self.line.files.mv(key, f"{key}.damaged"))


def _is_whole(part: Path, path: Path) -> bool:
    """Whether what was fetched is what belongs at `path`: an original by its hash, a JPEG of ours by its two ends."""
    if path.parents[1].name == "originals":
        with part.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == path.stem
    content = part.read_bytes() if path.suffix == ".jpg" else b"\xff\xd8\xff\xd9"
    return content.startswith(b"\xff\xd8") and content.endswith(b"\xff\xd9")


_of_folder: dict[Path, Storage] = {}


def connect(data_dir: Path, url: str | None) -> None:
    """Let files of this data folder lie in the storage at `url` from now on, without one in the folder alone.

    Raises StorageRefused where the package for such a storage is missing.
    """
    known = _of_folder.get(data_dir)
    if url is None:
        _of_folder.pop(data_dir, None)
    elif known is None or known.url != url.rstrip("/"):
        storage = Storage(url, data_dir)
        _ = storage.line.files
        _of_folder[data_dir] = storage


def storage_of(data_dir: Path) -> Storage | None:
    """The storage of a data folder, None where its files lie there alone."""
    return _of_folder.get(data_dir)


@contextmanager
def patience(data_dir: Path) -> Iterator[None]:
    """In the block this process waits for the storage of a data folder, where there is one; see `Line.patience`."""
    storage = storage_of(data_dir)
    with storage.line.patience() if storage is not None else nullcontext():
        yield


def here(data_dir: Path, path: Path) -> Path:
    """A file of the data folder, fetched from the storage where there is one and it is not here.

    Raises:
        StorageError, StoreFull: it cannot be fetched. Without a storage nothing is looked at.
    """
    storage = storage_of(data_dir)
    return path if storage is None else storage.here(path)


def is_here(data_dir: Path, path: Path) -> bool:
    """Whether a file is in the data folder, after it was fetched where the storage has it. Raises StorageError."""
    try:
        return here(data_dir, path).is_file()
    except StorageMissing:
        return False


def share(data_dir: Path, path: Path) -> None:
    """Put a file that was just written into the storage, where there is one. Raises StorageError."""
    storage = storage_of(data_dir)
    if storage is not None:
        storage.share(path)


def write_jpeg(data_dir: Path, place: Path, picture: Picture, side: int, quality: int) -> None:
    """Write a picture as `files.write_jpeg` does, and share it. Raises OSError, StorageError."""
    files.write_jpeg(place, picture, side, quality)
    share(data_dir, place)


def original(data_dir: Path, sha256: str) -> Path:
    """The original of a media, whatever its suffix. Raises FileNotFoundError, StorageError."""
    storage = storage_of(data_dir)
    try:
        path = files.stored_original(data_dir, sha256)
    except FileNotFoundError:
        if storage is None:
            raise
        return storage.original(sha256)
    return path if storage is None else storage.here(path)
