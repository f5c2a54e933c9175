"""The slow part of Operations: how long calls took over time, cold starts, and model versions side by side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

from app import deps
from app.survey.calls import figures, model_versions
from app.survey.calls.figures import EndedCall
from app.survey.calls.model_versions import VersionFigures
from app.survey.calls.overview import percentile
from app.ui.shared.address import Operations
from app.ui.shared.plots import draw_plot
from app.ui.shared.status_strip import seconds
from app.ui.shared.words import many

WINDOWS = {"1 hour": 3600, "6 hours": 6 * 3600, "24 hours": 86_400, "7 days": 7 * 86_400, "30 days": 30 * 86_400}
ALL = "all models"
BINS = 48
KEPT_SECONDS = 15
COUNTS = [[0.0, "rgba(86,152,120,0.22)"], [1.0, "rgba(86,152,120,1)"]]
MEDIAN, HIGH, COLD = "#7F8A83", "#7F8A83", "#C98A1B"


def time_of_calls(models: Sequence[str]) -> None:
    """Choose a period and a model; draw the histogram over time with its median, and the cold starts below."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        window = st.segmented_control(
            "Period", list(WINDOWS), default=Operations.PERIOD.default, required=True, **Operations.PERIOD.bound()
        )
        model = st.selectbox("Model", [ALL, *models], key="calls-of", width=260)
    length = WINDOWS[window or Operations.PERIOD.default]
    figure, sentence = _drawn(deps.survey_mark(), length, "" if model == ALL else model)
    if figure is not None:
        draw_plot(figure, key="time-of-calls")
    st.caption(sentence)


def summary(calls: Sequence[EndedCall]) -> str:
    """The chart in one sentence."""
    took = sorted(call.seconds for call in calls)
    cold = sorted(call.cold_start for call in calls if call.cold_start)
    median, high = percentile(took, 0.5) or 0.0, percentile(took, 0.95) or 0.0
    starts = (
        f"{many(len(cold), 'cold start')}, median {seconds(percentile(cold, 0.5) or 0.0)}" if cold else "no cold start"
    )
    return f"{many(len(calls), 'call')}: median {seconds(median)}, 95th percentile {seconds(high)}; {starts}."


def histogram(calls: Sequence[EndedCall], length: float, now: float) -> go.Figure:
    """Calls by end and duration (log scale) with median and 95th percentile; cold starts by end below."""
    ends = np.array([call.finished_at for call in calls])
    took = np.maximum([call.seconds for call in calls], 1e-3)
    edges = np.linspace(now - length, now, BINS + 1)
    low, high = np.floor(np.log10(took.min()) * 2) / 2, np.ceil(np.log10(took.max()) * 2) / 2
    steps = np.logspace(low, max(high, low + 0.5), round((max(high, low + 0.5) - low) * 6) + 1)
    counts, _, _ = np.histogram2d(ends, took, bins=(edges, steps))
    places = np.clip(np.digitize(ends, edges) - 1, 0, BINS - 1)
    middles = [datetime.fromtimestamp(moment) for moment in (edges[:-1] + edges[1:]) / 2]
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.74, 0.26], vertical_spacing=0.06)
    figure.add_heatmap(
        x=[datetime.fromtimestamp(edge) for edge in edges],
        y=steps,
        z=np.where(counts.T > 0, counts.T, np.nan),
        colorscale=COUNTS,
        showscale=False,
        hovertemplate="%{z} calls of about %{y:.2g} s<br>%{x|%-d %b %H:%M}<extra></extra>",
        row=1,
        col=1,
    )
    for share, name, dash in ((0.5, "median", "solid"), (0.95, "95th percentile", "dot")):
        line = [percentile(sorted(took[places == place]), share) for place in range(BINS)]
        figure.add_scatter(
            x=middles,
            y=line,
            name=name,
            mode="lines+markers",
            marker={"size": 4},
            line={"color": MEDIAN, "width": 2, "dash": dash},
            hovertemplate=f"{name} %{{y:.2g}} s<extra></extra>",
            row=1,
            col=1,
        )
    _cold_starts(figure, calls, places, middles)
    return _calm(figure, float(steps[0]), float(steps[-1]))


