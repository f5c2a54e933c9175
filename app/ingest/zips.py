"""The files of a zip, each with its own checks; nothing is unpacked to a name the zip chose."""

from __future__ import annotations

import io
import os
import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from app.ingest.limits import Limits
from app.ingest.refusals import Refusal, Refused, RefusedFile
from app.ingest.source import SourceFile, is_hidden, left_out, open_file, printable, reason
from app.ingest.zip_directory import ZipEntry, zip_entries
from app.ingest.zip_names import NamesUnclear, code_page

LOCAL = struct.Struct("<4s5H3L2H")
STORED, DEFLATED = 0, 8
RATIO_FREE_BYTES = 16 << 20
BLOCK = 1 << 16


def zip_files(
    archive: Path, prefix: str, *, limits: Limits, names_in: str | None = None
) -> Iterator[SourceFile | RefusedFile]:
    """Every file of the zip in the zip's own order; what cannot be read is refused by name, the others go on.

    Args:
        archive: a resolved path.
        prefix: put before each entry's name, "" or "sub/cards.zip/".
        limits: how much may be unpacked.
        names_in: code page of names that are not UTF-8; None to find out.
    """
    shown = prefix.rstrip("/") or printable(archive.name)
    is_empty = True
    try:
        with open_file(archive) as stream:
            for found in _entries(stream, archive, prefix, limits, names_in):
                is_empty = False
                yield found
            if is_empty:
                raise Refused(Refusal.ZIP_WITHOUT_FILES)
    except Refused as refused:
        yield RefusedFile.of(shown, refused)
    except OSError as error:
        yield RefusedFile.of(shown, Refused(Refusal.UNREADABLE, reason(error)))


def _entries(
    stream: BinaryIO, archive: Path, prefix: str, limits: Limits, names_in: str | None
) -> Iterator[SourceFile | RefusedFile]:
    archive_bytes, modified = stream.seek(0, 2), os.fstat(stream.fileno()).st_mtime_ns
    page, unclear = _names_in(stream, limits, names_in)
    starts = sorted({entry.offset for entry in zip_entries(stream, most=limits.zip_entries)} | {archive_bytes})
    seen: set[int] = set()
    begun: set[int] = set()
    unpacked = 0
    for entry in zip_entries(stream, most=limits.zip_entries, page=page):
        name = _with_slashes(entry.name)
        if entry.name.endswith(("/", "\\")) or (_is_plain(name) and any(map(is_hidden, name.split("/")))):
            continue
        path = prefix + printable(name)
        try:
            if unclear and not entry.is_marked:
                raise unclear
            _check(entry, name, limits)
            if hash(name) in seen:
                raise Refused(Refusal.ZIP_DUPLICATE_NAME)
            seen.add(hash(name))
            if entry.offset in begun or entry.packed > _room(starts, entry, stream, archive_bytes):
                raise Refused(Refusal.ZIP_BOMB, "it overlaps another file")
            begun.add(entry.offset)
            unpacked += entry.unpacked
            if unpacked > limits.zip_bytes:
                raise Refused(Refusal.ZIP_BOMB, f"more than {limits.zip_bytes} bytes unpacked")
        except Refused as refused:
            yield RefusedFile.of(path, refused)
            continue
        yield SourceFile(path, partial(open_entry, archive, entry), entry.unpacked, modified)


def _room(starts: list[int], entry: ZipEntry, stream: BinaryIO, archive_bytes: int) -> int:
    """Bytes from an entry's beginning to that of the next; an entry beyond the archive is refused when it is opened.

    Where an entry is too large for that, the next may lie about where it begins: a start that is none is taken out of
    `starts`.
    """
    at = bisect_right(starts, entry.offset)
    while at < len(starts) and starts[at] < min(archive_bytes, entry.offset + entry.packed):
        stream.seek(starts[at])
        if stream.read(4) == b"PK\x03\x04":
            break
        del starts[at]
    return starts[at] - entry.offset if at < len(starts) else entry.packed


def _names_in(stream: BinaryIO, limits: Limits, names_in: str | None) -> tuple[str, Refused | None]:
    """The code page of names that are not UTF-8, and the refusal of these where it cannot be known."""
    if names_in is not None:
        return names_in, None
    try:
        return code_page(
            entry.raw_name for entry in zip_entries(stream, most=limits.zip_entries) if not entry.is_marked
        ), None
    except NamesUnclear as error:
        return "cp437", Refused(Refusal.ZIP_NAMES_UNCLEAR, printable(str(error)))


def _with_slashes(name: str) -> str:
    """The name as the standard wants it: "/" between folders (some programs write backslashes), no "./"."""
    return "/".join(part for part in name.replace("\\", "/").split("/") if part != ".")


def _is_plain(name: str) -> bool:
    """Whether the name is a relative path that stays inside, on any system."""
    parts = name.split("/")
    return ".." not in parts and parts[0] != "" and parts[0][1:2] != ":" and "\0" not in name


def _check(entry: ZipEntry, name: str, limits: Limits) -> None:
    """Raises Refused for an entry that must not be opened."""
    if why := left_out(name):
        raise Refused(why)
    if not _is_plain(name):
        raise Refused(Refusal.ZIP_ENTRY_OUTSIDE)
    if entry.is_link:
        raise Refused(Refusal.ZIP_SYMLINK)
    if entry.is_encrypted:
        raise Refused(Refusal.ENCRYPTED)
    if name.lower().endswith(".zip"):
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
        if not 0 <= entry.offset < os.fstat(stream.fileno()).st_size:
            raise Refused(Refusal.DAMAGED_ENTRY, f"no file at byte {entry.offset}")
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

    Stated sizes are bounded by the packed ones, and entries do not overlap, so this count bounds what a whole archive
    can unpack to.
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
