"""What lies under a map without tiles: lines of equal latitude and longitude, and the coast."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from math import ceil, cos, floor, radians
from pathlib import Path

import numpy as np
import plotly.graph_objects as go

KM_A_DEGREE = 111.195
LINE = {"type": "line", "line": {"color": "rgba(140,147,141,0.35)", "width": 1}, "layer": "below"}
LABEL = {"showarrow": False, "font": {"size": 10, "color": "#8C938D"}}
COAST = "#5B8DB8"
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
MOST_LINES = 4
# A coast drawn for 1:110,000,000 is off by up to tens of kilometres: a smaller map would show stations in the sea.
COAST_FROM_KM = 100
# Natural Earth (public domain), Admin 0 - Countries 1:110m, from the wheel of geopandas 0.14.4: sides of its polygons
# that belong to one country alone, to 0.01 degrees.
COASTLINE = Path(__file__).with_name("coastline.json")


@dataclass(frozen=True, slots=True)
class Plane:
    """Kilometres east and north of a point, right within a survey area (equirectangular).

    Attributes:
        latitude, longitude: of the point, degrees, WGS 84.
    """

    latitude: float
    longitude: float

    @classmethod
    def around(cls, places: Collection[tuple[float, float]]) -> Plane:
        """The plane about the middle of places (latitude, longitude); there must be one."""
        south, west = np.mean(list(places), axis=0)
        return cls(float(south), float(west))

    def kilometres(self, latitude: float, longitude: float) -> tuple[float, float]:
        """East and north of the middle."""
        return (longitude - self.longitude) * self.km_a_longitude, (latitude - self.latitude) * KM_A_DEGREE

    @property
    def km_a_longitude(self) -> float:
        """Kilometres from one degree of longitude to the next."""
        return KM_A_DEGREE * max(cos(radians(self.latitude)), 1e-6)


def draw_lines(figure: go.Figure, plane: Plane, x: tuple[float, float], y: tuple[float, float]) -> None:
    """Draw graticule and coast into a map before anything else.

    Args:
        figure: its axes are kilometres on `plane`.
        x, y: what it shows, from and to.
    """
    _meridians_and_parallels(figure, plane, x, y)
    if max(x[1] - x[0], y[1] - y[0]) >= COAST_FROM_KM:
        _coast(figure, plane, x, y)


def _meridians_and_parallels(figure: go.Figure, plane: Plane, x: tuple[float, float], y: tuple[float, float]) -> None:
    step = _step(max((x[1] - x[0]) / plane.km_a_longitude, (y[1] - y[0]) / KM_A_DEGREE))
    shapes, notes = [], []
    west, east = (plane.longitude + value / plane.km_a_longitude for value in _wider(x))
    south, north = (plane.latitude + value / KM_A_DEGREE for value in _wider(y))
    for degrees in _multiples(west, east, step):
        at = plane.kilometres(0, degrees)[0]
        shapes.append({"x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1})
        notes.append({"text": _words(degrees, "E", "W"), "x": at, "yref": "paper", "y": 0, "yanchor": "bottom"})
    for degrees in _multiples(south, north, step):
        at = plane.kilometres(degrees, 0)[1]
        shapes.append({"xref": "paper", "x0": 0, "x1": 1, "y0": at, "y1": at})
        notes.append({"text": _words(degrees, "N", "S"), "xref": "paper", "x": 0, "y": at, "xanchor": "left"})
    # All at once: each add_shape and add_annotation costs a millisecond.
    figure.layout.shapes += tuple(go.layout.Shape(**shape, **LINE) for shape in shapes)
    figure.layout.annotations += tuple(go.layout.Annotation(**note, **LABEL) for note in notes)


def _step(widest: float) -> float:
    """Degrees from one line to the next on a map of so many."""
    return next((step for step in STEPS if widest / step <= MOST_LINES), STEPS[-1])


def _multiples(first: float, last: float, step: float) -> list[float]:
    return [number * step for number in range(ceil(first / step), floor(last / step) + 1)]


def _wider(limits: tuple[float, float]) -> tuple[float, float]:
    """What the browser may show of an axis when it keeps both to one scale."""
    room = limits[1] - limits[0]
    return limits[0] - room, limits[1] + room


def _words(degrees: float, plus: str, minus: str) -> str:
    """Degrees as maps write them: 23.5° S."""
    half = plus if degrees > 0 else minus if degrees < 0 else ""
    return f"{round(abs(degrees), 2):g}° {half}".strip()


def _coast(figure: go.Figure, plane: Plane, x: tuple[float, float], y: tuple[float, float]) -> None:
    """The lines of the coast that pass through the map, as one trace."""
    (left, right), (low, high) = _wider(x), _wider(y)
    found: list[tuple[float | None, float | None]] = []
    for line in _coastline():
        east = (line[:, 0] - plane.longitude) * plane.km_a_longitude
        north = (line[:, 1] - plane.latitude) * KM_A_DEGREE
        # A side passes when the box around it meets the map.
        passes = (np.minimum(east[:-1], east[1:]) <= right) & (np.maximum(east[:-1], east[1:]) >= left)
        passes &= (np.minimum(north[:-1], north[1:]) <= high) & (np.maximum(north[:-1], north[1:]) >= low)
        for at in np.flatnonzero(passes):
            found += [(float(east[at]), float(north[at])), (float(east[at + 1]), float(north[at + 1])), (None, None)]
    if found:
        figure.add_scatter(
            x=[point[0] for point in found], y=[point[1] for point in found], mode="lines", name="coast",
            line={"color": COAST, "width": 1.2}, hoverinfo="skip", zorder=-1,
        )  # fmt: skip


@cache
def _coastline() -> list[np.ndarray]:
    """Lines of (longitude, latitude) in degrees."""
    return [np.array(line) for line in json.loads(COASTLINE.read_text("utf-8"))["lines"]]
