"""What a picture's EXIF block says, read so that no garbage in it can refuse the picture.

After CIPA DC-008 (Exif 2.32), sections 4.5 to 4.6. Only the few tags Pugmark keeps are read; values that
make no sense are None, never guessed.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from app.ingest.maker_notes import reconyx
from app.video.reading.written_times import read_time

ORIENTATION, MAKE, MODEL, DATE_TIME = 0x0112, 0x010F, 0x0110, 0x0132
EXIF_IFD, GPS_IFD = 0x8769, 0x8825
DATE_TIME_ORIGINAL, DATE_TIME_DIGITIZED = 0x9003, 0x9004
OFFSET_TIME, OFFSET_TIME_ORIGINAL, OFFSET_TIME_DIGITIZED = 0x9010, 0x9011, 0x9012
SUBSEC_TIME, SUBSEC_TIME_ORIGINAL, SUBSEC_TIME_DIGITIZED = 0x9290, 0x9291, 0x9292
BODY_SERIAL_NUMBER = 0xA431
SOFTWARE, MAKER_NOTE = 0x0131, 0x927C
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SIGNED_RATIONAL, FLOAT, DOUBLE = 1, 2, 3, 4, 5, 7, 10, 11, 12
WIDTH = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
MOST_TAGS = 512
LONGEST_VALUE = 4096
LONGEST_NAME = 80

HEMISPHERES = frozenset({"N", "S", "E", "W", "NORTH", "SOUTH", "EAST", "WEST"})
# Programs that change pictures; cameras write their own name or a version here.
EDITOR = re.compile(
    r"gimp|photoshop|lightroom|paint|picasa|photos|irfanview|xnview|acdsee|snapseed|imagemagick|darktable|affinity",
    re.IGNORECASE,
)

Tags = dict[int, tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Exif:
    """The facts of one picture; None where EXIF is silent or nonsense.

    Attributes:
        orientation: 1 to 8.
        taken_at: camera-local, no zone.
        utc_offset: as written ("+05:30"), not applied.
        latitude, longitude: degrees, WGS 84.
    """

    orientation: int = 1
    taken_at: datetime | None = None
    utc_offset: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    camera_make: str | None = None
    camera_model: str | None = None
    camera_serial: str | None = None


def read_exif(block: bytes) -> Exif:
    """The facts in an EXIF block, with or without its leading "Exif\\0\\0". Never raises."""
    tiff = block[6:] if block[:4] == b"Exif" else block
    if len(tiff) < 8 or tiff[:2] not in (b"II", b"MM"):
        return Exif()
    order = "<" if tiff[:2] == b"II" else ">"
    main = _tags(tiff, struct.unpack_from(order + "L", tiff, 4)[0], order)
    detail = _tags(tiff, _whole(main.get(EXIF_IFD), order), order)
    gps = _tags(tiff, _whole(main.get(GPS_IFD), order), order)
    orientation = _whole(main.get(ORIENTATION), order)
    taken_at, utc_offset = _taken_at(main, detail)
    latitude, longitude = _place(gps, order)
    note = reconyx(detail[MAKER_NOTE][1]) if MAKER_NOTE in detail else None
    return Exif(
        orientation=orientation if 1 <= orientation <= 8 else 1,
        taken_at=taken_at or (note.taken_at if note else None),
        utc_offset=utc_offset,
        latitude=latitude,
        longitude=longitude,
        camera_make=_name(main.get(MAKE)) or ("RECONYX" if note else None),
        camera_model=_name(main.get(MODEL)),
        camera_serial=_name(detail.get(BODY_SERIAL_NUMBER)) or (note.serial if note else None),
    )


def _tags(tiff: bytes, offset: int, order: str) -> Tags:
    """Type and raw value of each tag of the directory at `offset`; what lies outside is left out."""
    if not 8 <= offset <= len(tiff) - 2:
        return {}
    tags: Tags = {}
    for index in range(min(struct.unpack_from(order + "H", tiff, offset)[0], MOST_TAGS)):
        position = offset + 2 + 12 * index
        if position + 12 > len(tiff):
            break
        tag, kind, count, value = struct.unpack_from(order + "HHLL", tiff, position)
        size = WIDTH.get(kind, 0) * count
        start = position + 8 if size <= 4 else value
        if 0 < size <= LONGEST_VALUE and start + size <= len(tiff):
            tags.setdefault(tag, (kind, tiff[start : start + size]))
    return tags


def _whole(tag: tuple[int, bytes] | None, order: str) -> int:
    """The first whole number of a SHORT or LONG tag, 0 for anything else."""
    if tag is None or tag[0] not in (SHORT, LONG):
        return 0
    return int.from_bytes(tag[1][: WIDTH[tag[0]]], "little" if order == "<" else "big")


def _text(tag: tuple[int, bytes] | None, *, any_type: bool = False) -> str | None:
    """An ASCII tag up to its first NUL, without blanks around it; None when nothing printable is left.

    any_type: also text that is marked as bytes or as undefined, as some cameras mark it.
    """
    if tag is None or not (tag[0] == ASCII or (any_type and tag[0] in (BYTE, UNDEFINED))):
        return None
    text = tag[1].split(b"\0")[0].decode("utf-8", "replace")
    return "".join(char for char in text if char.isprintable()).strip() or None


def _name(tag: tuple[int, bytes] | None) -> str | None:
    """What a camera calls itself, at most LONGEST_NAME characters of it."""
    return (_text(tag) or "")[:LONGEST_NAME].strip() or None


def _taken_at(main: Tags, detail: Tags) -> tuple[datetime | None, str | None]:
    """The first of original, digitised and file time that is a real one, with its own offset.

    The file time of a picture that an image editor has saved is when it was saved.
    """
    times = [
        (detail.get(DATE_TIME_ORIGINAL), SUBSEC_TIME_ORIGINAL, OFFSET_TIME_ORIGINAL),
        (detail.get(DATE_TIME_DIGITIZED), SUBSEC_TIME_DIGITIZED, OFFSET_TIME_DIGITIZED),
    ]
    if not EDITOR.search(_text(main.get(SOFTWARE)) or ""):
        times.append((main.get(DATE_TIME), SUBSEC_TIME, OFFSET_TIME))
    for date, part, offset in times:
        stated = read_time(_text(date, any_type=True) or "")
        if stated is None:
            continue
        moment, zone = stated
        fraction = _text(detail.get(part)) or ""
        if not moment.microsecond and re.fullmatch(r"\d+", fraction, re.A):
            moment = moment.replace(microsecond=int(fraction[:6].ljust(6, "0")))
        beside = _text(detail.get(offset)) or ""
        return moment, zone or (beside if re.fullmatch(r"[+-]\d\d:[0-5]\d", beside, re.A) else None)
    return None, None


def _place(gps: Tags, order: str) -> tuple[float | None, float | None]:
    """Latitude and longitude; both or neither, and not the 0, 0 of a receiver without a fix."""
    latitude = _degrees(gps.get(1), gps.get(2), order, "N", "S", 90)
    longitude = _degrees(gps.get(3), gps.get(4), order, "E", "W", 180)
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        return None, None
    return latitude, longitude


def _degrees(
    ref: tuple[int, bytes] | None,
    value: tuple[int, bytes] | None,
    order: str,
    plus: str,
    minus: str,
    most: int,
) -> float | None:
    """Degrees, minutes and seconds as one number; None with a zero denominator.

    The hemisphere is a letter or a word (South); only numbers that can be negative may be without one.
    """
    parts = _numbers(value, order)
    if not parts:
        return None
    word = (_text(ref) or "").upper()
    is_signed = value is not None and value[0] != RATIONAL
    sign = {plus: 1, minus: -1}.get(word[:1]) if word in HEMISPHERES else None
    if sign is None and (word or not is_signed):
        return None
    negative = min(parts) < 0
    if any(abs(part) > 60 for part in parts[1:]):
        return None
    degrees = sum(abs(part) / 60**power for power, part in enumerate(parts))
    return (sign or (-1 if negative else 1)) * degrees if degrees <= most else None


def _numbers(value: tuple[int, bytes] | None, order: str) -> list[float]:
    """Up to three numbers of a GPS tag, whichever way they are written; none where one of them is no number."""
    if value is None:
        return []
    kind, data = value
    if kind in (RATIONAL, SIGNED_RATIONAL):
        letter = "L" if kind == RATIONAL else "l"
        numbers = struct.unpack(f"{order}{len(data) // 4}{letter}", data)[:6]
        if any(bottom == 0 for bottom in numbers[1::2]):
            return []
        return [top / bottom for top, bottom in zip(numbers[::2], numbers[1::2], strict=True)]
    if kind in (FLOAT, DOUBLE):
        letter = "f" if kind == FLOAT else "d"
        found = struct.unpack(f"{order}{len(data) // WIDTH[kind]}{letter}", data)[:3]
        return list(found) if all(isfinite(number) for number in found) else []
    return []
