"""What makers write into EXIF in their own way (tag MakerNote)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime

RECONYX_HYPERFIRE = 0xF101
RECONYX_MOMENT, RECONYX_SERIAL, SERIAL_LETTERS = 22, 42, 15  # byte offsets, 16-bit letters


@dataclass(frozen=True, slots=True)
class MakerNote:
    """Camera-local time and serial number; None where the note is silent."""

    taken_at: datetime | None
    serial: str | None


def reconyx(note: bytes) -> MakerNote | None:
    """The note of a Reconyx HyperFire; None for any other.

    It is a row of 16-bit words, low byte first whatever the order of the block: 0xF101 first; second, minute, hour,
    month, day, year from byte 22; from byte 42 the serial number in UTF-16. Source: a HyperFire HC500's picture with
    its time in the bar.
    """
    end = RECONYX_SERIAL + 2 * SERIAL_LETTERS
    if len(note) < end or struct.unpack_from("<H", note)[0] != RECONYX_HYPERFIRE:
        return None
    second, minute, hour, month, day, year = struct.unpack_from("<6H", note, RECONYX_MOMENT)
    try:
        moment = datetime(year, month, day, hour, minute, second)
    except ValueError:
        moment = None
    letters = note[RECONYX_SERIAL:end].decode("utf-16-le", "replace")
    serial = letters.split("\0")[0]
    return MakerNote(moment, serial if serial.isalnum() and serial.isascii() else None)
