"""Describe, merge and split an individual; merge and split show what moves before it does."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import deps
from app.survey.decisions import catalogue
from app.survey.decisions.catalogue import AGE_CLASSES, LIFE_STATES, SEXES
from app.survey.individuals.catalogue import CatalogueEntry, entries, individual, names, species_known
from app.survey.individuals.previews import Part, Preview, merge_preview, split_preview
from app.survey.individuals.sightings import SightingView, sightings
from app.ui.individuals.catalogue import entry_items
from app.ui.individuals.crops import crop_items
from app.ui.shared.crops.crops import crop_chooser, crop_gallery
from app.ui.shared.decisions import decide
from app.ui.shared.words import many, plain, when

SHOWN = 24
TO_CHOOSE = 240
CANDIDATES = 60


def describe_form(individual_id: int) -> None:
    """Name, species, sex, age class, status and notes. What somebody else changed meanwhile is not overwritten."""
    with deps.survey().read() as session:
        before = individual(session, individual_id)
        known = species_known(session)
    seen = {name: getattr(before, name) for name in catalogue.DESCRIPTION}
    with st.form(f"describe-{individual_id}"):
        columns = st.columns(5)
        name = columns[0].text_input("Name", before.name)
        options = sorted({*known, *([before.species] if before.species else [])})
        species = columns[1].selectbox(
            "Species", options, index=options.index(before.species) if before.species else None,
            accept_new_options=True, placeholder="as Panthera tigris",
        )  # fmt: skip
        sex = columns[2].selectbox("Sex", SEXES, index=SEXES.index(before.sex or "unknown"))
        age = columns[3].selectbox("Age class", AGE_CLASSES, index=AGE_CLASSES.index(before.age_class or "unknown"))
        status = columns[4].selectbox("Status", LIFE_STATES, index=LIFE_STATES.index(before.life_status or "unknown"))
        notes = st.text_area("Notes", before.notes or "", height=120)
        if not st.form_submit_button("Save", type="primary"):
            return
    values = {"species": species, "sex": sex, "age_class": age, "life_status": status, "notes": notes}
    changed = {key: value for key, value in values.items() if _plain(value) != _plain(seen[key])}
    saved = True
    if changed:
        saved = decide(catalogue.describe, individual_id, seen=seen, message="Saved.", **changed)
    if " ".join(name.split()) != before.name:
        saved = decide(catalogue.rename, individual_id, name, message="Renamed.") and saved
    if saved:
        st.rerun()


def merge_form(entry: CatalogueEntry) -> None:
    """Make another individual's sightings this one's: chosen by its picture, both sides shown before anything moves."""
    with deps.survey().read() as session:
        others = [candidate for candidate in entries(session, limit=CANDIDATES) if candidate.id != entry.id]
        names_of = names(session)
    st.caption(
        f"Choose who {plain(entry.name)} is too. All sightings of the other one move to {plain(entry.name)}; "
        "it can be undone."
    )
    chosen = crop_gallery(entry_items(others), key=f"merge-who-{entry.id}", size=110)
    names_of.pop(entry.id, None)
    typed = st.selectbox(
        f"Who is {plain(entry.name)} too?", list(names_of), index=None, width=320,
        format_func=lambda choice: names_of[choice], key=f"merge-name-{entry.id}",
    )  # fmt: skip
    other = typed or chosen.id
    if other is None or other not in names_of:
        return
    with deps.survey().read() as session:
        preview = merge_preview(session, entry.id, other)
        mine = sightings(session, entry.id)
    left, right = st.columns(2)
    for column, name, part, crops, key in (
        (left, entry.name, preview.rest, mine, "stays"),
        (right, names_of[other], preview.moved, preview.crops, "moves"),
    ):
        with column:
            st.markdown(f"**{plain(name)}** has {in_words(part)}")
            crop_gallery(crop_items(crops[:SHOWN]), key=f"merge-{key}-{other}", size=110)
    warn_of(preview, f"{many(preview.contradicted, 'pair')} of their crops was said to be different animals.")
    label = plain(f"Merge {names_of[other]} into {entry.name}")
    if st.button(label, type="primary", icon=":material/merge:") and decide(
        catalogue.merge, entry.id, other, message=f"{names_of[other]} is {entry.name} now. Z takes it back."
    ):
        st.rerun()


def split_form(entry: CatalogueEntry, found: Sequence[SightingView]) -> None:
    """Move the chosen sightings to a new individual, or take them out."""
    if len(found) < 2:
        st.info("There is only one sighting: nothing can be split off.")
    choice = str(st.session_state.get("split-round", 0))
    st.caption("Mark the crops that show somebody else (click, or arrow keys and Space).")
    chosen = crop_chooser(crop_items(found[:TO_CHOOSE]), key=f"split-{entry.id}", choice=choice)
    if len(found) > TO_CHOOSE:
        st.caption(f"The first {TO_CHOOSE} of {len(found):,} sightings are shown.")
    if not chosen:
        return
    preview = deps.read(split_preview, entry.id, chosen)
    st.markdown(
        f"A new individual would have {in_words(preview.moved)}; "
        f"{plain(entry.name)} would keep {in_words(preview.rest)}."
    )
    warn_of(preview, f"{many(preview.contradicted, 'pair')} said to be the same animal would be torn apart.")
    with st.container(horizontal=True):
        whole = preview.rest.sightings == 0
        if st.button("Split off", type="primary", icon=":material/call_split:", disabled=whole) and decide(
            catalogue.split, entry.id, chosen, message="Split off. Z takes it back."
        ):
            _next_round()
        if st.button("Take them out, to be identified again", icon=":material/logout:") and decide(
            catalogue.take_out, *chosen, individual_id=entry.id, message="Taken out. Z takes it back."
        ):
            _next_round()


def _next_round() -> None:
    st.session_state["split-round"] = st.session_state.get("split-round", 0) + 1
    st.rerun()


def in_words(part: Part) -> str:
    """Some sightings in figures, in words."""
    if not part.sightings:
        return "no sighting"
    span = f", {when(part.first)} to {when(part.last)}" if part.first else ""
    return f"{many(part.sightings, 'sighting')} at {many(part.stations, 'station')}{span}"


def warn_of(preview: Preview, sentence: str) -> None:
    """What a merge or a split would contradict; sentence: what people said otherwise."""
    if preview.contradicted:
        st.warning(sentence, icon=":material/compare_arrows:")
    if preview.conflicts:
        st.warning(
            f"{many(len(preview.conflicts), 'journey', 'journeys')} would be too fast, or at two places at once. "
            "They will be listed under Conflicts.",
            icon=":material/speed:",
        )


def _plain(value: object) -> str:
    text = str(value or "").strip()
    return "" if text == "unknown" else text
