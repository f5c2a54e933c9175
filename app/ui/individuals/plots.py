"""When and where individuals were seen: time lines and maps that need no network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from app.survey.capture.history import MISSING, CaptureHistory
from app.survey.individuals.sightings import Movement, SightingView
from app.ui.shared.map_lines import Plane, draw_lines
from app.ui.shared.plots import GREY, MARK, calm

FLANKS = {"left": "triangle-left", "right": "triangle-right", "other": "square", "unknown": "circle-open"}
MOST_LABELS = 60
TOP = 24  # pixels over a plot
CELLS = {MISSING: (0.0, "NA", "no camera worked (NA)"), 0: (0.5, "", "not seen"), 1: (1.0, "●", "seen")}


def time_line(sightings: Sequence[SightingView]) -> go.Figure | None:
    """Sightings by station over camera-local time, the sign tells the flank; None when no capture time is known."""
    dated = [sighting for sighting in sightings if sighting.taken_at]
    if not dated:
        return None
    figure = go.Figure()
    for flank, symbol in FLANKS.items():
        some = [sighting for sighting in dated if sighting.flank == flank]
        if some:
            figure.add_scatter(
                x=[sighting.taken_at for sighting in some],
                y=[sighting.station or "no station" for sighting in some],
                mode="markers",
                name=flank,
                marker={"size": 10, "color": MARK, "symbol": symbol, "line": {"width": 1.5, "color": MARK}},
                hovertemplate="%{y}<br>%{x|%-d %b %Y %H:%M}<br>" + flank + " flank<extra></extra>",
            )
    figure.update_xaxes(showgrid=True)
    stations = len({sighting.station for sighting in dated})
    figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": "flank  "})
    return calm(figure, min(150 + 26 * stations, 520), top=TOP, legend=True)


def station_map(
    places: Mapping[str, tuple[float, float]], sightings: Sequence[SightingView], moves: Sequence[Movement]
) -> go.Figure | None:
    """Every station with coordinates in km around their middle; filled where it was seen, lines follow time.

    Distances are right within a survey area (equirectangular about the middle). None without coordinates.
    """
    if not places:
        return None
    plane = Plane.around(places.values())
    at = {name: plane.kilometres(*place) for name, place in places.items()}
    seen = Counter(sighting.station for sighting in sightings if sighting.station in at)
    figure = go.Figure()
    for move in moves:
        left, arrived = move.left.station, move.arrived.station
        if left in at and arrived in at:
            (x0, y0), (x1, y1) = at[str(left)], at[str(arrived)]
            figure.add_annotation(
                x=x1, y=y1, ax=x0, ay=y0, xref="x", yref="y", axref="x", ayref="y", showarrow=True, arrowhead=2,
                arrowsize=1.1, arrowwidth=1.4, arrowcolor=MARK, opacity=0.7, standoff=9, startstandoff=7, text="",
            )  # fmt: skip
    others = [name for name in at if name not in seen]
    labels = len(at) <= MOST_LABELS
    figure.add_scatter(
        x=[at[name][0] for name in others], y=[at[name][1] for name in others],
        mode="markers+text" if labels else "markers", text=others, textposition="top center", textfont={"color": GREY},
        marker={"size": 8, "color": GREY, "symbol": "circle-open", "line": {"width": 1.5}},
        hovertemplate="%{text}: not seen here<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=[at[str(name)][0] for name in seen], y=[at[str(name)][1] for name in seen],
        mode="markers+text" if labels else "markers", text=list(seen), textposition="top center",
        customdata=list(seen.values()),
        marker={"size": [10 + 3 * min(count, 30) ** 0.5 for count in seen.values()], "color": MARK},
        hovertemplate="%{text}<br>%{customdata} sightings<extra></extra>",
    )  # fmt: skip
    _scale(figure, plane, list(at.values()))
    return calm(figure, 380, top=TOP)


def counts_map(places: Mapping[str, tuple[float, float]], numbers: Mapping[str, int], noun: str) -> go.Figure | None:
    """Every station with coordinates in km around their middle, larger where more was seen, or None."""
    if not places:
        return None
    plane = Plane.around(places.values())
    at = {name: plane.kilometres(*place) for name, place in places.items()}
    seen = {name: numbers.get(name, 0) for name in at}
    most = max(max(seen.values()), 1)
    sizes = [8 + 22 * (count / most) ** 0.5 for count in seen.values()]
    figure = go.Figure(
        go.Scatter(
            x=[at[name][0] for name in at], y=[at[name][1] for name in at], customdata=list(seen.values()),
            mode="markers+text" if len(at) <= MOST_LABELS else "markers", text=list(at), textposition="top center",
            marker={"size": sizes, "color": MARK, "opacity": 0.85},
            hovertemplate="%{text}<br>%{customdata} " + noun + "<extra></extra>",
        )
    )  # fmt: skip
    _scale(figure, plane, list(at.values()))
    return calm(figure, 260, top=TOP)


def discovery(curve: Sequence[tuple[int, int, int]]) -> go.Figure:
    """Individuals known over station-days worked."""
    figure = go.Figure(
        go.Scatter(
            x=[0, *(days for days, _, _ in curve)],
            y=[0, *(known for _, known, _ in curve)],
            mode="lines+markers",
            line={"color": MARK, "width": 2, "shape": "hv"},
            hovertemplate="%{y} individuals after %{x:,} station-days<extra></extra>",
        )
    )
    figure.update_xaxes(title="station-days worked", rangemode="tozero")
    figure.update_yaxes(title="individuals known", rangemode="tozero")
    return calm(figure, 300, top=TOP)


def history_matrix(history: CaptureHistory, rows: slice) -> go.Figure:
    """Individuals (these rows) x occasions: filled where seen, hatched grey where no camera worked."""
    table = history.by_occasion()[rows]
    names = [individual.name for individual in history.individuals[rows]]
    occasions = [str(history.occasion_start(number)) for number in range(history.occasions)]
    values = [[CELLS[int(value)][0] for value in row] for row in table]
    marks = [[CELLS[int(value)][1] for value in row] for row in table]
    words = [[CELLS[int(value)][2] for value in row] for row in table]
    figure = go.Figure(
        go.Heatmap(
            z=values, x=occasions, y=names, customdata=words, text=marks, texttemplate="%{text}", zmin=0, zmax=1,
            textfont={"size": 9}, xgap=1, ygap=1, showscale=False,
            colorscale=[[0, "rgba(140,147,141,0.35)"], [0.5, "rgba(140,147,141,0.08)"], [1, MARK]],
            hovertemplate="%{y}, occasion from %{x}<br>%{customdata}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_xaxes(type="category", side="top", tickangle=-45, nticks=14)
    return calm(figure, 90 + 20 * len(names), top=TOP)


def _scale(figure: go.Figure, plane: Plane, at: Sequence[tuple[float, float]]) -> None:
    """Graticule, coast and a scale bar in km instead of axes, with room around the stations, and where north is."""
    left, right = min(x for x, _ in at), max(x for x, _ in at)
    low, high = min(y for _, y in at), max(y for _, y in at)
    size = max(right - left, high - low, 0.4)
    bar = next(step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000) if step >= size / 5)
    pad = size * 0.2
    x0, y0 = left - pad * 0.6, low - pad * 1.2
    figure.add_scatter(x=[x0, x0 + bar], y=[y0, y0], mode="lines", line={"color": GREY, "width": 3}, hoverinfo="skip")
    words = f"{bar:g} km" if bar >= 1 else f"{bar * 1000:g} m"
    figure.add_annotation(x=x0 + bar / 2, y=y0, text=words, showarrow=False, yshift=10, font={"size": 12})
    figure.add_annotation(
        xref="paper", yref="paper", x=1, y=1, text="N ↑", showarrow=False, font={"size": 13}, xanchor="right"
    )
    x, y = (left - pad, right + pad), (low - pad * 2, high + pad)
    draw_lines(figure, plane, x, y)
    figure.update_xaxes(visible=False, range=x)
    figure.update_yaxes(visible=False, range=y, scaleanchor="x", scaleratio=1)
