"""The pictures of a run over notes: the map of keywords, clusters by category, two categories side by side."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.notes.clusters import OTHER, Cluster
from app.notes.result import RunResult
from app.ui.notes.labels import place_labels
from app.ui.shared.plots import calm
from modal_backend.models.text.log_odds import log_odds

# Okabe and Ito's set without its yellow, which is lost on paper; then shapes tell the next ones apart.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#7A6C5D")
SHAPES = ("circle", "square", "diamond", "triangle-up", "cross", "star")
GREY = "#9AA39D"
MOST_NAMED = 14
A_SIDE = 12
MAP_HEIGHT = 520


def keyword_map(
    result: RunResult,
    colour_by: str,
    excerpts: dict[str, str],
    groups: Sequence[Cluster],
    chosen: int | None = None,
) -> go.Figure:
    """Keywords as points with the names of their clusters, near when they mean or accompany the same.

    Args:
        colour_by: "cluster" or "category"; size is support.
        excerpts: a note to show for a keyword.
        chosen: the number of the cluster that stands out.

    The custom data of a point is its keyword.
    """
    points = map_points(result, groups)
    figure = go.Figure()
    sizes = points.groupby(colour_by, sort=False).size()
    ordered = [group.name for group in groups] if colour_by == "cluster" else list(sizes.sort_values().index[::-1])
    largest = max(points["support"].max(), 1)
    alone = [group.name for group in groups if group.number == OTHER] if colour_by == "cluster" else []
    for number, name in enumerate(dict.fromkeys(ordered)):
        part = points[points[colour_by] == name]
        faded = chosen is not None and not (part["number"] == chosen).any()
        figure.add_scatter(
            x=part["x"],
            y=part["y"],
            mode="markers",
            name=str(name)[:48],
            showlegend=colour_by == "category" and number < MOST_NAMED,
            customdata=part["keyword"],
            text=[_hover(row, excerpts.get(str(row.keyword), "")) for row in part.itertuples()],
            hovertemplate="%{text}<extra></extra>",
            marker=_marker(number, alone=name in alone, faded=faded)
            | {"size": 6 + 18 * np.sqrt(part["support"] / largest)},
        )
    place_labels(figure, points, groups)
    figure.update_layout(
        height=MAP_HEIGHT,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        dragmode="lasso",
        legend={"orientation": "h", "y": -0.02, "itemsizing": "constant"},
    )
    return figure


def _marker(number: int, *, alone: bool, faded: bool) -> dict[str, Any]:
    """Colour and shape of the group with this number; `alone` is that of keywords in no cluster."""
    return {
        "color": GREY if alone else COLOURS[number % len(COLOURS)],
        "symbol": "circle-open" if alone else SHAPES[number // len(COLOURS) % len(SHAPES)],
        "opacity": 0.25 if faded else 0.85,
        "line": {"width": 1 if alone else 0},
    }


def map_points(result: RunResult, groups: Sequence[Cluster]) -> pd.DataFrame:
    """keyword, x, y, cluster (its name), number (of its cluster), category (of the highest z), support (notes that
    hold it), z; of the clusters given."""
    best = result.keywords.sort_values("z", ascending=False).drop_duplicates("keyword")
    group_of = {number: group for group in groups for number in group.numbers}
    shown = result.clusters[result.clusters["cluster"].isin(list(group_of))]
    points = shown.merge(best[["keyword", "category", "z"]], on="keyword")
    points["support"] = [sum(result.supports.get(word, {}).values()) for word in points["keyword"]]
    points["number"] = [group_of[number].number for number in points["cluster"]]
    points["cluster"] = [group_of[number].name for number in points["cluster"]]
    return points


def _hover(row: object, excerpt: str) -> str:
    text = f"<b>{escape(row.keyword)}</b> · {escape(row.category)}<br>"  # type: ignore[attr-defined]
    text += f"in {row.support} notes · z {row.z:.1f}<br>{escape(row.cluster)}"  # type: ignore[attr-defined]
    if not excerpt:
        return text
    lines = [excerpt[at : at + 60] for at in range(0, min(len(excerpt), 180), 60)]
    return text + "<br><i>" + "<br>".join(map(escape, lines)) + ("…" if len(excerpt) > 180 else "") + "</i>"


def cluster_heat(result: RunResult, groups: Sequence[Cluster]) -> go.Figure | None:
    """How many keywords of each category each cluster has; None without clusters."""
    names = {number: group.name for group in groups if group.number != OTHER for number in group.numbers}
    both = result.keywords[["category", "keyword"]].merge(result.clusters[["keyword", "cluster"]], on="keyword")
    both = both[both["cluster"].isin(list(names))]
    if both.empty:
        return None
    both["name"] = [names[number] for number in both["cluster"]]
    order = [name for name in dict.fromkeys(names.values()) if name in set(both["name"])]
    table = pd.crosstab(both["name"], both["category"]).reindex(order)
    figure = go.Figure(
        go.Heatmap(
            z=table.to_numpy(),
            x=[str(column)[:24] for column in table.columns],
            y=order,
            colorscale=[[0, "rgba(0,114,178,0)"], [1, "#0072B2"]],
            text=np.where(table.to_numpy() > 0, table.to_numpy().astype(str), ""),
            texttemplate="%{text}",
            hovertemplate="%{y}<br>%{x}: %{z} keywords<extra></extra>",
            showscale=False,
            xgap=1,
            ygap=1,
        )
    )
    figure.update_yaxes(autorange="reversed")
    return calm(figure, 80 + 26 * len(order))


def between(result: RunResult, this: str, other: str) -> pd.DataFrame:
    """The discriminative keywords of either category compared between the two alone: keyword, notes_one, notes_other,
    log_odds and z (above 0: more often in `this`), strongest first."""
    sizes = result.counts["categories"]
    table = result.keywords
    words = sorted(set(table.loc[table["category"].isin([this, other]), "keyword"]))
    here = np.array([result.supports[word].get(this, 0) for word in words], float)
    there = np.array([result.supports[word].get(other, 0) for word in words], float)
    if not words:
        return pd.DataFrame(columns=["keyword", "notes_one", "notes_other", "log_odds", "z"])
    odds, z = log_odds(here, there, sizes[this], sizes[other])
    found = pd.DataFrame(
        {"keyword": words, "notes_one": here.astype(int), "notes_other": there.astype(int), "log_odds": odds, "z": z}
    )
    return found.sort_values("z", key=lambda column: -column.abs(), ignore_index=True)


def two_sides(table: pd.DataFrame, this: str, other: str) -> go.Figure:
    """The strongest keywords of two categories as bars: those of `this` to the left, of `other` to the right."""
    left = table[table["z"] > 0].nlargest(A_SIDE, "z").iloc[::-1]
    right = table[table["z"] < 0].nsmallest(A_SIDE, "z")
    both = pd.concat([right, left])
    figure = go.Figure(
        go.Bar(
            x=-both["z"],
            y=both["keyword"],
            orientation="h",
            marker={"color": np.where(both["z"] < 0, COLOURS[1], COLOURS[0])},
            customdata=both[["notes_one", "notes_other"]].assign(z=both["z"].abs()),
            hovertemplate=f"%{{y}}<br>{escape(this)}: %{{customdata[0]}} notes<br>{escape(other)}: %{{customdata[1]}} "
            "notes<br>z %{customdata[2]:.1f}<extra></extra>",
        )
    )
    figure.update_xaxes(title=f"← {this}    z    {other} →", zeroline=True, showticklabels=False)
    return calm(figure, 120 + 22 * len(both))
