"""Individuals: the catalogue, one animal's card, merge and split."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from app import deps
from app.survey import catalogue, identity
from app.survey.catalogue import CatalogueEntry, SightingView
from app.survey.decide import DecisionConflict, undo_last
from app.survey.identity import Contradiction
from app.survey.review import BadDecision
from app.survey.scores import boxes
from app.ui.crops.crops import crop_gallery
from app.ui.header import page_header
from app.ui.individual_plots import station_map, time_line
from app.ui.navigation import identify_page
from app.ui.words import many, moment, when

A_PAGE = 60
SEXES = ["unknown", "female", "male"]
AGES = ["unknown", "cub", "subadult", "adult"]
STATES = ["unknown", "alive", "dead"]
UNDOABLE = (*catalogue.KINDS, *identity.KINDS)


def decide(action: Callable[..., Any], *args: Any, **values: Any) -> bool:
    """Make a decision in one transaction; a problem is told and nothing is changed."""
    try:
        with deps.survey().write() as session:
            action(session, deps.reviewer(), *args, **values)
    except (BadDecision, Contradiction, DecisionConflict) as problem:
        st.toast(str(problem), icon=":material/error:")
        return False
    return True


def undo_button() -> None:
    """Take back this person's last decision about identities."""

    def undo() -> None:
        if decide(undo_last, UNDOABLE):
            st.toast("Taken back.", icon=":material/undo:")

    st.button("Undo", icon=":material/undo:", shortcut="Z", on_click=undo)


def gallery() -> None:
    """All individuals, best crop each."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input("Search a name", key="search", bind="query-params", placeholder="T-0")
        undo_button()
    with deps.survey().read() as session:
        total = catalogue.count(session, search)
        pages = max(-(-total // A_PAGE), 1)
        number = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
        entries = catalogue.entries(session, search, limit=A_PAGE, offset=(number - 1) * A_PAGE)
        covers = boxes(session, [one.cover_detection_id for one in entries if one.cover_detection_id])
    items = [
        {
            "id": one.id,
            "src": deps.box_crop_url(covers[one.cover_detection_id]) if one.cover_detection_id in covers else "",
            "label": one.name,
            "sub": f"{many(one.sightings, 'sighting')} · {many(one.stations, 'station')}",
            "badge": one.species or "",
        }
        for one in entries
    ]
    if not items:
        st.info("No individual has this name.")
        return
    opened = crop_gallery(items, key="individuals")
    if opened.count != st.session_state.get("individual_opened", 0):
        st.session_state["individual_opened"] = opened.count
        if opened.id:
            st.query_params["id"] = str(opened.id)
            st.rerun()


def card(entry: CatalogueEntry, sightings: list[SightingView]) -> None:
    """One animal: crops, where and when, description, history."""
    if st.button("All individuals", icon=":material/arrow_back:", type="tertiary"):
        st.query_params.pop("id", None)
        st.rerun()
    with deps.survey().read() as session:
        shown = boxes(session, [one.detection_id for one in sightings])
    items = [
        {
            "id": one.detection_id,
            "src": deps.box_crop_url(shown[one.detection_id]),
            "label": when(one.taken_at),
            "sub": one.station or "no station",
            "badge": shown[one.detection_id].flank or "flank unknown",
        }
        for one in sightings
        if one.detection_id in shown
    ]
    crop_gallery(items, key=f"sightings-{entry.id}", size=180)
    line, place = time_line(sightings), station_map(sightings)
    left, right = st.columns(2)
    if line:
        left.plotly_chart(line, key="time-line", config={"displayModeBar": False})
    if place:
        right.plotly_chart(place, key="station-map", config={"displayModeBar": False})
    describe_form(entry.id)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        merge_form(entry)
        split_form(entry, sightings)
        undo_button()
    history(entry.id)


def describe_form(individual_id: int) -> None:
    """Name, species, sex, age class, status and notes."""
    with deps.survey().read() as session:
        one = catalogue.individual(session, individual_id)
    with st.form(f"describe-{individual_id}"):
        columns = st.columns(5)
        name = columns[0].text_input("Name", one.name)
        species = columns[1].text_input("Species", one.species or "")
        sex = columns[2].selectbox("Sex", SEXES, index=SEXES.index(one.sex or "unknown"))
        age = columns[3].selectbox("Age class", AGES, index=AGES.index(one.age_class or "unknown"))
        status = columns[4].selectbox("Status", STATES, index=STATES.index(one.life_status or "unknown"))
        notes = st.text_area("Notes", one.notes or "", height=80)
        if st.form_submit_button("Save"):
            values = {
                "species": species.strip() or None,
                "sex": sex,
                "age_class": age,
                "life_status": status,
                "notes": notes.strip() or None,
            }
            saved = decide(catalogue.describe, individual_id, **values)
            if name.strip() != one.name:
                saved = decide(catalogue.rename, individual_id, name) and saved
            if saved:
                st.rerun()


def merge_form(entry: CatalogueEntry) -> None:
    """Make another individual's sightings this one's."""
    with st.popover("Merge", icon=":material/merge:"):
        with deps.survey().read() as session:
            others = {one.id: one.name for one in catalogue.entries(session, limit=2000) if one.id != entry.id}
        other = st.selectbox(
            f"Who is {entry.name} too?", list(others), index=None, format_func=lambda number: others[number]
        )
        st.caption(f"All sightings move to {entry.name}. It can be undone.")
        if st.button("Merge into this one", disabled=other is None) and decide(catalogue.merge, entry.id, other):
            st.rerun()


def split_form(entry: CatalogueEntry, sightings: list[SightingView]) -> None:
    """Move some sightings to a new individual, or take them out."""
    with st.popover("Split", icon=":material/call_split:"):
        names = {one.detection_id: f"{when(one.taken_at)} · {one.station or 'no station'}" for one in sightings}
        chosen = st.multiselect("Sightings", list(names), format_func=lambda number: names[number])
        if st.button("Make a new individual of them", disabled=not chosen) and decide(
            catalogue.split, entry.id, chosen
        ):
            st.rerun()
        if st.button("Take them out, to be identified again", disabled=not chosen):
            for detection_id in chosen:
                decide(catalogue.take_out, detection_id)
            st.rerun()


def history(individual_id: int) -> None:
    """Every decision about this animal."""
    with deps.survey().read() as session:
        decisions = catalogue.history(session, individual_id)
    with st.expander(f"History: {many(len(decisions), 'decision')}"):
        st.dataframe(
            {
                "when": [moment(one.decided_at) for one in decisions],
                "who": [one.who for one in decisions],
                "decision": [one.kind for one in decisions],
                "undone": [moment(one.undone_at) for one in decisions],
                "figures": [", ".join(f"{key} {value}" for key, value in one.view.items()) for one in decisions],
            },
            hide_index=True,
        )


asked = st.query_params.get("id", "")
with deps.survey().read() as session:
    total = catalogue.count(session)
    entry = catalogue.entry(session, int(asked)) if asked.isdigit() else None
    sightings = catalogue.sightings(session, entry.id) if entry else []
if entry:
    seen = f"{many(entry.sightings, 'sighting')} · first {when(entry.first_seen)} · last {when(entry.last_seen)}"
    page_header(entry.name, seen)
    card(entry, sightings)
elif total:
    page_header("Who is known", many(total, "individual"))
    gallery()
else:
    page_header("Who is known", "The catalogue of individuals, with their sightings.")
    st.info("Nobody is named yet. Name the first animal in Identify; it will be here with its crops, times and places.")
    st.page_link(identify_page(), label="Who is this?", icon=":material/compare:")
    undo_button()
