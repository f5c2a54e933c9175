"""Bring a file of notes: choose it, look at how it was read, say which column is which, keep it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from app import deps
from app.actions.notes import keep_file
from app.background import read_notes_apart
from app.ui.shared.words import many, plain
from app.ui.upload.given import on_disk
from modal_backend.notes.categories import describe_joined, join_names
from modal_backend.notes.columns import FIELDS, BadNotes, guess_columns
from modal_backend.notes.dates import days_of, month_comes_first
from modal_backend.notes.encoding import ENCODINGS, name_of
from modal_backend.notes.table import SUFFIXES, Choices, Reading, mapped

NONE = "—"
FILE = "name of the file"
ORDERS = {False: "the day", True: "the month"}
PREVIEW_ROWS = 6
LABELS = {
    "text": "Text of the note",
    "category": "Category",
    "date": "Date",
    "station": "Station",
    "individual": "Individual",
}
DELIMITER_NAMES = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar"}


@dataclass(frozen=True)
class Brought:
    """A file that was uploaded and could be read; its column FILE holds its name where there are several."""

    id: str
    name: str
    reading: Reading
    table: pd.DataFrame


def bring_notes(kept: Callable[[list[int]], None]) -> bool:
    """Draw the upload; `kept` is called with the ids of the files that were kept. Returns whether files wait."""
    uploads = st.file_uploader(
        "Notes as CSV, Excel, JSON lines or plain text; several files of a kind at once",
        type=[suffix[1:] for suffix in SUFFIXES],
        key="note_file",
        accept_multiple_files=True,
    )
    if not uploads:
        return False
    settings = st.container()
    places = st.tabs([upload.name for upload in uploads]) if len(uploads) > 1 else [st.container()]
    files = []
    for upload, place in zip(uploads, places, strict=True):
        with place:
            reading = _file(upload)
        if reading is not None:
            table = reading.table.assign(**{FILE: Path(upload.name).stem}) if len(uploads) > 1 else reading.table
            files.append(Brought(upload.file_id, upload.name, reading, table))
    if not files:
        return True
    with settings:
        columns = _mapping(files[0].id, list(files[0].table.columns))
    fitting = [file for file in files if {name for name in columns.values() if name} <= set(file.table.columns)]
    notes = {file.id: mapped(file.table, columns) for file in fitting} if columns["text"] else {}
    for upload, place in zip(uploads, places, strict=True):
        with place:
            if upload.file_id in notes:
                _preview(notes[upload.file_id], columns)
            elif upload.file_id in {file.id for file in files} and columns["text"]:
                st.error("It lacks a column that was chosen above, so it is not kept. Bring it alone.")
    settled, month_first = _dates(files[0].id, notes, columns)
    count = f"Keep these notes: {len(notes):,} of {many(len(uploads), 'file')}, {sum(map(len, notes.values())):,} notes"
    label = count if len(uploads) > 1 else "Keep these notes"
    if st.button(label, type="primary", icon=":material/save:", disabled=not notes or not settled):
        try:
            survey, who = deps.survey(), deps.reviewer()
            kept([keep_file(survey, file.name, file.table, columns, who, month_first) for file in fitting])
        except BadNotes as bad:
            st.error(plain(str(bad)))
    return True


def _file(upload: Any) -> Reading | None:
    """Show how a file was read, with the ways to read it otherwise; None where it cannot be read."""
    try:
        reading = _read(upload.file_id, upload.name, _chosen(upload.file_id), upload)
    except BadNotes as bad:
        st.error(plain(str(bad)))
        _choices(upload.file_id, upload.name, None)
        return None
    st.caption(plain(how_read(reading)))
    for doubt in reading.doubts:
        st.warning(plain(doubt))
    _choices(upload.file_id, upload.name, reading)
    return reading


def how_read(reading: Reading) -> str:
    """How a file was read: its encoding, delimiter or sheet, and how its lines add up to notes."""
    parts = [name_of(reading.encoding)] if reading.encoding else []
    if reading.delimiter:
        parts.append(f"cells split by {DELIMITER_NAMES.get(reading.delimiter, reading.delimiter)}")
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
        state.get(f"note_delimiter_{file_id}"),
    )


def _choices(file_id: str, name: str, reading: Reading | None) -> None:
    """Encoding, delimiter, sheet and line of column names, to be changed where they were read wrongly."""
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
            left.selectbox(
                "Cells are split by", list(DELIMITER_NAMES), index=None, format_func=DELIMITER_NAMES.__getitem__,
                placeholder="found by the program", key=f"note_delimiter_{file_id}",
            )  # fmt: skip
            st.checkbox("Lines inside quotes belong to one note", key=f"note_quotes_{file_id}")


@st.cache_data(max_entries=40, ttl=600, show_spinner="Reading the file")
def _read(file_id: str, name: str, choices: Choices, _upload: Any) -> Reading:
    """The uploaded file as a table. Raises BadNotes."""
    del file_id
    with on_disk(name, _upload.getbuffer()) as path:
        try:
            return read_notes_apart(path, choices)
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


def _preview(notes: pd.DataFrame, columns: dict[str, str | None]) -> None:
    empty = int((notes["text"] == "").sum())
    st.caption(f"{many(len(notes), 'row')} · {empty:,} without text · the first {min(PREVIEW_ROWS, len(notes))}:")
    shown = {LABELS[field]: notes[field].head(PREVIEW_ROWS).str[:300] for field, name in columns.items() if name}
    st.dataframe(shown, hide_index=True)
    for field in ("category", "station", "individual"):
        if columns[field] and (joined := describe_joined(join_names(notes[field]))):
            st.caption(plain(f"{LABELS[field]} written in several ways: {'; '.join(joined)}. Joined when you compare."))
        missing = int((notes[field] == "").sum())
        if columns[field] and field != "individual" and missing * 2 > len(notes):
            st.warning(plain(f"{many(missing, 'note')} of {len(notes):,} have no {LABELS[field].lower()}."))


def _dates(key: str, notes: Mapping[str, pd.DataFrame], columns: Mapping[str, str | None]) -> tuple[bool, bool | None]:
    """Show which days are understood in all files, and ask for the order of day and month where no date tells.

    Returns:
        Whether the dates are settled; whether the month comes first, None where each file tells.
    """
    if not columns["date"]:
        return True, None
    dates = [date for table in notes.values() for date in table["date"]]
    known, doubtful = days_of(dates)
    month_first = month_comes_first(dates) if len(notes) > 1 else None
    if doubtful:
        month_first = st.radio(
            f"{plain(doubtful)}: which comes first?", list(ORDERS), index=None, format_func=lambda order: ORDERS[order],
            key=f"note_dates_{key}", horizontal=True,
        )  # fmt: skip
        known = days_of(dates, month_first)[0]
    days = sorted(filter(None, known))
    span = f", {days[0]} to {days[-1]}" if days else ""
    st.caption(f"Dates understood: {len(days):,} of {len([date for date in dates if date]):,}{span}")
    return not doubtful or month_first is not None, month_first
