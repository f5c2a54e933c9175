"""History: everything people decided, newest first, each with undo."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from app import deps
from app.actions.review import boxes_in, describe_changed
from app.survey.decisions import history
from app.survey.decisions.changes import DecisionConflict, undo_last
from app.survey.decisions.history import HistoryEntry, HistoryFilter
from app.survey.tables.decisions import Decision
from app.ui.detections.filters import number_of
from app.ui.history.words import SAID, about, leads_to, what
from app.ui.shared.header import page_header
from app.ui.shared.navigation import detections_page, individuals_page
from app.ui.shared.words import many, moment

A_PAGE = 30
KEYS = {"Z": "undo my last decision", "Y": "redo"}


def decide(action: Callable[..., Any], *args: Any) -> None:
    """Undo or redo in one transaction; a problem is told and nothing is changed."""
    try:
        with deps.survey().write() as session:
            done = action(session, *args)
    except DecisionConflict as conflict:
        st.toast(str(conflict), icon=":material/error:", duration="long")
        return
    decisions: Sequence[Decision] = done if isinstance(done, list) else [done] if done else []
    if not decisions:
        st.toast("There is nothing left of yours.")
        return
    boxes = {box for decision in decisions for box in boxes_in(decision)}
    for problem in describe_changed(deps.survey(), deps.jobs(), boxes):
        st.toast(problem, icon=":material/error:")
    st.toast(f"Done: {many(len(decisions), 'decision')}.", icon=":material/check:")


def row(entry: HistoryEntry, redone: bool) -> None:
    """One decision: when, who, what, about what, and what can be done. redone: it was made again already."""
    mine, me = entry.who == deps.reviewer(), deps.reviewer()
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"decision-{entry.id}"):
        undone = f" · undone by {entry.undone_by}, {moment(entry.undone_at)}" if entry.undone_at else ""
        said = what(entry)
        st.markdown(
            f"{moment(entry.decided_at)} · {_plain(entry.who)} · "
            + (f"~~{_plain(said)}~~" if entry.undone_at else f"**{_plain(said)}**")
            + _plain(undone),
            width="stretch",
        )
        target, words = leads_to(entry), about(entry)
        if target:
            page = detections_page() if target[0] == "detections" else individuals_page()
            st.page_link(page, label=_plain(words) or "Open", query_params=target[1])
        if redone:
            return
        if entry.undone_at:
            st.button("Redo", key=f"redo-{entry.id}", on_click=decide, args=(history.redo_one, entry.id, me))
            return
        st.button("Undo", key=f"undo-{entry.id}", on_click=decide, args=(history.undo_one, entry.id, me))
        if mine:
            st.button(
                "Undo back to here",
                key=f"back-{entry.id}",
                type="tertiary",
                on_click=decide,
                args=(history.undo_back_to, entry.id, me),
                help="Undoes this decision and everything you decided after it, newest first.",
            )


def _plain(text: str) -> str:
    """Text that Markdown leaves as it is."""
    return "".join(f"\\{one}" if one in "\\`*_{}[]()#+-.!~$:<>|" else one for one in text)


def chosen(people: list[str], kinds: list[str]) -> HistoryFilter:
    """The filter in the address, changed by the fields."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        who = st.selectbox("Who", people, index=None, placeholder="Everybody", key="who", bind="query-params")
        kind = st.selectbox(
            "What",
            kinds,
            index=None,
            format_func=lambda one: SAID.get(one, one),
            placeholder="Everything",
            key="kind",
            bind="query-params",
        )
        st.button(
            "Undo", icon=":material/undo:", shortcut="Z", on_click=decide, args=(undo_last, deps.reviewer(), kinds)
        )
        again = (history.redo_last, deps.reviewer(), kinds, uuid.uuid4().hex)
        st.button("Redo", icon=":material/redo:", shortcut="Y", on_click=decide, args=again)
    return HistoryFilter(who=who, kind=kind, media_id=number_of("media"), individual_id=number_of("individual"))


with deps.survey().read() as session:
    people, kinds = history.people(session), history.kinds(session)
    total = history.count(session, HistoryFilter())
page_header("What was decided", many(total, "decision"), KEYS)
if not total:
    st.info("Nothing is decided yet. Every decision will be here with who made it, when, and a way back.")
    st.page_link(detections_page(), label="See what was found", icon=":material/grid_view:")
else:
    wanted = chosen(people, kinds)
    with deps.survey().read() as session:
        found = history.count(session, wanted)
        pages = max(-(-found // A_PAGE), 1)
        number = min(max(number_of("page") or 1, 1), pages)
        shown = history.entries(session, wanted, limit=A_PAGE, offset=(number - 1) * A_PAGE)
    with st.container(gap="xsmall"):
        redone = {entry.view.get("redoes") for entry in shown}
        for entry in shown:
            row(entry, entry.id in redone)
    if not shown:
        st.info("No decision of this kind.")
    if pages > 1:
        st.pagination(pages, default=number, key="page", bind="query-params")
