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
NEAR = (0, -1, 1, -2, 2, -3, 3)
ASIDE = (0, -40, 40, -80, 80)

Area = tuple[float, float, float, float]


def place_labels(figure: go.Figure, points: pd.DataFrame, groups: Sequence[Cluster]) -> None:
    """Write the name of each cluster near its middle, then the largest words, where they do not cover each other.

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
            middle = float(own["x"].median()), float(own["y"].median())
            text = "<br>".join(map(escape, _lines(group.name)))
            _write(figure, taken, scales, middle, f"<b>{text}</b>", _lines(group.name), NAME_SIZE)
    for row in points.nlargest(MOST_WORDS, "support").itertuples():
        _write(figure, taken, scales, (row.x, row.y), escape(row.keyword), [row.keyword], WORD_SIZE)


def _lines(name: str) -> list[str]:
    """A name over few short lines."""
    lines = wrap(name, LINE_SIGNS, break_long_words=True) or [""]
    return lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], f"{lines[MOST_LINES - 1][:-1]}…"]


def _write(
    figure: go.Figure,
    taken: list[Area],
    scales: Sequence[tuple[float, float]],
    place: tuple[float, float],
    text: str,
    lines: Sequence[str],
    size: int,
) -> None:
    """Add a label at the nearest free place around `place`, or none."""
    share = [(value - low) / span for value, (low, span) in zip(place, scales, strict=True)]
    wide = max(map(len, lines)) * SIGN * size / NAME_SIZE
    high = len(lines) * LINE * size / NAME_SIZE
    left = min(max(share[0] * WIDTH - wide / 2, 0), max(WIDTH - wide, 0))
    for step in NEAR:
        for aside in ASIDE:
            x, y = left + aside, (1 - share[1]) * HEIGHT - high / 2 + step * LINE
            area = (x, y, x + wide, y + high)
            inside = x >= 0 and y >= 0 and area[2] <= max(WIDTH, wide) and area[3] <= HEIGHT
            if inside and not any(_overlap(area, other) for other in taken):
                taken.append(area)
                figure.add_annotation(**_annotation(area, text, size))
                return


def _annotation(area: Area, text: str, size: int) -> dict[str, Any]:
    return {
        "xref": "paper", "yref": "paper", "x": (area[0] + area[2]) / 2 / WIDTH,
        "y": 1 - (area[1] + area[3]) / 2 / HEIGHT, "xanchor": "center", "yanchor": "middle", "text": text,
        "showarrow": False, "font": {"size": size}, "captureevents": False,
    }  # fmt: skip


def _overlap(one: Area, other: Area) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
