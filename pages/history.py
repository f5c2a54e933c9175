"""History: everything people decided, newest first, each with undo."""

from __future__ import annotations

import uuid
from typing import Any

import streamlit as st

from app import deps
from app.actions import decide as actions
from app.survey.decisions import history
from app.survey.decisions.history import HistoryEntry, HistoryFilter
from app.survey.decisions.kinds import words
from app.ui.history.audit_log import audit_log
from app.ui.history.details import details, thumbnail, undo_back
from app.ui.history.words import about, leads_to, what
from app.ui.shared.address import History
from app.ui.shared.decisions import callback, show, undo, undo_button
from app.ui.shared.header import page_header
from app.ui.shared.navigation import detections_page, individuals_page
from app.ui.shared.paging import page_of
from app.ui.shared.words import many, moment, plain

A_PAGE = 30
OPENED = "history-opened"
KEYS = {"Z": "undo my last decision", "Y": "redo"}


def redo(**which: Any) -> None:
    """Make a decision again: the one that was undone last, or decision_id."""
    outcome = actions.redo(deps.survey(), deps.jobs(), deps.reviewer(), **which)
    if not outcome.decisions and not outcome.refused:
        st.toast("There is nothing left of yours.")
    else:
        show(outcome, "Made again.")


def row(entry: HistoryEntry, redone: bool) -> None:
    """One decision: when, who, what, about what, and what can be done. redone: it was made again already."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"decision-{entry.id}"):
        undone = f" · undone by {entry.undone_by}, {moment(entry.undone_at)}" if entry.undone_at else ""
        sentence = what(entry)
        thumbnail(entry)
        st.markdown(
            f"{moment(entry.decided_at)} · {plain(entry.who)} · "
            + (f"~~{plain(sentence)}~~" if entry.undone_at else f"**{plain(sentence)}**")
            + plain(undone),
            width="stretch",
        )
        if st.button("Details", key=f"details-{entry.id}", type="tertiary"):
            opened = st.session_state.get(OPENED)
            st.session_state[OPENED] = None if opened == entry.id else entry.id
        target, label = leads_to(entry), about(entry)
        if target:
            page = detections_page() if target[0] == "detections" else individuals_page()
            st.page_link(page, label=plain(label) or "Open", query_params=target[1])
        ways_back(entry, redone)
    if st.session_state.get(OPENED) == entry.id:
        details(entry)


def ways_back(entry: HistoryEntry, redone: bool) -> None:
    """Undo or redo one decision, or undo everything back to it."""
    if redone:
        return
    if entry.undone_at:
        st.button("Redo", key=f"redo-{entry.id}", on_click=redo, kwargs={"decision_id": entry.id})
        return
    st.button("Undo", key=f"undo-{entry.id}", on_click=callback(undo, decision_id=entry.id))
    if entry.who == deps.reviewer() and st.button(
        "Undo back to here",
        key=f"back-{entry.id}",
        type="tertiary",
        help="Undoes this decision and everything you decided after it, newest first; asks before it does.",
    ):
        undo_back(entry)


def chosen(people: list[str], kinds: list[str]) -> HistoryFilter:
    """The filter in the address, changed by the fields."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        who = st.selectbox("Who", people, index=None, placeholder="Everybody", **History.WHO.bound())
        kind = st.selectbox(
            "What",
            kinds,
            index=None,
            format_func=words,
            placeholder="Everything",
            **History.KIND.bound(),
        )
        undo_button()
        st.button("Redo", icon=":material/redo:", shortcut="Y", on_click=redo, kwargs={"key": uuid.uuid4().hex})
    return HistoryFilter(who=who, kind=kind, media_id=History.MEDIA.read(), individual_id=History.INDIVIDUAL.read())


with deps.survey().read() as session:
    people, kinds = history.people(session), history.kinds(session)
    total = history.count(session, HistoryFilter())
page_header(
    "History", "Every decision with who made it, newest first. Each can be undone.", many(total, "decision"), KEYS
)
if not total:
    st.info("Nothing is decided yet. Every decision will be here with who made it, when, and a way back.")
    st.page_link(detections_page(), label="See what was found", icon=":material/grid_view:")
else:
    wanted = chosen(people, kinds)
    found = deps.read(history.count, wanted)
    rows, start = st.container(gap="xsmall"), page_of(found, A_PAGE, **History.PAGE.bound()).start
    shown = deps.read(history.entries, wanted, limit=A_PAGE, offset=start)
    with rows:
        redone = {entry.view.get("redoes") for entry in shown}
        for entry in shown:
            row(entry, entry.id in redone)
    if not shown:
        st.info("No decision of this kind.")
audit_log()
