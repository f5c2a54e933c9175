"""What the figures of Identify rest on: pairs left until the count is stable, and how good the probabilities are."""

from __future__ import annotations

from functools import partial

import plotly.graph_objects as go
import streamlit as st

from app import deps
from app.jobs.queue import Jobs
from app.matching.stability import stability
from app.matching.trust import CalibrationState
from app.survey.detections import rapid_profile
from app.survey.individuals.rankings import Scope, last_ranking
from app.ui.identify.requests import ask_for_rankings
from app.ui.shared import counts
from app.ui.shared.plots import GREY, MARK, draw_plot

WAIT_SECONDS = 0.05
COUNTED = "pairs-counted"


def pairs_left(scope: Scope, state: str, jobs: Jobs) -> None:
    """How many pairs are left until the number of individuals is stable, counted beside the page.

    Crops nobody has opened are given to the worker to be compared. state: of the survey.
    """
    with deps.survey().read() as session:
        newest = last_ranking(session)
        ranks = rapid_profile.sentence(session)
    before = st.session_state.get(COUNTED)
    key = ("pairs left", state, scope.key(), newest)
    found = counts.beside(key, partial(stability, scope=scope), 0.0 if before else WAIT_SECONDS)
    if not found:
        st.caption(f"{before}, counting again …" if before else "Counting the pairs that are left …", help=ranks)
        return
    figure, _, reasons = found.sentence.partition(": ")
    st.session_state[COUNTED] = figure.removesuffix(".")
    st.caption(f"{figure.removesuffix('.')}.", help=f"{reasons} {ranks}".strip())
    ask_for_rankings(jobs, found.next_up, scope)


def probabilities(state: CalibrationState) -> None:
    """A popover with what the probabilities of a ranking rest on, and their reliability diagram."""
    with st.popover("How sure?", icon=":material/balance:", width="content"):
        st.markdown(state.sentence)
        if not state.reliability:
            st.caption("The diagram is drawn from the pairs that people decide; there are not enough yet.")
            return
        st.caption(f"{state.same:,} pairs said to be the same, {state.different:,} different. {_brier(state)}")
        draw_plot(reliability(state), key=f"reliability-{state.model}")


def reliability(state: CalibrationState) -> go.Figure:
    """The share that was the same over the probability that was told; on the line both agree."""
    probability, share, pairs = zip(*state.reliability, strict=True)
    figure = go.Figure()
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "dash": "dot"}, hoverinfo="skip")
    figure.add_scatter(
        x=probability,
        y=share,
        customdata=pairs,
        mode="lines+markers",
        marker={"color": MARK, "size": 8},
        hovertemplate="probability %{x:.2f}, was the same %{y:.2f}, %{customdata} pairs<extra></extra>",
    )
    figure.update_xaxes(title="probability shown", range=[0, 1])
    figure.update_yaxes(title="share that was the same", range=[0, 1])
    figure.update_layout(height=280, width=320, margin={"l": 50, "r": 10, "t": 10, "b": 40}, showlegend=False)
    return figure


def _brier(state: CalibrationState) -> str:
    if state.brier is None:
        return ""
    line = f", {state.brier_line:.3f} with a plain logistic line" if state.brier_line is not None else ""
    return f"Brier score on decisions left out of the fit: {state.brier:.3f}{line} (0 is perfect)."
