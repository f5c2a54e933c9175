"""Identify: one query crop, the candidates it looks like, the evidence, and the decision who it is."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from app import deps
from app.actions.identify import apply_identity, conflict_item
from app.jobs.presence import any_alive
from app.matching.shortlist import APPROXIMATE_FROM
from app.matching.trust import CalibrationState
from app.survey.individuals import rankings
from app.ui.identify import requests
from app.ui.identify.candidates import Ranked, in_order, known_sentence, ranked_queries
from app.ui.identify.choices import Choices, choices, in_chosen_order
from app.ui.identify.details import Shown, conflict_items, detailed
from app.ui.identify.match.match import IdentifyState, identify_state, match_view
from app.ui.identify.subjects import chosen_subject, subject_bar
from app.ui.identify.trust import pairs_left, probabilities
from app.ui.shared import counts
from app.ui.shared.address import Identify
from app.ui.shared.decisions import show_notes
from app.ui.shared.empty import empty_page
from app.ui.shared.header import page_header
from app.ui.shared.navigation import detections_page, individuals_page, upload_page
from app.ui.shared.troubles import drawn_again, drawn_by_itself
from app.ui.shared.words import many

ABOUT = "Who is this? Compare an animal with those that look like it, and decide."
AT_ONCE = 500
KEPT_CONFLICTS = 5
# Queries that the browser has beside the one on the screen: as many keys as a person presses while the script runs.
READY = 4


@drawn_again("0.15s")
def wait_for_order(drawn: Ranked, chosen: Choices, asked: bool, alive: bool) -> None:
    """Until the query has an order that knows every decision, then until the matcher has ranked it anew.

    Says so when there is no worker. asked, alive: whether the worker could be asked, and was at work, when the page was
    drawn.
    """
    if drawn_by_itself():
        with deps.survey().read() as session:
            ranking = rankings.ranking(session, int(drawn.query["id"]), chosen.model, chosen.scope)
            now = rankings.state(ranking, rankings.stamp(session))
        if now != (drawn.fresh, drawn.settled) or (not asked and jobs.ready()):
            st.rerun()
        alive = any_alive(deps.survey())
    if not alive:
        st.warning(
            "No worker is running, so nothing can be ranked. Restart the dashboard, or run: python -m app worker"
        )
    elif not drawn.fresh:
        st.caption("Ranking the candidates …")


@drawn_again("0.4s")
def wait_for_evidence(query_id: int, drawn: dict[int, int], alive: bool) -> None:
    """Until more evidence of the first of these crops has come, or all of the others'.

    drawn: their stages; alive: whether a worker was at work when the page was drawn.
    """
    if drawn_by_itself():
        now = requests.stages(query_id, list(drawn))
        first = next(iter(drawn))
        if now[first] != drawn[first] or max(now.values()) < max(drawn.values()):
            st.rerun()
        alive = any_alive(deps.survey())
    if not alive:
        st.caption("No worker is running, so no evidence can be computed.")


def scope_text(ranked: Ranked) -> str:
    """How many candidates the scope leaves, and whether the animal is likely among the named."""
    if ranked.ranking is None:
        return "ranking …"
    left = f"{ranked.ranking.in_scope:,} of {many(ranked.ranking.gallery_size, 'crop')} in scope"
    if ranked.ranking.gallery_size >= APPROXIMATE_FROM:
        left += " · nearest by short codes: approximate, recall .98"
    return f"{left} · {known_sentence(ranked.ranking, ranked.calibration)}"


def settle(state: IdentifyState) -> int:
    """Apply what the browser decided; returns the highest number that is settled."""
    before = st.session_state.get("identify_ack", 0)
    figures = st.session_state.get("identify_figures", {})
    settled = apply_identity(deps.survey(), jobs, deps.reviewer(), state.actions, before, figures)
    st.session_state["identify_ack"] = settled.ack
    show_notes(settled)
    keys = {int(action["n"]): str(action["uuid"]) for action in state.actions}
    known = st.session_state.get("identify_conflicts", [])
    new = [
        {**conflict_item(*contradiction), "key": keys[int(contradiction[0]["n"])]}
        for contradiction in settled.contradictions
    ]
    st.session_state["identify_conflicts"] = [*known, *new][-KEPT_CONFLICTS:]
    return settled.ack


def read(detection_ids: list[int], chosen: Choices, look: int | None) -> tuple[list[Ranked], list[Shown]]:
    """The queries with their last rankings, and as they are shown, with everything that is known about their crops."""
    with deps.survey().read() as session:
        queries = ranked_queries(session, detection_ids, chosen.model, chosen.scope)
        if not queries:
            return [], []
        shown = detailed(
            session,
            queries,
            by_image=chosen.by_image,
            one_flank=chosen.scope.flank,
            show_rejected=chosen.show_rejected,
            look=look,
        )
        return queries, shown


def ask_for_missing(queries: list[Ranked], shown: list[Shown], order: list[int], scope: rankings.Scope) -> None:
    """Have the worker compute what is not known yet about these queries and those after them."""
    requests.ask_for_orders(jobs, queries, scope)
    requests.ask_for_evidence(jobs, [(int(page.query["id"]), page.stages) for page in shown])
    requests.ask_for_crops(jobs, [int(ranked.query["id"]) for ranked in queries], order)


def draw(chosen: Choices, query_id: int, order: list[int], ack: int, look: int | None) -> CalibrationState | None:
    """Draw one query of the order, with those that follow it ready; returns what its probabilities rest on."""
    following = upcoming(order, query_id)
    read_at = time.time()
    queries, shown = read([query_id, *following], chosen, look)
    if not queries:
        st.info("This crop does not exist any more.")
        return None
    st.query_params[Identify.QUERY.name] = str(query_id)
    figures = st.session_state.get("identify_figures", {})
    st.session_state["identify_figures"] = figures | {k: v for ranked in queries for k, v in ranked.figures.items()}
    first, alive = shown[0], any_alive(deps.survey())
    match_view(
        first.query,
        first.candidates,
        key="match",
        ack=ack,
        scope_text=scope_text(queries[0]),
        upcoming=[
            (page.query, page.candidates, page.evidence_sent())
            for page, query in zip(shown[1:], queries[1:], strict=True)
            if query.ranking is not None
        ],
        evidence=first.evidence_sent(),
        conflicts=known_conflicts(),
        model=chosen.model,
        choices=repr(chosen),
        computing=alive,
        last=not still_waiting - {query_id},
        as_of=read_at,
    )
    ask_for_missing(queries, shown, order, chosen.scope)  # after the view: writing to a busy queue takes its time
    if not queries[0].settled:  # below the view, which is not to jump
        wait_for_order(queries[0], chosen, jobs.ready(), alive)
    if any(first.stages.values()):
        wait_for_evidence(query_id, first.stages, alive)
    return queries[0].calibration


def known_conflicts() -> list[dict[str, Any]]:
    """The contradictions that are open, with their crops."""
    conflicts = st.session_state["identify_conflicts"]
    if not conflicts:
        return []
    return deps.read(conflict_items, conflicts)


def upcoming(order: list[int], query_id: int | None, count: int = READY) -> list[int]:
    """The queries after this one that still wait for a decision."""
    place = order.index(query_id) if query_id in order else -1
    return [number for number in order[place + 1 :] if number in still_waiting][:count]


def next_query(order: list[int], state: IdentifyState, asked: int | None) -> int | None:
    """The query the browser wants: the one in the address, or so many places on; forward only those that wait."""
    if state.query is None:
        return asked if asked is not None else next(iter(upcoming(order, None)), None)
    if state.step > 0:
        following = upcoming(order, state.query, state.step)
        return following[-1] if following else next(iter(upcoming(order, None)), state.query)
    return in_order(order, state.query, state.step)


def draw_wanted(order: list[int], waiting: int) -> None:
    """Draw the query that the browser wants next."""
    page_header("Identify", ABOUT, f"{many(waiting, 'crop')} to decide")
    chosen = choices(lambda: subject_bar(subject, waiting, revision), revision)
    order = in_chosen_order(order, chosen.order)
    query_id = next_query(order, state, asked)
    if query_id is None and order:  # all decided: the last one stays on the screen, where Z takes it back
        query_id = order[-1]
    done = st.empty()  # always there: a message that comes and goes would move the view
    if not waiting:
        done.success("Every crop has a decision. K goes back through them, Z takes the last one back.")
    rests_on = draw(chosen, query_id, order, ack, state.look) if query_id is not None else None
    with st.container(horizontal=True, vertical_alignment="center"):
        if rests_on is not None:
            probabilities(rests_on)
        if waiting:
            pairs_left(chosen.scope, revision, jobs)


def any_waiting() -> bool:
    """Whether a crop has come that waits for a decision."""
    return bool(counts.crops_waiting(counts.survey_state(), AT_ONCE, subject)[0])


state, jobs = identify_state("match"), deps.jobs()
ack = settle(state)
subject = chosen_subject()
if st.session_state.get("identify_subject") != subject:  # another choice has an order of its own
    st.session_state["identify_subject"], st.session_state["identify_order"] = subject, []
order = st.session_state.get("identify_order", [])
revision = counts.survey_state()
now_waiting, waiting = counts.crops_waiting(revision, AT_ONCE, subject)
# The order stays as it was when the page was opened, so that "previous" leads back to what was just decided. A crop
# that the address names has a place in it: after a reload it is where the browser is.
known, still_waiting = set(order), set(now_waiting)
order = [*order, *(number for number in now_waiting if number not in known)]
asked = Identify.QUERY.read()
if asked is not None and asked not in order:
    order = [asked, *order]
st.session_state["identify_order"] = order
if order:
    draw_wanted(order, waiting)
elif requests.any_crops():
    page_header("Identify", ABOUT, "0 crops to decide")
    subject_bar(subject, 0, revision)
    empty_page(
        "Every crop has a decision.", any_waiting, (individuals_page(), "See the individuals", ":material/pets:")
    )
else:
    page_header("Identify", ABOUT)
    empty_page(
        "There are no crops yet. A crop is cut from every animal that is found or drawn.",
        any_waiting,
        (upload_page(), "Bring in images", ":material/upload:"),
        (detections_page(), "See what was found", ":material/grid_view:"),
    )
