"""The preview inside a DNG: the largest JPEG that any program can show, beside the sensor's raw data.

After the DNG specification 1.7 (chapter 2, NewSubFileType and Preview) and TIFF 6.0. DNG is a TIFF with tag DNGVersion.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from app.ingest.refusals import Refusal, Refused

DNG_VERSION, SUB_IFDS = 0xC612, 0x014A
COMPRESSION, PHOTOMETRIC, STRIP_OFFSETS, STRIP_BYTES = 0x0103, 0x0106, 0x0111, 0x0117
JPEG_AT, JPEG_BYTES = 0x0201, 0x0202
JPEG_COMPRESSIONS = (6, 7)
RGB, YCBCR = 2, 6  # raw data are 32803 (a mosaic) or 34892 (linear)
MOST_DIRECTORIES, MOST_TAGS, MOST_NUMBERS = 32, 512, 16
SHORT, LONG, IFD = 3, 4, 13
Directory = dict[int, tuple[int, ...]]


def preview_of_dng(stream: BinaryIO) -> bytes | None:
    """The largest preview of a DNG as a JPEG; None for any other TIFF. Leaves the stream anywhere.

    Raises:
        Refused: TRUNCATED where it lies behind the end, UNSUPPORTED_FORMAT where there is none.
    """
    directories = _directories(stream)
    if not directories or DNG_VERSION not in directories[0]:
        return None
    places = [place for directory in directories if (place := _jpeg(directory))]
    for at, length in sorted(places, key=lambda place: -place[1]):
        stream.seek(at)
        found = stream.read(length)
        if len(found) < length:
            raise Refused(Refusal.TRUNCATED, "its preview lies behind the end")
        if found.startswith(b"\xff\xd8"):
            return found
    raise Refused(Refusal.UNSUPPORTED_FORMAT, "camera raw without a preview")


def _jpeg(directory: Directory) -> tuple[int, int] | None:
    """Where the JPEG of a directory of colours lies and how long it is, None where it holds something else."""
    compressed = directory.get(COMPRESSION, (0,))[0] in JPEG_COMPRESSIONS
    if JPEG_AT in directory and JPEG_BYTES in directory:
        return directory[JPEG_AT][0], directory[JPEG_BYTES][0]
    offsets, lengths = directory.get(STRIP_OFFSETS, ()), directory.get(STRIP_BYTES, ())
    in_colour = directory.get(PHOTOMETRIC, (0,))[0] in (RGB, YCBCR)
    return (offsets[0], lengths[0]) if compressed and in_colour and len(offsets) == len(lengths) == 1 else None


def _directories(stream: BinaryIO) -> list[Directory]:
    """The whole numbers in every directory of a TIFF, the first first; those that lie outside are left out."""
    stream.seek(0)
    head = stream.read(8)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(head[:4])
    if order is None or len(head) < 8:
        return []
    waiting, seen, found = [struct.unpack(order + "L", head[4:])[0]], set[int](), list[Directory]()
    while waiting and len(found) < MOST_DIRECTORIES:
        at = waiting.pop(0)
        if at in seen or at < 8:
            continue
        seen.add(at)
        directory, after = _directory(stream, at, order)
        found.append(directory)
        waiting += [*directory.get(SUB_IFDS, ()), after]
    return found


def _directory(stream: BinaryIO, at: int, order: str) -> tuple[Directory, int]:
    """The whole numbers of the directory at a byte, by tag, and where the next one begins (0: nowhere)."""
    stream.seek(at)
    count = int.from_bytes(stream.read(2), "little" if order == "<" else "big")
    block = stream.read(12 * count + 4)
    if count > MOST_TAGS or len(block) < 12 * count:
        return {}, 0
    directory: Directory = {}
    for start in range(0, 12 * count, 12):
        tag, kind, number, place = struct.unpack_from(order + "HHLL", block, start)
        if tag == DNG_VERSION:
            directory[tag] = tuple(block[start + 8 : start + 12])
        letter = {SHORT: "H", LONG: "L", IFD: "L"}.get(kind)
        if letter is None or not 0 < number <= MOST_NUMBERS:
            continue
        size = number * struct.calcsize(order + letter)
        values = block[start + 8 : start + 8 + size]
        if size > 4:
            stream.seek(place)
            values = stream.read(size)
        if len(values) == size:
            directory[tag] = struct.unpack(f"{order}{number}{letter}", values)
    end = block[12 * count : 12 * count + 4]
    return directory, struct.unpack(order + "L", end)[0] if len(end) == 4 else 0
