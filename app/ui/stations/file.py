"""A table of stations from a file: which column is what, which station is meant, and what would change."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app import deps
from app.survey.decisions import stations_file
from app.survey.decisions.stations_file import Planned
from app.survey.media.station_tables import NAMES, BadStations, StationRow, guess, read_table, rows
from app.ui.shared.decisions import decide
from app.ui.shared.words import many, plain
from app.ui.upload.given import on_disk

NO_COLUMN, NEW_STATION = "not in the file", "a new station"
TITLES = {"zone": "UTM zone", "first_day": "start", "last_day": "end"}


def stations_from_file() -> None:
    """Ask for a file, show what it says, and take it as one decision."""
    with st.expander("Take stations from a table (CSV or Excel)", key="stations-file"):
        st.caption(
            "One line a camera: station, camera, latitude and longitude (or easting, northing, UTM zone), start, end, "
            "time zone, bait, notes. What the table does not say stays as it is."
        )
        file = st.file_uploader("Table", type=["csv", "tsv", "xlsx"], key="stations-upload", max_upload_size=20)
        if file is None:
            return
        try:
            table = _table(file.name, file.getvalue())
            found = rows(table, _columns(list(map(str, table.columns)), file.file_id))
        except BadStations as problem:
            st.error(plain(str(problem)))
            return
        meant = _meant(found, file.file_id)
        planned = deps.read(stations_file.plan, found, meant)
        _preview(planned)
        good = sum(row.problem is None for row in planned)
        message = f"{many(good, 'line')} of {file.name} taken."
        if st.button(f"Take {many(good, 'line')}", type="primary", disabled=not good) and decide(
            stations_file.take, planned, file.name, message=message
        ):
            st.rerun()


@st.cache_data(max_entries=4, show_spinner=False)
def _table(name: str, content: bytes) -> pd.DataFrame:
    with on_disk(name, content) as path:
        return read_table(path)


def _columns(columns: Sequence[str], key: str) -> dict[str, str]:
    """Which column holds which field, as guessed and as the person says."""
    sure, maybe = guess(columns)
    for name, column in maybe.items():
        st.markdown(f":material/help: Did you mean **{TITLES.get(name, name.replace('_', ' '))}** by {plain(column)}?")
    guessed = {**maybe, **sure}
    chosen = {}
    with st.popover("Columns", icon=":material/view_column:"):
        for name in NAMES:
            title = TITLES.get(name, name.replace("_", " "))
            choices = [NO_COLUMN, *columns]
            at = choices.index(guessed[name]) if name in guessed else 0
            column = st.selectbox(title, choices, index=at, key=f"column-{key}-{name}")
            if column != NO_COLUMN:
                chosen[name] = column
    return chosen


def _meant(found: Sequence[StationRow], key: str) -> dict[str, str]:
    """For stations that are not in the survey: those that the person means."""
    unknown = deps.read(stations_file.unknown_stations, found)
    meant = {}
    for name, alike in unknown.items():
        if alike:
            choice = st.selectbox(
                f"There is no station {plain(name)}. Did you mean", [*alike, NEW_STATION], key=f"meant-{key}-{name}"
            )
            if choice != NEW_STATION:
                meant[name] = choice
    return meant


def _preview(planned: Sequence[Planned]) -> None:
    for row in planned:
        if row.problem is not None:
            st.error(plain(f"Line {row.line} ({row.station or 'no station'}) is left out: {row.problem}"))
        elif row.doubt is not None:
            st.warning(plain(f"Line {row.line} ({row.station}): {row.doubt}"))
    good = [row for row in planned if row.problem is None]
    st.dataframe(
        {
            "line": [row.line for row in good],
            "station": [row.station for row in good],
            "deployment": [row.name for row in good],
            "": ["new" if row.deployment_id is None else "changes" if row.changes else "as it is" for row in good],
            "values": [", ".join(f"{TITLES.get(k, k)} {v}" for k, v in row.changes.items()) for row in good],
        },
        hide_index=True,
    )
