"""The pictures of a run over notes: the map of keywords, clusters by category, two categories side by side."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.notes.result import RunResult
from modal_backend.models.text.log_odds import log_odds

# Okabe and Ito's set without its yellow, which is lost on paper; then shapes tell the next ones apart.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#7A6C5D")
SHAPES = ("circle", "square", "diamond", "triangle-up", "cross", "star")
GREY = "#9AA39D"
MOST_NAMED = 14
A_SIDE = 12
ALONE = "in no cluster"


def keyword_map(result: RunResult, colour_by: str, excerpts: dict[str, str]) -> go.Figure:
    """Keywords as points, near when they mean or accompany the same; colour by "cluster" or "category", size by
    support. custom data of a point: its keyword. excerpts: a note to show for a keyword."""
    points = map_points(result)
    figure = go.Figure()
    groups = points.groupby(colour_by, sort=False)["support"].agg(["size", "sum"])
    ordered = sorted(groups.index, key=lambda one: (one == ALONE, -groups.loc[one, "size"], str(one)))
    largest = max(points["support"].max(), 1)
    for number, name in enumerate(ordered):
        part = points[points[colour_by] == name]
        alone = name == ALONE
        figure.add_scatter(
            x=part["x"],
            y=part["y"],
            mode="markers",
            name=str(name)[:48],
            showlegend=alone or number < MOST_NAMED,
            customdata=part["keyword"],
            text=[_hover(row, excerpts.get(row.keyword, "")) for row in part.itertuples()],
            hovertemplate="%{text}<extra></extra>",
            marker={
                "size": 6 + 18 * np.sqrt(part["support"] / largest),
                "color": GREY if alone else COLOURS[number % len(COLOURS)],
                "symbol": "circle-open" if alone else SHAPES[number // len(COLOURS) % len(SHAPES)],
                "opacity": 0.85,
                "line": {"width": 1 if alone else 0},
            },
        )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.update_layout(
        height=560,
        margin={"l": 0, "r": 0, "t": 8, "b": 8},
        dragmode="lasso",
        legend={"orientation": "h", "y": -0.02, "itemsizing": "constant"},
    )
    return figure


def map_points(result: RunResult) -> pd.DataFrame:
    """keyword, x, y, cluster (its label), category (of the highest z), support (notes that hold it), z."""
    best = result.keywords.sort_values("z", ascending=False).drop_duplicates("keyword")
    points = result.clusters.merge(best[["keyword", "category", "z"]], on="keyword")
    points["support"] = [sum(result.supports.get(word, {}).values()) for word in points["keyword"]]
    points["number"] = points["cluster"]
    points["cluster"] = [
        ALONE if number < 0 else f"{number + 1}: {label}"
        for number, label in zip(points["cluster"], points["label"], strict=True)
    ]
    return points


def _hover(row: object, excerpt: str) -> str:
    text = f"<b>{escape(row.keyword)}</b> · {escape(row.category)}<br>"  # type: ignore[attr-defined]
    text += f"in {row.support} notes · z {row.z:.1f}<br>{escape(row.cluster)}"  # type: ignore[attr-defined]
    if not excerpt:
        return text
    lines = [excerpt[at : at + 60] for at in range(0, min(len(excerpt), 180), 60)]
    return text + "<br><i>" + "<br>".join(map(escape, lines)) + ("…" if len(excerpt) > 180 else "") + "</i>"


def cluster_heat(result: RunResult) -> go.Figure | None:
    """How many keywords of each category each cluster has; None without clusters."""
    both = result.keywords[["category", "keyword"]].merge(
        result.clusters[["keyword", "cluster", "label"]], on="keyword"
    )
    both = both[both["cluster"] >= 0]
    if both.empty:
        return None
    both["name"] = [f"{number + 1}: {label}" for number, label in zip(both["cluster"], both["label"], strict=True)]
    order = both.drop_duplicates("name").sort_values("cluster")["name"].tolist()
    table = pd.crosstab(both["name"], both["category"]).reindex(order)
    figure = go.Figure(
        go.Heatmap(
            z=table.to_numpy(),
            x=[str(one)[:24] for one in table.columns],
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
    figure.update_layout(height=80 + 26 * len(order), margin={"l": 8, "r": 8, "t": 8, "b": 8})
    return figure


def between(result: RunResult, one: str, other: str) -> pd.DataFrame:
    """The discriminative keywords of either category compared between the two alone: keyword, notes_one, notes_other,
    log_odds and z (above 0: more often in `one`), strongest first."""
    sizes = result.counts["categories"]
    table = result.keywords
    words = sorted(set(table.loc[table["category"].isin([one, other]), "keyword"]))
    here = np.array([result.supports[word].get(one, 0) for word in words], float)
    there = np.array([result.supports[word].get(other, 0) for word in words], float)
    if not words:
        return pd.DataFrame(columns=["keyword", "notes_one", "notes_other", "log_odds", "z"])
    odds, z = log_odds(here, there, sizes[one], sizes[other])
    found = pd.DataFrame(
        {"keyword": words, "notes_one": here.astype(int), "notes_other": there.astype(int), "log_odds": odds, "z": z}
    )
    return found.sort_values("z", key=lambda column: -column.abs(), ignore_index=True)


def two_sides(table: pd.DataFrame, one: str, other: str) -> go.Figure:
    """The strongest keywords of each of two categories as bars to either side."""
    left = table[table["z"] < 0].nsmallest(A_SIDE, "z")
    right = table[table["z"] > 0].nlargest(A_SIDE, "z").iloc[::-1]
    both = pd.concat([left, right])
    figure = go.Figure(
        go.Bar(
            x=both["z"],
            y=both["keyword"],
            orientation="h",
            marker={"color": np.where(both["z"] < 0, COLOURS[1], COLOURS[0])},
            customdata=both[["notes_one", "notes_other"]],
            hovertemplate=f"%{{y}}<br>{escape(one)}: %{{customdata[0]}} notes<br>{escape(other)}: %{{customdata[1]}} "
            "notes<br>z %{x:.1f}<extra></extra>",
        )
    )
    figure.update_xaxes(title=f"← {other}    z    {one} →", zeroline=True)
    figure.update_layout(height=120 + 22 * len(both), margin={"l": 8, "r": 8, "t": 8, "b": 8})
    return figure
