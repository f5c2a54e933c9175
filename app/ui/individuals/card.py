"""One individual's card: best crops per flank, where and when, who was near, and everything decided about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import deps
from app.survey.decisions import flank_joins
from app.survey.decisions.kinds import Undo
from app.survey.individuals import catalogue
from app.survey.individuals.catalogue import CatalogueEntry
from app.survey.individuals.sightings import Movement, SightingView, best_crops, movements, neighbours, sightings
from app.survey.media.stations import deployment_views, places
from app.ui.exports.files import crops_button
from app.ui.individuals.crops import crop_items
from app.ui.individuals.edit import describe_form, merge_form, split_form
from app.ui.individuals.flanks import join_form, join_sentence
from app.ui.individuals.plots import station_map, time_line
from app.ui.notes.note_list import draw_notes_near
from app.ui.shared.address import Detections, Individuals, go
from app.ui.shared.component import is_new
from app.ui.shared.crops.crops import crop_gallery
from app.ui.shared.decisions import undo, undo_button
from app.ui.shared.navigation import detections_page
from app.ui.shared.paging import page_of
from app.ui.shared.plots import draw_plot
from app.ui.shared.words import duration, many, moment, plain, when

FLANK_WORDS = {"left": "Left flank", "right": "Right flank", "other": "Other view", "unknown": "Flank not set"}
SECTIONS = (
    "Crops",
    "Time and place",
    "Neighbours",
    "Field notes",
    "Describe",
    "Join flanks",
    "Merge",
    "Split",
    "History",
)
A_PAGE = 60
BEST = 6
HOURS = (1, 6, 24, 72, 168)


def card(entry: CatalogueEntry) -> None:
    """Draw the card of one individual; the section is in the address."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("All individuals", icon=":material/arrow_back:", type="tertiary"):
            go({Individuals.ID: None})
        undo_button(Undo.INDIVIDUALS)
        crops_button(entry.id, entry.name)
    section = st.segmented_control(
        "Section",
        SECTIONS,
        default=Individuals.SECTION.default,
        label_visibility="collapsed",
        required=True,
        **Individuals.SECTION.bound(),
    )
    found = deps.read(sightings, entry.id)
    if section == "Time and place":
        time_and_place(found)
    elif section == "Neighbours":
        near(found)
    elif section == "Field notes":
        seen = {
            (sighting.station, sighting.taken_at.date()) for sighting in found if sighting.station and sighting.taken_at
        }
        draw_notes_near(sorted(seen), entry.name)
    elif section == "Describe":
        describe_form(entry.id)
    elif section == "Join flanks":
        join_form(entry, found)
    elif section == "Merge":
        merge_form(entry)
    elif section == "Split":
        split_form(entry, found)
    elif section == "History":
        history(entry)
    else:
        facts(entry)
        crops(found)


def facts(entry: CatalogueEntry) -> None:
    """What is known of it, in one line, and its notes."""
    with deps.survey().read() as session:
        notes = catalogue.individual(session, entry.id).notes
        joined = flank_joins.joins(session, entry.id)
    known = [entry.species, entry.sex, entry.age_class, entry.life_status]
    line = " · ".join(part for part in known if part) or "Not described yet"
    st.caption(f"{line} · seen at {many(entry.stations, 'station')}")
    if notes:
        st.text(notes)
    for join in joined:
        st.caption(f":material/link: {plain(join_sentence(join))}")


def crops(found: Sequence[SightingView]) -> None:
    """The best crops of each flank, then all sightings in the order of time."""
    for flank, best in best_crops(found, BEST).items():
        total = sum(sighting.flank == flank for sighting in found)
        st.markdown(f"**{FLANK_WORDS[flank]}** · {many(total, 'sighting')}")
        _open(crop_items(best, opens_media=True), f"best-{flank}", 190)
    st.markdown(f"**All sightings** · {len(found):,}")
    shown = found[page_of(len(found), A_PAGE, key="sightings-page")]
    _open(crop_items(shown, opens_media=True), "all-sightings", 110)


