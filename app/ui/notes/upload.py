"""Bring a file of notes: choose it, say which column is which, look at the first rows, keep it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from app import deps
from app.actions.notes import keep_file
from app.ui.shared.words import many
from modal_backend.notes.table import FIELDS, SUFFIXES, BadNotes, guess_columns, read_table

NONE = "—"
PREVIEW_ROWS = 6
LABELS = {
    "text": "Text of the note",
    "category": "Category",
    "date": "Date",
    "station": "Station",
    "individual": "Individual",
}


def bring_notes(kept: Callable[[int], None]) -> bool:
    """Draw the upload; `kept` is called with the id of a file that was kept. Returns whether a file waits for that."""
    upload = st.file_uploader(
        "Notes as CSV, Excel, JSON lines or plain text", type=[one[1:] for one in SUFFIXES], key="note_file"
    )
    if upload is None:
        return False
    try:
        table = _table(upload.file_id, upload.name, upload)
    except BadNotes as bad:
        st.error(str(bad))
        return True
    columns = _mapping(upload.file_id, list(table.columns))
    _preview(table, columns)
    if st.button("Keep these notes", type="primary", icon=":material/save:", disabled=not columns["text"]):
        try:
            kept(keep_file(deps.survey(), upload.name, table, columns, deps.reviewer()))
        except BadNotes as bad:
            st.error(str(bad))
    return True


@st.cache_data(max_entries=4, ttl=600, show_spinner=False)
def _table(file_id: str, name: str, _upload: Any) -> pd.DataFrame:
    """The uploaded file as a table. Raises BadNotes."""
    del file_id
    with tempfile.TemporaryDirectory(prefix="pugmark-notes-") as folder:
        path = Path(folder) / f"notes{Path(name).suffix.lower()}"
        path.write_bytes(_upload.getbuffer())
        try:
            return read_table(path)
        except BadNotes as bad:
            raise BadNotes(str(bad).replace(path.name, name)) from bad


def _mapping(file_id: str, names: list[str]) -> dict[str, str | None]:
    guessed = guess_columns(names)
    chosen: dict[str, str | None] = {}
    for place, field in zip(st.columns(len(FIELDS)), FIELDS, strict=True):
        options = names if field == "text" else [NONE, *names]
        usual = guessed[field]
        picked = place.selectbox(
            LABELS[field],
            options,
            index=options.index(usual) if usual in options else 0,
            key=f"note_column_{field}_{file_id}",
        )
        chosen[field] = None if picked == NONE else picked
    return chosen


def _preview(table: pd.DataFrame, columns: dict[str, str | None]) -> None:
    text = table[columns["text"]] if columns["text"] else pd.Series(dtype=str)
    empty = int((text.str.strip() == "").sum())
    st.caption(f"{many(len(table), 'row')} · {empty:,} without text · the first {min(PREVIEW_ROWS, len(table))}:")
    shown = {LABELS[field]: table[name].head(PREVIEW_ROWS).str[:300] for field, name in columns.items() if name}
    st.dataframe(shown, hide_index=True)
