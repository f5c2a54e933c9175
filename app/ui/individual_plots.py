"""When and where an individual was seen: a time line and a map that needs no network."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from app.survey.catalogue import SightingView

MARK = "#2A9D8F"


def time_line(sightings: Sequence[SightingView]) -> go.Figure | None:
    """Sightings by station over camera-local time; None when no capture time is known."""
    dated = [one for one in sightings if one.taken_at]
    if not dated:
        return None
    figure = go.Figure(
        go.Scatter(
            x=[one.taken_at for one in dated],
            y=[one.station or "no station" for one in dated],
            mode="markers",
            marker={"size": 11, "color": MARK, "symbol": "circle"},
            hovertemplate="%{y}<br>%{x|%-d %b %Y %H:%M}<extra></extra>",
        )
    )
    return _calm(figure, 140 + 24 * len({one.station for one in dated}))


def station_map(sightings: Sequence[SightingView]) -> go.Figure | None:
    """Stations where it was seen, by longitude and latitude; the line follows time. None without coordinates."""
    placed = [one for one in sightings if one.latitude is not None and one.longitude is not None]
    if not placed:
        return None
    figure = go.Figure(
        go.Scatter(
            x=[one.longitude for one in placed],
            y=[one.latitude for one in placed],
            text=[one.station or "" for one in placed],
            mode="lines+markers+text",
            textposition="top center",
            line={"color": MARK, "width": 1, "dash": "dot"},
            marker={"size": 12, "color": MARK},
            hovertemplate="%{text}<br>%{y:.4f}°, %{x:.4f}°<extra></extra>",
        )
    )
    figure.update_xaxes(title="longitude (°)")
    figure.update_yaxes(title="latitude (°)", scaleanchor="x")
    return _calm(figure, 320)


def _calm(figure: go.Figure, height: int) -> go.Figure:
    figure.update_layout(height=height, margin={"l": 8, "r": 8, "t": 16, "b": 8}, showlegend=False)
    return figure
