"""The survey's list of species labels: look, add, remove."""

from __future__ import annotations

import streamlit as st

from app import deps
from app.survey.decisions.species import add_label, remove_label
from app.survey.media import species
from app.ui.shared.decisions import decide


def species_form() -> None:
    """What the species field offers besides the labels in use; changes are decisions and can be undone in History."""
    with st.popover("Species list", icon=":material/list:", width="content"):
        with deps.survey().read() as session:
            listed = [choice for choice in species.choices(session) if choice.listed]
        with st.form("species", clear_on_submit=True, border=False):
            name = st.text_input("Label", placeholder="Panthera tigris")
            common = st.text_input("Common name, to find it by", placeholder="tiger")
            if st.form_submit_button("Add to the list") and decide(add_label, name, common):
                st.rerun()
        names = {choice.name: f"{choice.name} · {choice.common}" if choice.common else choice.name for choice in listed}
        gone = st.selectbox(
            f"On the list: {len(listed)}",
            sorted(names),
            index=None,
            format_func=names.__getitem__,
            placeholder="Choose",
        )
        if st.button("Remove from the list", disabled=gone is None) and decide(remove_label, gone):
            st.rerun()
        st.caption("Detections keep a label that is removed from the list.")