def time_and_place(found: Sequence[SightingView]) -> None:
    """Time line, map in kilometres, and every change of station."""
    deployments = deps.read(deployment_views)
    moves, where = movements(found, deployments), places(deployments)
    left, right = st.columns(2)
    with left:
        line = time_line(found)
        if line:
            draw_plot(line, key="time-line")
        else:
            st.info("None of its sightings has a capture time.")
    with right:
        chart = station_map(where, found, moves)
        if chart:
            draw_plot(chart, key="station-map")
        else:
            st.info("No station has coordinates. Fill them in under Capture history, Stations.")
    _not_drawn(found, where)
    if moves:
        _moves(moves)


def near(found: Sequence[SightingView]) -> None:
    """Who was seen at the same station within some hours."""
    hours = st.select_slider(
        "Seen at the same station within", HOURS, 24, format_func=lambda choice: f"{choice} h", key="near", width=320
    )
    others = deps.read(neighbours, found, hours)
    if not others:
        st.info(f"Nobody else was seen at its stations within {hours} h of it.")
        return
    st.dataframe(
        {
            "individual": [f"/individuals?id={neighbour.individual_id}#{neighbour.name}" for neighbour in others],
            "events with it": [neighbour.times for neighbour in others],
            "closest": [duration(neighbour.closest.total_seconds()) for neighbour in others],
            "stations": [", ".join(neighbour.stations) for neighbour in others],
        },
        column_config={"individual": st.column_config.LinkColumn(display_text=r"#(.*)$")},
        hide_index=True,
    )


def history(entry: CatalogueEntry) -> None:
    """Every decision about this individual; each that stands can be taken back unless something newer rests on it."""
    decisions = deps.read(catalogue.history, entry.id)
    st.dataframe(
        {
            "when": [moment(decision.decided_at) for decision in decisions],
            "who": [decision.who for decision in decisions],
            "decision": [decision.kind for decision in decisions],
            "undone": [
                f"{moment(decision.undone_at)} by {decision.undone_by}" if decision.undone_at else ""
                for decision in decisions
            ],
            "figures": [figures(decision.view) for decision in decisions],
        },
        hide_index=True,
    )
    standing = {
        decision.id: f"{decision.kind} · {moment(decision.decided_at)} · {decision.who}"
        for decision in decisions
        if not decision.undone_at
    }
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Take back one decision", list(standing), index=None, format_func=lambda choice: standing[choice], width=420
        )
        if st.button("Take it back", icon=":material/undo:", disabled=chosen is None) and undo(decision_id=chosen):
            st.rerun()


def figures(view: Mapping[str, Any]) -> str:
    """What was before the person's eyes, or what changed, in words."""
    parts = []
    for key, value in view.items():
        if value is None or key in ("before", "merged_id", "new_id"):
            continue
        number = f"{value:.3g}" if isinstance(value, float) else str(value)
        parts.append(f"{key.replace('_', ' ')} {number}")
    return ", ".join(parts)


def _open(items: list[dict[str, object]], key: str, size: int) -> None:
    """A gallery whose crops open their image in Detections."""
    opened = crop_gallery(items, key=key, size=size)
    if is_new(key, opened.count) and opened.id:
        st.switch_page(detections_page(), query_params=Detections.MEDIA.to(opened.id))


def _not_drawn(found: Sequence[SightingView], where: dict[str, tuple[float, float]]) -> None:
    without_time = sum(sighting.taken_at is None for sighting in found)
    unplaced = sorted({sighting.station for sighting in found if sighting.station and sighting.station not in where})
    if without_time:
        st.caption(f"{many(without_time, 'sighting')} without a capture time: not on the time line.")
    if unplaced:
        st.caption(f"Without coordinates, so not on the map: {plain(', '.join(unplaced))}.")


def _moves(moves: Sequence[Movement]) -> None:
    st.markdown(f"**Movements** · {many(len(moves), 'change')} of station")
    st.dataframe(
        {
            "left": [when(move.left.taken_at) for move in moves],
            "from": [move.left.station for move in moves],
            "to": [move.arrived.station for move in moves],
            "arrived": [when(move.arrived.taken_at) for move in moves],
            "km": [round(move.kilometres, 2) if move.kilometres is not None else None for move in moves],
            "hours": [round(move.hours, 1) for move in moves],
            "km/h at least": [
                round(move.kilometres / move.hours, 2) if move.kilometres is not None and move.hours > 0 else None
                for move in moves
            ],
        },
        hide_index=True,
    )