def _cold_starts(figure: go.Figure, calls: Sequence[EndedCall], places: np.ndarray, middles: list[datetime]) -> None:
    cold = np.array([call.cold_start for call in calls])
    found = [sorted(cold[(places == place) & (cold > 0)]) for place in range(BINS)]
    figure.add_bar(
        x=middles,
        y=[len(starts) for starts in found],
        name="cold starts",
        marker={"color": COLD},
        customdata=[[percentile(starts, 0.5) or 0.0] for starts in found],
        hovertemplate="%{y} cold starts, median %{customdata[0]:.1f} s<extra></extra>",
        row=2,
        col=1,
    )


def _calm(figure: go.Figure, lowest: float, highest: float) -> go.Figure:
    ticks = [tick for tick in (0.001, 0.01, 0.1, 1, 10, 100, 1000, 10_000) if lowest <= tick <= highest]
    texts = [f"{tick * 1000:g} ms" if tick < 1 else f"{tick:g} s" for tick in ticks]
    figure.update_yaxes(type="log", tickvals=ticks, ticktext=texts, title="duration", row=1, col=1)
    figure.update_yaxes(title="cold starts", rangemode="tozero", tickformat="d", nticks=4, row=2, col=1)
    legend = {"orientation": "h", "y": 1.08, "x": 0}
    margin = {"l": 8, "r": 8, "t": 8, "b": 8}
    figure.update_layout(height=340, margin=margin, legend=legend, bargap=0.1, plot_bgcolor="rgba(0,0,0,0)")
    return figure


def comparison() -> None:
    """Two versions of one task side by side: what each did, how fast, and what people said of it."""
    found = _versions(deps.survey_mark())
    tasks = {
        task: [version for version in found if version.task == task]
        for task in dict.fromkeys(version.task for version in found)
    }
    if not tasks:
        st.caption("No model has given a result yet.")
        return
    several = [task for task, versions in tasks.items() if len(versions) > 1]
    first = list(tasks).index(several[0]) if several else 0
    task = st.selectbox("Task", list(tasks), index=first, key="compare-task", width=260)
    versions = {f"{version.model} {version.version} · {version.backend}": version for version in tasks[task]}
    if len(versions) > 2:
        chosen = st.multiselect("Versions", list(versions), default=list(versions)[:2], max_selections=2)
        versions = {name: versions[name] for name in chosen}
    st.dataframe(side_by_side(versions), hide_index=True)
    if len(tasks[task]) == 1:
        st.caption("One version so far; a second one, or the other backend, will stand beside it.")


def side_by_side(versions: dict[str, VersionFigures]) -> dict[str, list[str]]:
    """A table: a row a figure, a column a version; what is not known is empty."""
    rows = {
        "results": lambda version: f"{version.results:,}",
        "calls": lambda version: f"{version.calls:,}",
        "median call": lambda version: "" if version.p50 is None else seconds(version.p50),
        "median per input": lambda version: "" if version.per_input is None else seconds(version.per_input),
        "boxes accepted by people": lambda version: "" if version.accepted is None else f"{version.accepted:,}",
        "boxes rejected by people": lambda version: "" if version.rejected is None else f"{version.rejected:,}",
        "unsure": lambda version: "" if version.unsure is None else f"{version.unsure:,}",
        "accepted, of those judged": lambda version: "" if version.acceptance is None else f"{version.acceptance:.1%}",
    }
    table: dict[str, list[str]] = {"figure": list(rows)}
    for name, version in versions.items():
        table[name] = [tell(version) for tell in rows.values()]
    return table


@st.cache_resource(ttl=KEPT_SECONDS, max_entries=32, show_spinner=False)
def _drawn(mark: str, length: float, model: str) -> tuple[go.Figure | None, str]:
    """The chart of a period and its sentence; shared, never changed. mark: of the survey, part of the key."""
    del mark
    now = time.time()
    calls = deps.read(figures.ended_since, now - length, model or None)
    if not calls:
        return None, "No call gave a result within this period."
    return histogram(calls, length, now), summary(calls)


@st.cache_data(ttl=2 * KEPT_SECONDS, max_entries=4, show_spinner=False)
def _versions(mark: str) -> list[VersionFigures]:
    """Every model version's figures. mark: of the survey, part of the key."""
    del mark
    return deps.read(model_versions.versions)
