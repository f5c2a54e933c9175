"""Identify: one query crop, the candidates it looks like, and the decision who it is."""

from __future__ import annotations

import time

import streamlit as st

from app import deps
from app.identity_actions import apply_identity
from app.survey.rankings import Scope
from app.ui import counted
from app.ui.header import page_header
from app.ui.match.match import identify_state, match_view
from app.ui.match_items import Ranked, in_order, known_sentence, ranked_query
from app.ui.navigation import detections_page, upload_page
from app.ui.words import many
from app.workers import any_alive
from modal_backend.errors import QueueFull
from modal_backend.registry import LOCAL

AT_ONCE = 500
WAIT_SECONDS = 0.25
LOOK_EVERY_SECONDS = 0.04
KEYS = {
    "Enter": "same individual",
    "X": "different individuals",
    "U": "unsure",
    "N": "new individual",
    "← →": "choose a candidate",
    "J / K": "next / previous crop",
    "1 2 3 4": "left, right, other, unknown flank",
    "Z": "undo",
}


def chosen_scope() -> Scope:
    """Which crops may be candidates; always visible, kept in the address."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Candidates**", width="content")
        station = st.toggle("this station only", key="station", bind="query-params")
        flank = st.toggle("not the other flank", value=True, key="flank", bind="query-params")
        events = st.toggle("other events (named crops stay)", value=True, key="events", bind="query-params")
        named = st.toggle("named only", key="named", bind="query-params")
    return Scope(station=station, flank=flank, other_events=events, catalogued=named)


def read(detection_id: int, scope: Scope) -> Ranked | None:
    """A query with its last ranking."""
    with deps.survey().read() as session:
        return ranked_query(session, detection_id, LOCAL, scope)


def fresh(detection_ids: list[int], scope: Scope) -> list[Ranked]:
    """The queries with rankings that know every decision; asks the worker and waits a moment for the first."""
    found = [one for one in (read(number, scope) for number in detection_ids) if one is not None]
    stale = [int(one.query["id"]) for one in found if not one.fresh]
    if not stale:
        return found
    if st.session_state.get("rank_asked") != (stale, scope.key(), found[0].stamp):
        st.session_state["rank_asked"] = (stale, scope.key(), found[0].stamp)
        try:
            deps.jobs().rank(stale, scope)
        except QueueFull as full:
            st.warning(f"{full} {full.remedy}")
    until = time.monotonic() + (WAIT_SECONDS if any_alive(deps.survey()) else 0.0)
    first = found[0]
    while not first.fresh and time.monotonic() < until:
        time.sleep(LOOK_EVERY_SECONDS)
        first = read(int(first.query["id"]), scope) or first
    return [first, *found[1:]]


@st.fragment(run_every="0.25s")
def wait_for_ranking(detection_id: int, scope: Scope) -> None:
    """Until the worker has ranked the query; says so when there is no worker."""
    ranked = read(detection_id, scope)
    if ranked is not None and ranked.fresh:
        st.rerun()
    if any_alive(deps.survey()):
        st.caption("Ranking the candidates …")
    else:
        st.warning(
            "No worker is running, so nothing can be ranked. Restart the dashboard, or run: python -m app worker"
        )


def scope_text(ranked: Ranked) -> str:
    """How many candidates the scope leaves."""
    if ranked.ranking is None:
        return "ranking …"
    return f"{ranked.ranking.in_scope:,} of {many(ranked.ranking.gallery_size, 'crop')} in scope"


def decide_and_draw(order: list[int], waiting: int) -> None:
    """Apply what the browser decided, then draw the query it wants next."""
    state, asked = identify_state("match"), st.query_params.get("q", "")
    figures = st.session_state.get("identify_figures", {})
    applied = apply_identity(
        deps.survey(), deps.reviewer(), state.actions, st.session_state.get("identify_ack", 0), figures
    )
    if applied.ack != st.session_state.get("identify_ack", 0):
        st.session_state["identify_ack"] = applied.ack
    for problem in applied.problems:
        st.toast(problem, icon=":material/error:")
    first = state.query if state.query is not None else int(asked) if asked.isdigit() else None
    chosen = in_order(order, first, state.step) if state.query is not None or first is None else first
    page_header("Who is this?", f"{many(waiting, 'crop')} to decide", KEYS)
    scope = chosen_scope()
    if chosen is None:
        st.success("Every crop has a decision.")
        return
    place = order.index(chosen) if chosen in order else -1
    queries = fresh([chosen, *order[place + 1 : place + 3]], scope)
    if not queries:
        st.info("This crop does not exist any more.")
        return
    st.query_params["q"] = str(chosen)
    st.session_state["identify_figures"] = {**figures, **{k: v for one in queries for k, v in one.figures.items()}}
    current = queries[0]
    if not current.fresh:
        wait_for_ranking(chosen, scope)
    st.caption(known_sentence(current.ranking))
    match_view(
        current.query,
        current.candidates if current.fresh else [],
        key="match",
        ack=applied.ack,
        scope_text=scope_text(current),
        upcoming=[(one.query, one.candidates) for one in queries[1:] if one.fresh],
    )


order = st.session_state.get("identify_order", [])
now_waiting, waiting = counted.crops_waiting(counted.survey_state(), AT_ONCE)
# The order stays as it was when the page was opened, so that "previous" leads back to what was just decided.
known = set(order)
order = [*order, *(number for number in now_waiting if number not in known)]
st.session_state["identify_order"] = order
if order:
    decide_and_draw(order, waiting)
else:
    page_header("Who is this?", "Every animal that was found can be compared here.", KEYS)
    st.info("There are no crops yet. A crop is cut from every animal that is found or drawn.")
    st.page_link(upload_page(), label="Bring in pictures", icon=":material/upload:")
    st.page_link(detections_page(), label="See what was found", icon=":material/grid_view:")
