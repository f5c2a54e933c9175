"""Latitude and longitude as people write them: decimal degrees, degrees and minutes, UTM."""

from __future__ import annotations

import re

import utm  # type: ignore[import-untyped]

NUMBER = r"(\d+(?:[.,]\d+)?)"
ANGLE = re.compile(
    rf"(?P<sign>[+-])?\s*(?P<before>[NSEWO])?\s*{NUMBER}\s*(?:°|º|d|deg|:|\s)?\s*(?:{NUMBER}\s*(?:'|′|’|m|min|:|\s)?\s*)?"
    rf"(?:{NUMBER}\s*(?:\"|″|”|'')?\s*)?(?P<after>[NSEWO])?",
    re.IGNORECASE,
)
ZONE = re.compile(r"(\d{1,2})\s*([C-HJ-NP-X])?", re.IGNORECASE)
SOUTH_WEST = "SWO"  # O: west in Spanish, Portuguese, French and Italian
BAND_S = (3_500_000, 4_450_000)  # metres: 32° N to 40° N; with another northing S stands for the southern half
LIMIT = {"latitude": 90.0, "longitude": 180.0}


def degrees(text: str, axis: str) -> float:
    """Degrees (WGS 84), south and west negative.

    Args:
        text: -23.5417, 23,5417 S, 23°32.5'S, S 23 32 30.1.
        axis: latitude or longitude.

    Raises:
        ValueError: it is no such place, with a sentence.
    """
    wanted = text.strip().replace("\u2212", "-")
    match = ANGLE.fullmatch(wanted)
    if match is None:
        raise ValueError(f"“{text}” is no {axis}: write it as -23.5417, 23°32.5'S or 23 32 30 S.")
    letter = (match["before"] or match["after"] or "").upper()
    parts = [float(part.replace(",", ".")) for part in match.group(3, 4, 5) if part]
    if any(part >= 60 for part in parts[1:]) or (letter and (letter in "NS") != (axis == "latitude")):
        raise ValueError(f"“{text}” is no {axis}: minutes and seconds go to 60, N and S belong to latitudes.")
    value = sum(part / 60**place for place, part in enumerate(parts))
    if match["sign"] == "-" or letter in tuple(SOUTH_WEST):
        value = -value
    if abs(value) > LIMIT[axis]:
        raise ValueError(f"“{text}” is no {axis}: it lies between -{LIMIT[axis]:.0f} and {LIMIT[axis]:.0f} degrees.")
    return value


def from_utm(easting: str, northing: str, zone: str) -> tuple[float, float]:
    """Latitude and longitude of a UTM place (WGS 84).

    Args:
        easting, northing: metres.
        zone: its number and letter, as 36J, or 36 S and 36 N for the southern and the northern half.

    Raises:
        ValueError: it is no such place, with a sentence.
    """
    match = ZONE.fullmatch(zone.strip())
    if match is None or not match[2]:
        raise ValueError(f"“{zone}” is no UTM zone: write its number and letter, as 36J.")
    try:
        metres = [float(re.sub(r"[\s']|m$", "", text.strip()).replace(",", ".")) for text in (easting, northing)]
        letter = match[2].upper()
        north = letter >= "N" and (letter != "S" or BAND_S[0] <= metres[1] <= BAND_S[1])
        latitude, longitude = utm.to_latlon(*metres, int(match[1]), northern=north)
    except (ValueError, utm.OutOfRangeError) as error:
        raise ValueError(f"{easting}, {northing} is no place of the UTM zone {zone}.") from error
    return float(latitude), float(longitude)
