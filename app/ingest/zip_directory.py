"""The central directory of a zip, read entry by entry so that one bad entry does not cost the others.

PKWARE's APPNOTE 6.3.10, sections 4.3.7 to 4.3.16 and 4.5.3 (zip64). The standard library refuses
a whole archive for one entry it dislikes, and holds all entries in memory.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from app.ingest.refusals import Refusal, Refused

END = struct.Struct("<4s4H2LH")
END64_LOCATOR = struct.Struct("<4sLQL")
END64 = struct.Struct("<4sQ2H2L4Q")
CENTRAL = struct.Struct("<4s6H3L5H2L")
UNIX_LINK = 0o120000
UNSET16, UNSET32 = 0xFFFF, 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """One entry as the central directory states it; sizes in bytes, `offset` from the archive's start."""

    raw_name: bytes
    name: str
    is_marked: bool  # the name is UTF-8; else it was read in a code page
    offset: int
    packed: int
    unpacked: int
    crc: int
    method: int
    is_encrypted: bool
    is_link: bool


@dataclass(frozen=True, slots=True)
class _Directory:
    count: int
    start: int
    size: int
    shift: int  # bytes put before the archive, which its offsets do not count


def zip_entries(archive: BinaryIO, *, most: int, page: str = "cp437") -> Iterator[ZipEntry]:
    """The archive's entries in the order they are listed.

    Args:
        archive: seekable.
        page: the code page of names that are not UTF-8.

    Raises:
        Refused: EMPTY, DAMAGED_ARCHIVE, TOO_MANY_ENTRIES (more than `most`).
    """
    directory = _find_directory(archive)
    if directory.count > most:
        raise Refused(Refusal.TOO_MANY_ENTRIES, f"{directory.count} entries, at most {most}")
    position, end = directory.start, directory.start + directory.size
    for _ in range(directory.count):
        archive.seek(position)
        head = archive.read(CENTRAL.size)
        if len(head) < CENTRAL.size or position + CENTRAL.size > end or not head.startswith(b"PK\x01\x02"):
            raise Refused(Refusal.DAMAGED_ARCHIVE, f"no directory entry at byte {position}")
        fields = CENTRAL.unpack(head)
        variable = archive.read(sum(fields[10:13]))
        position += CENTRAL.size + sum(fields[10:13])
        if position > end:
            raise Refused(Refusal.DAMAGED_ARCHIVE, "the directory ends inside an entry")
        yield _entry(fields, variable, directory.shift, page)


def _entry(fields: tuple[int, ...], variable: bytes, shift: int, page: str) -> ZipEntry:
    flags, method = fields[3], fields[4]
    crc, packed, unpacked, name_length, extra_length = fields[7:12]
    external, offset = fields[15], fields[16]
    raw_name = variable[:name_length]
    sizes = _zip64_sizes(variable[name_length : name_length + extra_length], [unpacked, packed, offset])
    is_marked = bool(flags & 0x800) or _is_utf8(raw_name)
    return ZipEntry(
        raw_name=raw_name,
        name=raw_name.decode("utf-8", "surrogateescape") if is_marked else raw_name.decode(page, "backslashreplace"),
        is_marked=is_marked,
        offset=sizes[2] + shift,
        packed=sizes[1],
        unpacked=sizes[0],
        crc=crc,
        method=method,
        is_encrypted=bool(flags & 0x2041),
        is_link=(external >> 16) & 0o170000 == UNIX_LINK,
    )


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _zip64_sizes(extra: bytes, sizes: list[int]) -> list[int]:
    """Unpacked size, packed size and offset, with what does not fit 32 bits from the extra field."""
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        if kind == 1:
            wide = extra[position + 4 : position + 4 + length]
            values = iter(struct.unpack(f"<{len(wide) // 8}Q", wide[: len(wide) // 8 * 8]))
            return [next(values, size) if size == UNSET32 else size for size in sizes]
        position += 4 + length
    return sizes


def _find_directory(archive: BinaryIO) -> _Directory:
    """Where the central directory is, from the record at the archive's end. Raises Refused."""
    size = archive.seek(0, 2)
    if size == 0:
        raise Refused(Refusal.EMPTY)
    tail_start = max(0, size - END.size - UNSET16)
    archive.seek(tail_start)
    tail = archive.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < END.size:
        raise Refused(Refusal.DAMAGED_ARCHIVE, "no end record")
    _, disk, first_disk, _, count, length, offset, _ = END.unpack_from(tail, at)
    directory_end = tail_start + at
    if UNSET16 in (count, disk) or UNSET32 in (length, offset):
        wide = _zip64_end(archive, directory_end)
        if wide is not None:
            directory_end, disk, first_disk, count, length, offset = wide
    if disk != 0 or first_disk != 0:
        raise Refused(Refusal.DAMAGED_ARCHIVE, "one part of a split archive")
    start = directory_end - length
    if start < 0 or start < offset or count * CENTRAL.size > length:
        raise Refused(Refusal.DAMAGED_ARCHIVE, "the end record does not fit the file")
    return _Directory(count, start, length, shift=start - offset)


def _zip64_end(archive: BinaryIO, end: int) -> tuple[int, int, int, int, int, int] | None:
    """Directory end, disks, count, length and offset from the zip64 record; None where there is none."""
    if end < END64_LOCATOR.size:
        return None
    archive.seek(end - END64_LOCATOR.size)
    mark, _, _, disks = END64_LOCATOR.unpack(archive.read(END64_LOCATOR.size))
    if mark != b"PK\x06\x07":
        return None
    position = end - END64_LOCATOR.size - END64.size
    archive.seek(max(position, 0))
    record = archive.read(END64.size)
    if position < 0 or disks > 1 or not record.startswith(b"PK\x06\x06"):
        raise Refused(Refusal.DAMAGED_ARCHIVE, "no zip64 record")
    _, _, _, _, disk, first_disk, _, count, length, offset = END64.unpack(record)
    return position, disk, first_disk, count, length, offset
