"""Bring a file of notes: choose it, look at how it was read, say which column is which, keep it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from app import deps
from app.actions.notes import keep_file
from app.notes.sources import year_month
from app.ui.shared.words import many, plain
from modal_backend.notes.categories import describe_joined, join_names
from modal_backend.notes.columns import FIELDS, BadNotes, guess_columns
from modal_backend.notes.encoding import ENCODINGS, name_of
from modal_backend.notes.table import SUFFIXES, Choices, Reading, mapped, read_notes

NONE = "—"
PREVIEW_ROWS = 6
LABELS = {
    "text": "Text of the note",
    "category": "Category",
    "date": "Date",
    "station": "Station",
    "individual": "Individual",
}
DELIMITERS = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar"}


def bring_notes(kept: Callable[[int], None]) -> bool:
    """Draw the upload; `kept` is called with the id of a file that was kept. Returns whether a file waits for that."""
    upload = st.file_uploader(
        "Notes as CSV, Excel, JSON lines or plain text", type=[suffix[1:] for suffix in SUFFIXES], key="note_file"
    )
    if upload is None:
        return False
    try:
        reading = _read(upload.file_id, upload.name, _chosen(upload.file_id), upload)
    except BadNotes as bad:
        st.error(plain(str(bad)))
        _choices(upload.file_id, upload.name, None)
        return True
    st.caption(plain(how_read(reading)))
    for doubt in reading.doubts:
        st.warning(plain(doubt))
    _choices(upload.file_id, upload.name, reading)
    columns = _mapping(upload.file_id, list(reading.table.columns))
    _preview(reading.table, columns)
    if st.button("Keep these notes", type="primary", icon=":material/save:", disabled=not columns["text"]):
        try:
            kept(keep_file(deps.survey(), upload.name, reading.table, columns, deps.reviewer()))
        except BadNotes as bad:
            st.error(plain(str(bad)))
    return True


def how_read(reading: Reading) -> str:
    """How a file was read: its encoding, delimiter or sheet, and how its lines add up to notes."""
    parts = [name_of(reading.encoding)] if reading.encoding else []
    if reading.delimiter:
        parts.append(f"cells split by {DELIMITERS.get(reading.delimiter, reading.delimiter)}")
    if reading.sheet:
        parts.append(f"sheet {reading.sheet}")
    parts.append(f"column names in line {reading.header}" if reading.header else "no line of column names")
    lines = [many(reading.lines, "line")]
    lines += [f"{reading.blank:,} blank"] if reading.blank > 0 else []
    lines += [f"{many(reading.spanning, 'note')} over several lines"] if reading.spanning else []
    parts.append(f"{', '.join(lines)}: {many(len(reading.table), 'note')}")
    parts += [f"{many(reading.filled, 'merged cell')} filled"] if reading.filled else []
    return " · ".join(parts)


def _chosen(file_id: str) -> Choices:
    """What was chosen in the controls of _choices, which are drawn after the file is read."""
    state = st.session_state
    return Choices(
        state.get(f"note_encoding_{file_id}"),
        state.get(f"note_sheet_{file_id}"),
        state.get(f"note_header_{file_id}"),
        bool(state.get(f"note_quotes_{file_id}")),
    )


def _choices(file_id: str, name: str, reading: Reading | None) -> None:
    """Encoding, sheet and line of column names, to be changed where they were read wrongly."""
    suffix = Path(name).suffix.lower()
    with st.expander("Read it another way", expanded=reading is None or bool(reading.doubts)):
        left, right = st.columns(2)
        if suffix != ".xlsx":
            left.selectbox(
                "Encoding", ENCODINGS, index=None, format_func=name_of, placeholder="found by the program",
                key=f"note_encoding_{file_id}",
            )  # fmt: skip
        elif reading is not None:
            left.selectbox(
                "Sheet", reading.sheets, index=None, placeholder=reading.sheet or "", key=f"note_sheet_{file_id}"
            )
        if suffix in (".csv", ".tsv", ".xlsx"):
            right.number_input(
                "Line with the column names", 0, None, None, placeholder="found by the program",
                help="0: there is none, and the first line is a note.", key=f"note_header_{file_id}",
            )  # fmt: skip
        if suffix in (".csv", ".tsv"):
            st.checkbox("Lines inside quotes belong to one note", key=f"note_quotes_{file_id}")


@st.cache_data(max_entries=4, ttl=600, show_spinner="Reading the file")
def _read(file_id: str, name: str, choices: Choices, _upload: Any) -> Reading:
    """The uploaded file as a table. Raises BadNotes."""
    del file_id
    with tempfile.TemporaryDirectory(prefix="pugmark-notes-") as folder:
        path = Path(folder) / f"notes{Path(name).suffix.lower()}"
        path.write_bytes(_upload.getbuffer())
        try:
            return read_notes(path, choices)
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
    if not columns["text"]:
        return
    notes = mapped(table, columns)
    empty = int((notes["text"] == "").sum())
    st.caption(f"{many(len(table), 'row')} · {empty:,} without text · the first {min(PREVIEW_ROWS, len(table))}:")
    shown = {LABELS[field]: notes[field].head(PREVIEW_ROWS).str[:300] for field, name in columns.items() if name}
    st.dataframe(shown, hide_index=True)
    if columns["date"]:
        st.caption(plain(_dates(notes["date"].tolist())))
    for field in ("category", "station", "individual"):
        if columns[field] and (joined := describe_joined(join_names(notes[field]))):
            st.caption(plain(f"{LABELS[field]} written in several ways: {'; '.join(joined)}. Joined when you compare."))
        missing = int((notes[field] == "").sum())
        if columns[field] and field != "individual" and missing * 2 > len(notes):
            st.warning(plain(f"{many(missing, 'note')} of {len(notes):,} have no {LABELS[field].lower()}."))


def _dates(dates: list[str]) -> str:
    """How many dates have a month that is understood, and which they span."""
    given = [date for date in dates if date]
    months = sorted(month for _, month in map(year_month, given) if month)
    span = f", {months[0]} to {months[-1]}" if months else ""
    return f"Dates understood: {len(months):,} of {len(given):,}{span}"
