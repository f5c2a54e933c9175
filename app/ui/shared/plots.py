"""What every plot has in common: its colours, its margins, and how it is drawn."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import streamlit as st

MARK = "#2A9D8F"
GREY = "#8C938D"


def calm(figure: go.Figure, height: int, *, top: int = 8, legend: bool = False) -> go.Figure:
    """The figure at this height (pixels) with narrow margins. top: of the margin above, for what stands there."""
    figure.update_layout(height=height, margin={"l": 8, "r": 8, "t": top, "b": 8}, showlegend=legend)
    return figure


def draw_plot(figure: go.Figure, key: str, **selection: Any) -> Any:
    """Draw a plot without Plotly's row of buttons; returns what is selected in it.

    selection: what happens when something is.
    """
    return st.plotly_chart(figure, key=key, config={"displayModeBar": False}, **selection)
