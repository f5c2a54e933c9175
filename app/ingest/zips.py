"""The files of a zip, each with its own checks; nothing is unpacked to a name the zip chose."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from app.ingest.limits import Limits
from app.ingest.refusals import Refusal, Refused, RefusedFile
from app.ingest.source import SourceFile, is_left_out, open_file, printable, reason
from app.ingest.zip_directory import ZipEntry, zip_entries

LOCAL = struct.Struct("<4s5H3L2H")
STORED, DEFLATED = 0, 8
RATIO_FREE_BYTES = 16 << 20
BLOCK = 1 << 16


def zip_files(archive: Path, prefix: str, *, limits: Limits) -> Iterator[SourceFile | RefusedFile]:
    """Every file of the zip in the zip's own order; what cannot be read is refused by name, the others go on.

    Args:
        archive: a resolved path.
        prefix: put before each entry's name, "" or "sub/cards.zip/".
    """
    shown = prefix.rstrip("/") or printable(archive.name)
    try:
        with open_file(archive) as stream:
            yield from _entries(stream, archive, prefix, limits)
    except Refused as refused:
        yield RefusedFile.of(shown, refused)
    except OSError as error:
        yield RefusedFile.of(shown, Refused(Refusal.UNREADABLE, reason(error)))


def _entries(stream: BinaryIO, archive: Path, prefix: str, limits: Limits) -> Iterator[SourceFile | RefusedFile]:
    archive_bytes = stream.seek(0, 2)
    seen: set[int] = set()
    packed = unpacked = 0
    for entry in zip_entries(stream, most=limits.zip_entries):
        is_folder = entry.name.endswith("/")
        if is_folder or (_is_plain(entry.name) and any(map(is_left_out, entry.name.split("/")))):
            continue
        path = prefix + printable(entry.name)
        try:
            _check(entry, limits)
            if hash(entry.name) in seen:
                raise Refused(Refusal.ZIP_DUPLICATE_NAME)
            seen.add(hash(entry.name))
            packed, unpacked = packed + entry.packed, unpacked + entry.unpacked
            if packed > archive_bytes:
                raise Refused(Refusal.ZIP_BOMB, "its entries overlap")
            if unpacked > limits.zip_bytes:
                raise Refused(Refusal.ZIP_BOMB, f"more than {limits.zip_bytes} bytes unpacked")
        except Refused as refused:
            yield RefusedFile.of(path, refused)
            continue
        yield SourceFile(path, partial(open_entry, archive, entry), entry.unpacked)


def _is_plain(name: str) -> bool:
    """Whether the name is a relative path that stays inside, on any system."""
    parts = name.split("/")
    return ".." not in parts and parts[0] != "" and parts[0][1:2] != ":" and not set("\\\0") & set(name)


def _check(entry: ZipEntry, limits: Limits) -> None:
    """Raises Refused for an entry that must not be opened."""
    if not _is_plain(entry.name):
        raise Refused(Refusal.ZIP_ENTRY_OUTSIDE)
    if entry.is_link:
        raise Refused(Refusal.ZIP_SYMLINK)
    if entry.is_encrypted:
        raise Refused(Refusal.ENCRYPTED)
    if entry.name.lower().endswith(".zip"):
        raise Refused(Refusal.ZIP_IN_ZIP)
    if entry.method not in (STORED, DEFLATED):
        raise Refused(Refusal.UNSUPPORTED_COMPRESSION, f"method {entry.method}")
    if entry.unpacked > RATIO_FREE_BYTES and entry.unpacked > entry.packed * limits.zip_ratio:
        raise Refused(Refusal.ZIP_BOMB, f"{entry.packed} bytes state {entry.unpacked}")


@contextmanager
def open_entry(archive: Path, entry: ZipEntry) -> Iterator[BinaryIO]:
    """The unpacked bytes of one entry, counted while they stream.

    Raises:
        Refused: on entering or reading: DAMAGED_ENTRY (header, length, checksum), ZIP_BOMB (longer than stated),
            UNREADABLE.
    """
    with open_file(archive) as stream:
        stream.seek(entry.offset)
        head = stream.read(LOCAL.size)
        if len(head) < LOCAL.size or not head.startswith(b"PK\x03\x04"):
            raise Refused(Refusal.DAMAGED_ENTRY, f"no file at byte {entry.offset}")
        fields = LOCAL.unpack(head)
        if stream.read(fields[9]) != entry.raw_name:
            raise Refused(Refusal.DAMAGED_ENTRY, "the zip's two lists of names differ")
        stream.seek(fields[10], 1)
        with io.BufferedReader(_EntryStream(stream, entry), BLOCK) as unpacked:
            yield unpacked


class _EntryStream(io.RawIOBase):
    """Unpacks one entry from where `packed` stands, and never more than the size stated for it.

    Stated sizes are bounded by the packed ones, and these together by the archive's real size, so this count
    bounds what a whole archive can unpack to.
    """

    def __init__(self, packed: BinaryIO, entry: ZipEntry) -> None:
        self._packed = packed
        self._entry = entry
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS) if entry.method == DEFLATED else None
        self._taken = self._given = self._crc = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self._next(len(buffer))
        buffer[: len(block)] = block
        self._given += len(block)
        self._crc = zlib.crc32(block, self._crc)
        if self._given > self._entry.unpacked:
            raise Refused(Refusal.ZIP_BOMB, f"longer than the {self._entry.unpacked} bytes stated")
        if not block:
            self._check_end()
        return len(block)

    def _next(self, most: int) -> bytes:
        if self._inflate is None:
            return self._take(most)
        while not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._take(BLOCK)
            try:
                block = self._inflate.decompress(packed, most)
            except zlib.error as error:
                raise Refused(Refusal.DAMAGED_ENTRY, str(error)) from error
            if block or not packed:
                return block
        return b""

    def _take(self, most: int) -> bytes:
        packed = self._packed.read(min(most, self._entry.packed - self._taken))
        self._taken += len(packed)
        return packed

    def _check_end(self) -> None:
        if self._given < self._entry.unpacked or (self._inflate is not None and not self._inflate.eof):
            raise Refused(Refusal.DAMAGED_ENTRY, f"{self._given} of {self._entry.unpacked} bytes")
        if self._crc != self._entry.crc:
            raise Refused(Refusal.DAMAGED_ENTRY, "wrong checksum")
