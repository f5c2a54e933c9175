"""Originals and thumbnails on disk, by the SHA-256 of the original's content."""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from app import files, operating_system
from app.ingest.formats import SUFFIX, Format
from app.storage import shared
from app.storage.errors import StoreError, StoreFull
from modal_backend.weights.whole_file import put

ABANDONED_AFTER_S = 3600


@dataclass(slots=True)
class Incoming:
    """A file on its way into the store; `file` may be read back from any place."""

    path: Path
    file: BinaryIO
    length: int = 0
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        """Of what has been written so far, in hexadecimal."""
        return self.digest.hexdigest()

    def write(self, block: bytes) -> None:
        """Appends `block`. Raises StoreError."""
        with _store_errors():
            self.file.write(block)
        self.digest.update(block)
        self.length += len(block)

    def flush(self) -> None:
        """Hands the last bytes to the disk, so that reading them back cannot fail for want of space."""
        with _store_errors():
            self.file.flush()


class MediaStore:
    """Media files below one folder, each content once, complete or not there at all.

    A file on its way in bears the mark of the process that writes it, so that `clean` leaves what a living one writes.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.incoming = files.incoming_folder(root)
        self._mark = operating_system.process_mark()
        with _store_errors():
            self.incoming.mkdir(parents=True, exist_ok=True)

    def place_of(self, sha256: str, kind: Format) -> Path:
        """Where the original lies or would lie."""
        return files.original_path(self.root, sha256, SUFFIX[kind])

    def path_of(self, sha256: str, kind: Format) -> Path:
        """The original, to be read; fetched where it is in a storage only. Raises StorageError, StoreFull."""
        return shared.here(self.root, self.place_of(sha256, kind))

    def thumb_path(self, sha256: str) -> Path:
        """Where the thumbnail lies or would lie; a JPEG of at most 256 x 256 pixels."""
        return files.thumb_path(self.root, sha256)

    @contextmanager
    def receive(self) -> Iterator[Incoming]:
        """A new file to write to; it is gone after the block unless `keep` was called. Raises StoreError."""
        with _store_errors():
            path = self.incoming / f"{self._mark}~{uuid4().hex}.part"
            file = path.open("x+b")
        try:
            yield Incoming(path, file)
        finally:
            with suppress(OSError):  # a full disk refuses the last bytes once more
                file.close()
            path.unlink(missing_ok=True)

    def keep(self, incoming: Incoming, kind: Format, thumb: bytes) -> bool:
        """Puts a received file and its thumbnail in their places; True when this content is new.

        The thumbnail comes first, so an original is never without one. Where a storage is shared, both are there when
        this returns. Raises StoreError, StoreFull.
        """
        sha256 = incoming.sha256
        place, thumb_place = self.place_of(sha256, kind), self.thumb_path(sha256)
        with _store_errors():
            if _size(thumb_place) <= 0:
                self._put_thumb(sha256, thumb)
            is_new = _size(place) != incoming.length
            if is_new:
                _put(incoming, place)
                operating_system.sync_folder(place.parent)
        storage = shared.storage_of(self.root)
        if storage is not None:
            if storage.size_of(thumb_place) <= 0:  # another may stand there by now: the key frame of a video
                storage.share(thumb_place)
            storage.share(place, anew=False)
        return is_new

    def replace_thumb(self, sha256: str, thumb: bytes) -> None:
        """Another thumbnail in place of the first one. Raises StoreError, StoreFull."""
        with _store_errors():
            self._put_thumb(sha256, thumb)
        shared.share(self.root, self.thumb_path(sha256))

    def clean(self) -> int:
        """Removes what killed processes left half-written; returns how many. Living writers keep theirs."""
        removed = 0
        for path in self.incoming.glob("*.part"):
            with suppress(FileNotFoundError, PermissionError):
                if _abandoned(path):
                    path.unlink()
                    removed += 1
        return removed

    def _put_thumb(self, sha256: str, thumb: bytes) -> None:
        with self.receive() as incoming:
            incoming.write(thumb)
            incoming.flush()
            _put(incoming, self.thumb_path(sha256))


def _put(incoming: Incoming, place: Path) -> None:
    os.fsync(incoming.file.fileno())
    incoming.file.close()  # Windows renames closed files only
    place.parent.mkdir(parents=True, exist_ok=True)
    put(incoming.path, place)


def _abandoned(path: Path) -> bool:
    """Whether no living process writes this file; of a process on another machine, whether it is an hour old."""
    mark = path.stem.rpartition("~")[0]
    lives = operating_system.process_lives(mark) if mark else False
    return time.time() - path.stat().st_mtime > ABANDONED_AFTER_S if lives is None else not lives


def _size(path: Path) -> int:
    """In bytes; -1 when there is no such file."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull(f"The data folder's disk is full. {StoreFull.remedy}") from error
        raise StoreError(f"The data folder cannot be written ({error.strerror}). {StoreError.remedy}") from error
