"""Where, when and which animals were seen: a map without tiles, and two bar charts."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from app import deps
from app.survey.media import browse
from app.survey.media.overview import Glance, glance
from app.ui.individuals.plots import MARK, counts_map
from app.ui.shared import counts
from app.ui.shared.shots import shots_html
from app.ui.shared.words import when

WAIT_SECONDS = 0.05
MOST_SPECIES = 8
CONFIG = {"displayModeBar": False}


def current_glance() -> Glance | None:
    """The figures of the survey as it stands; None while they are being computed beside the page."""

    survey = deps.survey()  # the work is done beside the session

    def work() -> Glance:
        with survey.read() as session:
            detector = browse.detector(session)
            return glance(session, detector.threshold if detector and detector.threshold else 0.5)

    return deps.computed().ask(("glance", counts.survey_state()), work, WAIT_SECONDS)


def best_picture(seen: Glance) -> None:
    """The best picture of the last day, large, with its boxes."""
    if seen.best is None:
        return
    with deps.survey().read() as session:
        views = browse.views(session, [seen.best])
        detector = browse.detector(session)
    if views:
        st.html(shots_html(views, detector.threshold if detector and detector.threshold else 0.5, large=True))
        view = views[0]
        st.caption(f"Best picture of the last day · {view.deployment or 'no deployment'} · {when(view.taken_at)}")


def charts(seen: Glance) -> None:
    """The map, the species and the hours side by side."""
    if not any(seen.hours) and not seen.stations:
        return
    where, which, at = st.columns(3, gap="medium")
    with where:
        st.subheader("Where", anchor=False)
        figure = counts_map(seen.places, seen.stations, "images and videos with an animal")
        if figure is None:
            st.caption("No station has coordinates yet.")
        else:
            st.plotly_chart(figure, config=CONFIG, key="survey-map")
    with which:
        st.subheader("Which", anchor=False)
        st.plotly_chart(_species(seen), config=CONFIG, key="survey-species")
    with at:
        st.subheader("When", anchor=False)
        st.plotly_chart(_hours(seen), config=CONFIG, key="survey-hours")


def _species(seen: Glance) -> go.Figure:
    shown = seen.species[:MOST_SPECIES]
    rest = sum(count for _, count in seen.species[MOST_SPECIES:])
    rows = [*shown, *([("others", rest)] if rest else [])][::-1]
    figure = go.Figure(
        go.Bar(
            x=[count for _, count in rows], y=[name for name, _ in rows], orientation="h", marker={"color": MARK},
            text=[f"{count:,}" for _, count in rows], textposition="auto",
            hovertemplate="%{y}: %{x} images and videos<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(visible=False)
    return _calm(figure)


def _hours(seen: Glance) -> go.Figure:
    figure = go.Figure(
        go.Bar(
            x=list(range(24)), y=list(seen.hours), marker={"color": MARK},
            hovertemplate="%{x}:00 to %{x}:59<br>%{y} images and videos<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(tickvals=[0, 6, 12, 18, 23], title="hour of the day")
    figure.update_yaxes(rangemode="tozero", nticks=4)
    return _calm(figure)


def _calm(figure: go.Figure) -> go.Figure:
    figure.update_layout(height=260, margin={"l": 8, "r": 8, "t": 8, "b": 8}, showlegend=False, bargap=0.15)
    return figure
