"""Take over who and what people saw: what each line would do, one button, taken back in History."""

from __future__ import annotations

import streamlit as st

from app import deps
from app.exchange.incoming import identities, taking_over
from app.exchange.incoming.entries import BrokenResults, UnknownResults
from app.exchange.incoming.lines import Contents
from app.ui.shared.decisions import decide
from app.ui.shared.words import plain
from app.ui.upload.given import on_disk, reasons_table

MOST_SHOWN = 1000


def identities_card() -> None:
    """Ask for a table of files and individuals, show what it says, and take it as one decision."""
    with st.expander("Take over who and what people saw on images", key="identities-file"):
        st.caption(
            "A table (CSV or Excel) with a line for each image that is here: file, individual, species, flank, as far "
            "as you have them; Timelapse; Wildlife Insights (images.csv, deployments.csv); COCO Camera Traps and zips "
            "of Camtrap DP with their boxes and deployments. Identify compares with these crops from then on. What "
            "somebody has decided stays as it is."
        )
        file = st.file_uploader(
            "Table", type=["csv", "tsv", "txt", "xlsx", "json", "zip"], key="identities-upload", max_upload_size=200
        )
        if file is None:
            return
        try:
            contents = _read(file.name, file.getvalue())
        except (UnknownResults, BrokenResults) as problem:
            st.error(plain(str(problem)))
            return
        found = deps.read(taking_over.plan, contents)
        st.markdown(plain(f"Can be taken: {found.words}."))
        if found.left_out:
            st.caption(
                "Left out: " + plain(" ".join(f"{count:,}: {why}" for why, count in found.reasons.most_common(5)))
            )
            reasons_table(found.left_out[:MOST_SHOWN])
        taken_over = "is being taken over; the progress stands above" if found.found.is_much else "taken over"
        message = f"{file.name} {taken_over}. History takes it back."
        if not st.button("Take it over", type="primary", disabled=not found.does_something):
            return
        with taking_over.prepared(deps.survey(), contents, found.found) as ready:
            taken = decide(taking_over.take, ready, file.name, message=message)
        if taken:
            st.rerun()


@st.cache_resource(max_entries=2, show_spinner=False)
def _read(name: str, content: bytes) -> Contents:
    with on_disk(name, content) as path:
        return identities.read(path)
