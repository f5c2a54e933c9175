"""Take over who and what people saw: what each line would do, one button, taken back in History."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import streamlit as st

from app import deps
from app.exchange.incoming import identities
from app.exchange.incoming.entries import BrokenResults, UnknownResults
from app.exchange.incoming.identities import Line
from app.survey.decisions import identities_file
from app.ui.shared.decisions import decide
from app.ui.shared.words import many, plain

MOST_SHOWN = 1000


def identities_card() -> None:
    """Ask for a table of files and individuals, show what it says, and take it as one decision."""
    with st.expander("Take over who and what people saw on images", key="identities-file"):
        st.caption(
            "A table (CSV or Excel) with a line for each image that is here: file, individual, species, flank, as far "
            "as you have them; also Timelapse, Wildlife Insights, COCO Camera Traps and zips of Camtrap DP. "
            "Identify compares with these crops from then on. What somebody has decided stays as it is."
        )
        file = st.file_uploader(
            "Table", type=["csv", "tsv", "txt", "xlsx", "json", "zip"], key="identities-upload", max_upload_size=50
        )
        if file is None:
            return
        try:
            lines = _lines(file.name, file.getvalue())
        except (UnknownResults, BrokenResults) as problem:
            st.error(plain(str(problem)))
            return
        with deps.survey().read() as session:
            found = identities.match(session, lines)
            planned = identities_file.plan(session, found.lines)
        good = [one for one in planned if one.problem is None]
        left_out = found.left_out + [(one.line.path, one.problem) for one in planned if one.problem is not None]
        new = len({one.line.individual for one in good if one.individual_id is None} - {""})
        st.markdown(f"{len(good):,} of {many(len(lines), 'line')} can be taken: {many(new, 'new individual')}.")
        if left_out:
            reasons = Counter(why for _, why in left_out).most_common()
            st.caption("Left out: " + plain(" ".join(f"{count:,}: {why}" for why, count in reasons[:5])))
            shown = left_out[:MOST_SHOWN]
            st.dataframe({"file": [path for path, _ in shown], "reason": [why for _, why in shown]}, hide_index=True)
        message = f"{many(len(good), 'line')} of {file.name} taken. History takes them back."
        if st.button(f"Name {many(len(good), 'image')}", type="primary", disabled=not good) and decide(
            identities_file.take, found.lines, file.name, message=message
        ):
            st.rerun()


@st.cache_data(max_entries=2, show_spinner=False)
def _lines(name: str, content: bytes) -> list[Line]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"identities{Path(name).suffix.lower()}"
        path.write_bytes(content)
        return identities.read(path)
