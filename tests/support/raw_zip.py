"""Zips as no well-behaved program writes them: every field can lie."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass


@dataclass
class RawEntry:
    """One entry; what is None is told truly. `local_name` and `shift` make the two directories disagree."""

    name: bytes
    data: bytes
    method: int = 8
    flags: int = 0x800
    mode: int = 0o100644
    stated_size: int | None = None
    stated_packed: int | None = None
    crc: int | None = None
    packed: bytes | None = None
    local_name: bytes | None = None
    shift: int = 0
    extra: bytes = b""


def deflated(data: bytes) -> bytes:
    """Raw deflate, as zips hold it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def raw_zip(*entries: RawEntry, count: int | None = None) -> bytes:
    """The archive's bytes; `count` overrides the number of entries its end record states."""
    body, directory = b"", b""
    for entry in entries:
        packed = entry.packed
        if packed is None:
            packed = deflated(entry.data) if entry.method == 8 else entry.data
        size = len(entry.data) if entry.stated_size is None else entry.stated_size
        packed_size = len(packed) if entry.stated_packed is None else entry.stated_packed
        crc = zlib.crc32(entry.data) if entry.crc is None else entry.crc
        local_name = entry.name if entry.local_name is None else entry.local_name
        common = struct.pack("<4H3L", entry.flags, entry.method, 0, 0x21, crc, packed_size, size)
        offset = len(body) + entry.shift
        body += b"PK\3\4" + struct.pack("<H", 20) + common + struct.pack("<2H", len(local_name), 0)
        body += local_name + packed
        directory += b"PK\1\2" + struct.pack("<2H", 0x0314, 20) + common
        directory += struct.pack("<5H2L", len(entry.name), len(entry.extra), 0, 0, 0, entry.mode << 16, offset)
        directory += entry.name + entry.extra
    total = len(entries) if count is None else count
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, total, total, len(directory), len(body), 0)
    return body + directory + end
