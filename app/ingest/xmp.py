"""Time and place in a picture's XMP block (ISO 16684-1), for pictures whose EXIF lacks them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from app.ingest.exif import Exif
from app.video.reading.written_times import read_time

MOST_BYTES = 1 << 20
PLACE = re.compile(
    r"(?P<sign>[+-]?)(\d{1,3}(?:\.\d+)?)(?:,(\d{1,2}(?:\.\d+)?))?(?:,(\d{1,2}(?:\.\d+)?))? ?(?P<ref>[NSEW]?)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class _Block:
    text: str

    def value(self, name: str) -> str:
        """A property of the exif namespace, written as attribute or element; "" when it is not there."""
        found = re.search(rf"exif:{name}\s*=\s*[\"']([^\"']*)|<exif:{name}[^>]*>([^<]*)", self.text)
        return (found[1] or found[2] or "").strip() if found else ""


def with_xmp(exif: Exif, block: object) -> Exif:
    """The facts of EXIF, completed by those of an XMP block. Never raises."""
    if not isinstance(block, bytes) or len(block) > MOST_BYTES:
        return exif
    found = _Block(block.decode("utf-8", "replace"))
    if exif.taken_at is None:
        moment, zone = read_time(found.value("DateTimeOriginal")) or (None, None)
        exif = replace(exif, taken_at=moment, utc_offset=zone)
    if exif.latitude is None:
        latitude, longitude = _degrees(found.value("GPSLatitude"), 90), _degrees(found.value("GPSLongitude"), 180)
        if latitude is not None and longitude is not None and (latitude or longitude):
            exif = replace(exif, latitude=latitude, longitude=longitude)
    return exif


def _degrees(text: str, most: int) -> float | None:
    """Degrees of "23,32.5S" or "23,32,30S", and of "-23.5417" as some programs write it."""
    found = PLACE.fullmatch(text)
    if found is None or not (found["ref"] or "." in found[2]) or (found["ref"] and found["sign"]):
        return None
    degrees = float(found[2]) + float(found[3] or 0) / 60 + float(found[4] or 0) / 3600
    return degrees * (-1 if found["ref"] in ("S", "W") or found["sign"] == "-" else 1) if degrees <= most else None
