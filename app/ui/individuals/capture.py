"""Capture history: the design, the matrix, effort, discovery curve, quick looks, and the stations behind it all."""

from __future__ import annotations

from datetime import date

import streamlit as st
from sqlalchemy.orm import Session

from app import deps
from app.exchange.csv_text import ASSUMPTIONS, NO_SIGHTING
from app.survey.capture.effort import NoEffort
from app.survey.capture.estimates import QuickLook, discovery_curve, quick_looks
from app.survey.capture.history import FLANKS, CaptureHistory, Design, capture_history
from app.survey.individuals.catalogue import species_known
from app.ui.individuals.plots import discovery, history_matrix
from app.ui.shared import counts
from app.ui.shared.address import CaptureDesign, Individuals
from app.ui.shared.navigation import export_page
from app.ui.shared.paging import page_of
from app.ui.shared.plots import draw_plot
from app.ui.shared.words import many, plain
from app.ui.stations.table import stations_form

ROWS = 40
WAIT_SECONDS = 0.12
COUNTING = "Counting every sighting …"
LABEL = "quick look, not an estimate to publish"


def chosen_design() -> Design:
    """The design as the address has it; always visible."""
    species = deps.read(species_known)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        days = st.number_input(
            "Days an occasion", 1, 365, CaptureDesign.DAYS.default, width=150, **CaptureDesign.DAYS.bound()
        )
        start = st.date_input(
            "First day", None, format="YYYY-MM-DD", width=170,
            help="Empty: the first day a camera worked", **CaptureDesign.START.bound(),
        )  # fmt: skip
        occasions = st.number_input(
            "Occasions", 1, 1000, None, placeholder="all", width=130, **CaptureDesign.OCCASIONS.bound()
        )
        flank = st.selectbox("Flank", FLANKS, width=120, **CaptureDesign.FLANK.bound())
        name = st.selectbox(
            "Species", species, index=None, placeholder="all", width=220, **CaptureDesign.SPECIES.bound()
        )
    return Design(
        int(days), start if isinstance(start, date) else None, occasions, name, flank or CaptureDesign.FLANK.default
    )


def current_history(design: Design) -> CaptureHistory | NoEffort | None:
    """The history of the survey as it stands, why there is none, or None while it is computed beside the page."""

    def figures(session: Session) -> CaptureHistory | NoEffort:
        try:
            return capture_history(session, design)
        except NoEffort as reason:
            return reason

    return counts.beside(("history", counts.survey_state(), design), figures, WAIT_SECONDS)


def capture_view() -> None:
    """The whole section."""
    design = chosen_design()
    history = current_history(design)
    if history is None:
        counts.wait_for(lambda: current_history(design), COUNTING)
        return
    if isinstance(history, NoEffort):
        st.warning(str(history))
        stations_form()
        return
    days = history.days_worked()
    columns = st.columns(4)
    columns[0].metric("Individuals", f"{len(history.individuals):,}")
    columns[1].metric("Stations that worked", f"{int((days.sum(axis=1) > 0).sum()):,}")
    columns[2].metric("Occasions", f"{history.occasions:,}")
    columns[3].metric("Station-days", f"{int(days.sum()):,}")
    for note in history.notes:
        st.caption(f":material/info: {plain(note)}")
    if history.individuals:
        matrix(history)
        left, right = st.columns(2)
        with left:
            st.subheader("Discovery curve", anchor=False)
            draw_plot(discovery(discovery_curve(history)), key="discovery")
        with right:
            st.subheader("How many are there?", anchor=False)
            estimates(quick_looks(history))
    else:
        st.info(NO_SIGHTING)
    st.page_link(export_page(), label="Export for secr, camtrapR or Program MARK", icon=":material/download:")
    effort_table(history)
    stations_form()
    with st.expander("What is assumed"):
        st.markdown("\n".join(f"- {text}" for text in ASSUMPTIONS))


def matrix(history: CaptureHistory) -> None:
    """Individuals x occasions, forty individuals at a time."""
    st.subheader("Individuals by occasion", anchor=False)
    figure = history_matrix(history, page_of(len(history.individuals), ROWS, **Individuals.HISTORY_ROWS.bound()))
    draw_plot(figure, key="matrix")
    st.caption("● seen · NA: no camera worked in this occasion · empty: cameras worked, not seen")


def estimates(looks: list[QuickLook]) -> None:
    """The estimates with their intervals and what they rest on."""
    st.dataframe(
        {
            "estimate": [look.name for look in looks],
            "individuals": [f"{look.value:,.1f}" if look.value is not None else "–" for look in looks],
            "95 % interval": [
                f"{look.low:,.1f} to {look.high:,.1f}" if look.low is not None and look.high is not None else "–"
                for look in looks
            ],
        },
        hide_index=True,
    )
    for look in looks:
        st.caption(f"{look.name}: {look.from_what} ({look.source}).")
    st.caption(
        f"**{LABEL.capitalize()}.** They assume a closed population and right identities, and know nothing of space: "
        "fit a model to the export for a figure to defend."
    )


def effort_table(history: CaptureHistory) -> None:
    """Days each station worked, per occasion; NA where it did not work at all."""
    days = history.days_worked()
    with st.expander(f"Effort: {many(len(history.stations), 'station')} by occasion, in days"):
        table: dict[str, list[object]] = {"station": list(history.stations)}
        for number in range(min(history.occasions, 60)):
            table[str(history.occasion_start(number))] = [int(value) or None for value in days[:, number]]
        st.dataframe(table, hide_index=True)
        if history.occasions > 60:
            st.caption("The first 60 occasions are shown; the export has all.")
