"""Stations: where cameras stood and when they worked, as far as people have said so.

Model output and files stay as they are: what a person says about a deployment (place, first and last day, a broken
period, how wrong its clock was, its time zone) is a row of its own. Dates and days are camera-local.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from math import asin, cos, radians, sin, sqrt
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.tables.deployments import Deployment, DeploymentReview

EARTH_KM = 6371.0088  # mean radius, IUGG 1980
DAYS = ("first_day", "last_day", "broken_from", "broken_to")
TEXTS = ("time_zone", "camera", "bait", "notes")
LONGEST_TEXT = {"time_zone": 8, "camera": 120, "bait": 120, "notes": 2000}
OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+-])?(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DeploymentView:
    """One deployment as it stands: degrees (WGS 84), days inclusive, seconds added to the camera's clock."""

    id: int
    name: str
    station: str
    latitude: float | None
    longitude: float | None
    first_day: date | None
    last_day: date | None
    broken_from: date | None
    broken_to: date | None
    clock_offset_seconds: int
    time_zone: str | None
    camera: str | None
    bait: str | None
    notes: str | None


def deployment_views(session: Session) -> list[DeploymentView]:
    """All deployments as they stand, by station and name."""
    review = DeploymentReview
    rows = session.execute(
        sa.select(
            Deployment.id,
            Deployment.name,
            Deployment.station,
            sa.func.coalesce(review.latitude, Deployment.latitude),
            sa.func.coalesce(review.longitude, Deployment.longitude),
            review.first_day,
            review.last_day,
            review.broken_from,
            review.broken_to,
            sa.func.coalesce(review.clock_offset_seconds, 0),
            *(getattr(review, name) for name in TEXTS),
        )
        .outerjoin(review, review.deployment_id == Deployment.id)
        .order_by(Deployment.station, Deployment.name)
    )
    return [_view(tuple(row)) for row in rows]


def places(deployments: list[DeploymentView]) -> dict[str, tuple[float, float]]:
    """Latitude and longitude of each station that has some: those of its first deployment with coordinates."""
    found: dict[str, tuple[float, float]] = {}
    for deployment in deployments:
        if deployment.latitude is not None and deployment.longitude is not None:
            found.setdefault(deployment.station, (deployment.latitude, deployment.longitude))
    return found


def kilometres(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Great-circle distance of two (latitude, longitude) in degrees (haversine on a sphere; within 0.6 %)."""
    lat1, lon1, lat2, lon2 = map(radians, (*first, *second))
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(half)))


def review_values(values: dict[str, Any]) -> dict[str, Any]:
    """What a person typed about a deployment, checked.

    None takes a statement back.

    Args:
        values: latitude, longitude (degrees), first_day, last_day, broken_from, broken_to (date or ISO text),
            clock_offset_seconds, time_zone (ahead of UTC: +05:30, -3, UTC), camera, bait, notes (text).

    Raises:
        ValueError: with a sentence for what cannot be.
    """
    kept: dict[str, Any] = {}
    for name, limit in (("latitude", 90.0), ("longitude", 180.0)):
        if name in values:
            kept[name] = float(values[name]) if values[name] is not None else None
            if kept[name] is not None and not -limit <= kept[name] <= limit:
                raise ValueError(f"A {name} lies between {-limit:.0f} and {limit:.0f} degrees.")
    for name in DAYS:
        if name in values:
            kept[name] = _day_text(values[name])
    if "clock_offset_seconds" in values:
        kept["clock_offset_seconds"] = round(values["clock_offset_seconds"] or 0) or None
    for name in TEXTS:
        if name in values:
            kept[name] = " ".join(str(values[name] or "").split()) or None
            if len(kept[name] or "") > LONGEST_TEXT[name] and name != "time_zone":
                raise ValueError(f"{name.capitalize()} may have {LONGEST_TEXT[name]:,} letters.")
    if kept.get("time_zone"):
        kept["time_zone"] = zone_offset(kept["time_zone"])
    if unknown := set(values) - set(kept):
        raise ValueError(f"A deployment has no {', '.join(sorted(unknown))}.")
    return kept


def check_review(review: dict[str, Any]) -> None:
    """Raises ValueError when the days or coordinates of a whole review contradict each other."""
    for first, last in (("first_day", "last_day"), ("broken_from", "broken_to")):
        if (review.get(first) is None) != (review.get(last) is None):
            raise ValueError(f"{_words(first)} and {_words(last)} belong together: fill in both or none.")
        if review.get(first) and review[first] > review[last]:
            raise ValueError(f"{_words(first)} is after {_words(last)}.")
    if (review.get("latitude") is None) != (review.get("longitude") is None):
        raise ValueError("Latitude and longitude belong together: fill in both or none.")


def zone_offset(text: str) -> str:
    """How far a clock was ahead of UTC, as +05:30.

    The name of a zone that changes its clocks is refused: a camera's clock does not change by itself.

    Args:
        text: an offset (+05:30, UTC-3, Z) or the name of a time zone (Asia/Kolkata).

    Raises:
        ValueError: it is neither, or its clocks change in the course of a year.
    """
    if text.upper() in ("Z", "UTC", "GMT"):
        return "+00:00"
    if (match := OFFSET.fullmatch(text)) and int(match[2]) <= 14:
        return f"{match[1] or '+'}{int(match[2]):02}:{match[3] or '00'}"
    try:
        zone = ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{text} is no time zone: write how far the clock was ahead of UTC, as +05:30.") from error
    year = date.today().year
    found = sorted({f"{datetime(year, month, 1, tzinfo=zone):%z}" for month in range(1, 13)})
    if len(found) > 1:
        first, second = (f"{offset[:3]}:{offset[3:]}" for offset in found[:2])
        raise ValueError(f"The clocks of {text} change in the year. Which time did the camera keep: {first}, {second}?")
    return f"{found[0][:3]}:{found[0][3:5]}"


def _words(name: str) -> str:
    return {"first_day": "The first day", "last_day": "the last day"}.get(name, name.replace("_", " "))


def _day_text(value: date | str | None) -> str | None:
    if value is None or value == "":
        return None
    try:
        return date.fromisoformat(str(value)[:10]).isoformat()
    except ValueError as error:
        raise ValueError(f"{value} is not a day: write it as 2024-03-31.") from error


def _view(row: tuple[Any, ...]) -> DeploymentView:
    number, name, station, latitude, longitude, *others = row
    days: list[Any] = [date.fromisoformat(day) if day else None for day in others[:4]]
    return DeploymentView(number, name, station, latitude, longitude, *days, *others[4:])
