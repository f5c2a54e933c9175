"""Labels on the map of keywords: names of clusters and the largest words, none over another at any width."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from textwrap import wrap
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from app.notes.clusters import OTHER, Cluster

# Where labels are placed: the map on a phone, in pixels. On a wider screen they only move apart.
WIDTH, HEIGHT = 330, 500
SIGN, LINE = 7.5, 17
NAME_SIZE, WORD_SIZE = 13, 11
LINE_SIGNS, MOST_LINES = 17, 2
MOST_WORDS = 14
PAD = 0.08
# Steps in lines and pixels: a name may stand aside of its cluster, a word only above or below its point.
NAME_STEPS = [(step, aside) for step in (-1, -2, 0, 1, 2, -3, 3) for aside in (0, -40, 40, -80, 80)]
WORD_STEPS = [(-1, 0), (1, 0)]
# Drawn so that the label has a ground; shell.css gives both the colours of the page.
GROUND = "rgba(128,128,128,0.5)"

Area = tuple[float, float, float, float]


def place_labels(figure: go.Figure, points: pd.DataFrame, groups: Sequence[Cluster]) -> None:
    """Write the name of each cluster above it, then the largest words, where they do not cover each other.

    A name for which there is no room is left to the list beside the map. Fixes the ranges of both axes.

    Args:
        points: of `map_points`.
        groups: the clusters in the order of their importance.
    """
    scales = []
    for axis, update in (("x", figure.update_xaxes), ("y", figure.update_yaxes)):
        low, high = float(points[axis].min()), float(points[axis].max())
        pad = (high - low or 1.0) * PAD
        scales.append((low - pad, high - low + 2 * pad))
        update(visible=False, range=[low - pad, high + pad], fixedrange=False)
    taken: list[Area] = []
    for group in groups:
        own = points[points["number"] == group.number]
        if group.number != OTHER and len(own):
            top = float(own["x"].median()), float(own["y"].max())
            lines = _lines(group.name)
            if area := _free(taken, _shares(top, scales), lines, NAME_SIZE, NAME_STEPS):
                text = "<br>".join(map(escape, lines))
                figure.add_annotation(**_annotation(area, f"<b>{text}</b>", NAME_SIZE))
    largest = points.nlargest(MOST_WORDS, "support")
    for x, y, keyword in zip(largest["x"], largest["y"], largest["keyword"], strict=True):
        if area := _free(taken, _shares((float(x), float(y)), scales), [str(keyword)], WORD_SIZE, WORD_STEPS):
            figure.add_annotation(**_annotation(area, escape(str(keyword)), WORD_SIZE))


def _lines(name: str) -> list[str]:
    """A name over few short lines."""
    lines = wrap(name, LINE_SIGNS, break_long_words=True) or [""]
    return lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], f"{lines[MOST_LINES - 1][:-1]}…"]


def _shares(place: tuple[float, float], scales: Sequence[tuple[float, float]]) -> list[float]:
    return [(value - low) / span for value, (low, span) in zip(place, scales, strict=True)]


def _free(
    taken: list[Area], share: Sequence[float], lines: Sequence[str], size: int, steps: Sequence[tuple[int, int]]
) -> Area | None:
    """The first free area for a label around a place, which is taken from now on; None where there is none.

    Args:
        share: of the map's width from the left, and of its height from below.
    """
    wide = max(map(len, lines)) * SIGN * size / NAME_SIZE
    high = len(lines) * LINE * size / NAME_SIZE
    left = min(max(share[0] * WIDTH - wide / 2, 0), max(WIDTH - wide, 0))
    for step, aside in steps:
        x, y = left + aside, (1 - share[1]) * HEIGHT - high / 2 + step * LINE
        area = (x, y, x + wide, y + high)
        inside = x >= 0 and y >= 0 and area[2] <= WIDTH and area[3] <= HEIGHT
        if inside and not any(_overlap(area, other) for other in taken):
            taken.append(area)
            return area
    return None


def _annotation(area: Area, text: str, size: int) -> dict[str, Any]:
    return {
        "xref": "paper", "yref": "paper", "x": (area[0] + area[2]) / 2 / WIDTH,
        "y": 1 - (area[1] + area[3]) / 2 / HEIGHT, "xanchor": "center", "yanchor": "middle", "text": text,
        "showarrow": False, "font": {"size": size}, "bgcolor": GROUND, "borderpad": 0,
    }  # fmt: skip


def _overlap(area: Area, other: Area) -> bool:
    return area[0] < other[2] and other[0] < area[2] and area[1] < other[3] and other[1] < area[3]
