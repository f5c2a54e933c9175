"""What people know of each deployment, in a table: place, days, clock, time zone, camera, bait, notes."""

from __future__ import annotations

from datetime import date
from typing import Any

import streamlit as st

from app import deps
from app.survey.decisions import stations
from app.survey.decisions.kinds import Undo
from app.survey.media.browse import deployments as media_counts
from app.survey.media.stations import DeploymentView, deployment_views
from app.ui.shared.decisions import decide, undo_button
from app.ui.shared.words import many

PLACE, DAYS = ("latitude", "longitude"), ("first_day", "last_day", "broken_from", "broken_to")
TEXTS = ("time_zone", "camera", "bait", "notes")
EDITED = (*PLACE, *DAYS, *TEXTS)


def stations_form(*, expanded: bool = False) -> None:
    """Every deployment with what people said of it. Each changed row is one decision."""
    with deps.survey().read() as session:
        found = deployment_views(session)
        media = {number: count for number, _, count in media_counts(session)}
    if not found:
        return
    undated = sum(deployment.first_day is None for deployment in found)
    title = f"Stations: {many(len(found), 'deployment')}" + (f", {undated:,} without stated days" if undated else "")
    with st.expander(title, expanded=expanded, key="stations"):
        st.caption("Days include the first and the last. Hours to add correct a clock: 1 for one that is an hour slow.")
        edited = st.data_editor(
            _table(found, media),
            key=f"stations-{st.session_state.get('stations-round', 0)}",
            disabled=["station", "deployment", "media"],
            column_config={
                **{name: st.column_config.DateColumn(_label(name), format="YYYY-MM-DD") for name in DAYS},
                **{name: st.column_config.NumberColumn(format="%.5f") for name in PLACE},
                **{name: st.column_config.TextColumn(_label(name)) for name in TEXTS},
                "hours to add": st.column_config.NumberColumn(format="%.2f"),
            },
            hide_index=True,
            placeholder="",
        )
        with st.container(horizontal=True):
            if st.button("Save the stations", type="primary"):
                _save(found, edited)
            undo_button(Undo.STATIONS, key="undo-table", shortcut=None)


def _label(column: str) -> str:
    return column.replace("_", " ")


def _table(found: list[DeploymentView], media: dict[int, int]) -> dict[str, list[object]]:
    table: dict[str, list[object]] = {
        "station": [deployment.station for deployment in found],
        "deployment": [deployment.name for deployment in found],
        "media": [media.get(deployment.id, 0) for deployment in found],
    }
    for name in EDITED:
        table[name] = [getattr(deployment, name) for deployment in found]
    table["hours to add"] = [deployment.clock_offset_seconds / 3600 for deployment in found]
    return table


def _save(found: list[DeploymentView], edited: dict[str, list[object]]) -> None:
    worked = True
    for place, deployment in enumerate(found):
        row = {name: edited[name][place] for name in EDITED}
        changed = {name for name, value in row.items() if _kept(name, value) != getattr(deployment, name)}
        values: dict[str, Any] = {name: row[name] for name in changed}
        hours = edited["hours to add"][place]
        seconds = round(float(str(hours or 0)) * 3600)
        if seconds != deployment.clock_offset_seconds:
            values["clock_offset_seconds"] = seconds
        if values:
            worked = decide(stations.set_deployment, deployment.id, **values) and worked
    if worked:
        st.session_state["stations-round"] = st.session_state.get("stations-round", 0) + 1
        st.rerun()


def _kept(name: str, value: object) -> object:
    if name in DAYS and isinstance(value, str):
        return date.fromisoformat(value[:10])
    return value or None if name in TEXTS else value
