"""The time line of a video: a bar for each time a tracklet is in view, the frames looked at, what was not looked at."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from app.video.timecode import timecode
from modal_backend.contracts import Tracklet

COLOURS = {"animal": "#2A9D8F", "person": "#E9A23B", "vehicle": "#8E7CC3"}
LOOKED = "looked at"
SHORTEST = 0.006  # of the video's length: a bar that can still be clicked


def tracklet_bars(
    named: Sequence[tuple[str, Tracklet]],
    looked: Sequence[tuple[int, float]],
    unlooked: Sequence[tuple[float, float]],
    duration: float,
) -> go.Figure:
    """named: tracklets with what they are called. Every bar and mark carries [second] to jump to."""
    rows = [name for name, _ in named]
    figure = go.Figure()
    for name, tracklet in named:
        for first, last in tracklet.spans:
            figure.add_bar(
                y=[name],
                base=[first],
                x=[max(last - first, SHORTEST * duration)],
                orientation="h",
                customdata=[[first]],
                marker={
                    "color": COLOURS[tracklet.category] if tracklet.counted else "rgba(0,0,0,0)",
                    "line": {"color": COLOURS[tracklet.category], "width": 1.5},
                },
                hovertemplate=f"{name}: {timecode(first)} to {timecode(last)}<extra></extra>",
                width=0.6,
            )
    figure.add_scatter(
        x=[second for _, second in looked],
        y=[LOOKED] * len(looked),
        mode="markers",
        marker={"symbol": "line-ns-open", "size": 11, "color": "#7F8A83"},
        customdata=[[second] for _, second in looked],
        hovertemplate="looked at %{x:.1f} s<extra></extra>",
    )
    for first, last in unlooked:
        figure.add_vrect(first, last, fillcolor="rgba(127,138,131,0.16)", line_width=0, layer="below")
    figure.update_layout(
        height=96 + 30 * (len(rows) + 1),
        margin={"l": 8, "r": 8, "t": 6, "b": 34},
        showlegend=False,
        barmode="overlay",
        dragmode=False,
        xaxis={"range": [0, max(duration, 0.1)], "title": "seconds", "fixedrange": True, "zeroline": False},
        yaxis={"categoryorder": "array", "categoryarray": [LOOKED, *reversed(rows)], "fixedrange": True},
    )
    return figure
