"""Latitude and longitude as people write them: decimal degrees, degrees and minutes, UTM."""

from __future__ import annotations

import re

import utm  # type: ignore[import-untyped]

NUMBER = r"(\d+(?:[.,]\d+)?)"
ANGLE = re.compile(
    rf"(?P<sign>[+-])?\s*(?P<before>[NSEWO])?\s*{NUMBER}"
    rf"(?:\s*(?:[°ºd:]|deg|\s)\s*{NUMBER}(?:\s*(?:['′’m:]|min|\s)\s*{NUMBER})?)?"
    r"\s*(?:[°º'′’\"″”]|'')?\s*(?P<after>[NSEWO])?",
    re.IGNORECASE,
)
# As they are typed: other minus signs and primes; words for the four winds in English, German and Romance languages.
SIGNS = str.maketrans({"\u2212": "-", "\u2013": "-", "´": "'", "`": "'", "\u00a0": " "})
WINDS = {
    "N": ("north", "nord", "norte"),
    "S": ("south", "süd", "sud", "sur", "sul"),
    "E": ("east", "ost", "est", "este", "leste"),
    "W": ("west", "ouest", "oeste", "ovest"),
}
WIND = {word: letter for letter, words in WINDS.items() for word in words}
ZONE = re.compile(r"(?<!\d)(\d{1,2})\s*(?:([C-HJ-NP-X])|([^\W\d_]{2,}))?$", re.IGNORECASE)
EPSG = re.compile(r"(?:EPSG:)?32([67])(\d\d)", re.IGNORECASE)
METRES = re.compile(r"(-?\d+(?:[.,]\d+)?)\s*(?:m\s*[NSEW]?)?", re.IGNORECASE)
GROUPED = re.compile(r"(?<!\d)(\d{1,3})((?:[.,' \u00a0]\d{3})+)(?!\d)")
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
    wanted = re.sub(r"[^\W\d_]{3,}", lambda word: WIND.get(word[0].lower(), word[0]), text.translate(SIGNS).strip())
    match = ANGLE.fullmatch(wanted)
    numbers = [part for part in match.group(3, 4, 5) if part] if match else []
    if match is None or any(not part.isdigit() for part in numbers[:-1]):
        raise ValueError(f"“{text}” is no {axis}: write it as -23.5417, 23°32.5'S or 23 32 30 S.")
    letter = (match["before"] or match["after"] or "").upper()
    parts = [float(part.replace(",", ".")) for part in numbers]
    if any(part >= 60 for part in parts[1:]) or (letter and (letter in "NS") != (axis == "latitude")):
        raise ValueError(f"“{text}” is no {axis}: minutes and seconds go to 60, N and S belong to latitudes.")
    if match["sign"] == "-" and letter in tuple("NE"):
        raise ValueError(f"“{text}” is no {axis}: its sign and its letter contradict each other.")
    value = sum(part / 60**place for place, part in enumerate(parts))
    if match["sign"] == "-" or letter in tuple(SOUTH_WEST):
        value = -value
    if abs(value) > LIMIT[axis]:
        swapped = " Are latitude and longitude swapped?" if axis == "latitude" and abs(value) <= 180 else ""
        raise ValueError(
            f"“{text}” is no {axis}: it lies between -{LIMIT[axis]:.0f} and {LIMIT[axis]:.0f} degrees.{swapped}"
        )
    return value


def from_utm(easting: str, northing: str, zone: str) -> tuple[float, float]:
    """Latitude and longitude of a UTM place (WGS 84).

    Args:
        easting, northing: metres.
        zone: its number and letter, as 36J, or 36 S and 36 N for the southern and the northern half; also in words, and
            EPSG:32736.

    Raises:
        ValueError: it is no such place, with a sentence.
    """
    number, half = _zone(zone)
    try:
        metres = [_metres(text) for text in (easting, northing)]
        letter = half.upper()
        north = letter >= "N" and (letter != "S" or BAND_S[0] <= metres[1] <= BAND_S[1])
        latitude, longitude = utm.to_latlon(*metres, number, northern=north)
    except (ValueError, utm.OutOfRangeError) as error:
        raise ValueError(f"{easting}, {northing} is no place of the UTM zone {zone}.") from error
    return float(latitude), float(longitude)


def _zone(text: str) -> tuple[int, str]:
    """Number and letter of a UTM zone; a word or an EPSG code is of a half, M the southern. Raises ValueError."""
    if epsg := EPSG.fullmatch(text.strip()):
        return int(epsg[2]), "N" if epsg[1] == "6" else "M"
    match = ZONE.search(text.strip())
    half = {"N": "N", "S": "M"}.get(WIND.get((match[3] or "").lower(), "")) if match else None
    if match is None or not (match[2] or half):
        raise ValueError(f"“{text}” is no UTM zone: write its number and letter, as 36J.")
    return int(match[1]), match[2] or str(half)


def _metres(text: str) -> float:
    """Metres, also grouped by thousands (414,900) and with their unit (7396000 mN). Raises ValueError."""
    plain = GROUPED.sub(lambda found: found[1] + re.sub(r"\D", "", found[2]), text.strip(), count=1)
    match = METRES.fullmatch(plain)
    if match is None:
        raise ValueError(text)
    return float(match[1].replace(",", "."))
