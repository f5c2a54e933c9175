"""Individuals: the catalogue, one animal's card, conflicts, capture history."""

from __future__ import annotations

import streamlit as st

from app import deps
from app.survey.decisions.kinds import Undo
from app.survey.individuals import catalogue
from app.ui.individuals.capture import capture_view
from app.ui.individuals.card import card
from app.ui.individuals.catalogue import catalogue_view
from app.ui.individuals.conflicts import conflicts_view, current_report
from app.ui.individuals.flanks import flanks_view
from app.ui.shared.address import Individuals
from app.ui.shared.crops.crops import KEYS
from app.ui.shared.decisions import undo_button
from app.ui.shared.header import page_header
from app.ui.shared.navigation import identify_page
from app.ui.shared.words import many, plain, when

ABOUT = "The animals that have a name, with the sightings of each."
SHORT_WAIT = 0.04
CATALOGUE, FLANKS, CONFLICTS, HISTORY = "Catalogue", "Flanks", "Conflicts", "Capture history"


def whole_survey(total: int) -> None:
    """The views of everybody."""
    report = current_report(SHORT_WAIT)
    open_ = f" · {many(len(report.conflicts), 'conflict')} open" if report and report.conflicts else ""
    page_header("Individuals", ABOUT, many(total, "individual") + open_, KEYS)
    view = st.segmented_control(
        "View", (CATALOGUE, FLANKS, CONFLICTS, HISTORY), default=Individuals.VIEW.default,
        label_visibility="collapsed", required=True, **Individuals.VIEW.bound(),
    )  # fmt: skip
    if view == FLANKS:
        flanks_view()
    elif view == CONFLICTS:
        conflicts_view()
    elif view == HISTORY:
        capture_view()
    else:
        catalogue_view()


asked = Individuals.ID.read()
with deps.survey().read() as session:
    kept = catalogue.merged_into(session, asked) if asked else None
    entry = catalogue.entry(session, kept.id if kept else asked) if asked else None
    total = catalogue.count(session)
if entry:
    seen = f"{many(entry.sightings, 'sighting')} · first {when(entry.first_seen)} · last {when(entry.last_seen)}"
    page_header(entry.name, seen if entry.sightings else "No sighting left.", keys=KEYS)
    if kept:
        st.info(f"The individual you asked for has been merged into {plain(entry.name)}.")
    card(entry)
elif total:
    if asked:
        st.info("There is no such individual any more.")
    whole_survey(total)
else:
    page_header("Individuals", ABOUT)
    st.info("Nobody is named yet. Name the first animal in Identify; it will be here with its crops, times and places.")
    st.page_link(identify_page(), label="Who is this?", icon=":material/compare:")
    undo_button(Undo.INDIVIDUALS)
