"""What the folders of an import say about stations and cameras, before they are taken."""

from __future__ import annotations

import streamlit as st

from app.ingest.preview import Preview
from app.ui.shared.words import many, plain
from app.ui.upload.given import reasons_table

MOST_LINES = 200


def show_preview(found: Preview) -> None:
    """Stations and cameras as the folders name them, and files that would not be taken."""
    stations = len({place.station for place in found.places})
    st.markdown(f"**{many(stations, 'station')}, {many(len(found.places), 'deployment')}** by their folders:")
    shown = found.places[:MOST_LINES]
    st.dataframe(
        {
            "station": [place.station for place in shown],
            "camera": [place.camera or "the only one" for place in shown],
            "files": [place.files for place in shown],
            "folder": [place.folder for place in shown],
        },
        hide_index=True,
    )
    if len(found.places) > MOST_LINES:
        st.caption(f"{len(found.places) - MOST_LINES:,} more are not shown.")
    st.caption(
        "Folders that cameras make below DCIM are left out. A last folder like CamA, camera 2 or left is one of up to "
        "three cameras of the station above it. All of it can be changed later under Stations."
    )
    if found.nameless:
        nameless = many(found.nameless, "file")
        st.warning(f"{nameless} without a place in their folders: choose a deployment, or sort them later.")
    if found.refused:
        with st.expander(f"{len(found.refused):,} would not be taken: which and why"):
            reasons_table(found.refused[:MOST_LINES])
    if found.cut:
        st.caption(plain("There are more files; the first 200,000 were looked at."))
