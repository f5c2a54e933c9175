"""Ask the worker for what a query's screen needs, each thing once a visit, and know whether it has come."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import streamlit as st

from app import deps
from app.matching import flanks
from app.survey.detections import evidence, quality
from app.survey.individuals.rankings import Scope, decided_until
from app.ui.identify.candidates import Ranked
from modal_backend.errors import QueueFull

ASKED = "evidence_asked"
MEASURED_AT_ONCE = 200
RANKED_AT_ONCE = 50
KEPT = 5000


def stages(query_id: int, candidate_ids: Sequence[int]) -> dict[int, int]:
    """How much evidence of each candidate is still to come, see `evidence.stages`."""
    with deps.survey().read() as session:
        return evidence.stages(session, query_id, candidate_ids)


def ask_for_evidence(groups: Sequence[tuple[int, Mapping[int, int]]]) -> None:
    """Have pairs compared: (query, stages of its candidates), the one on the screen first; by the matcher once it has
    matched them. A full queue is told."""
    if not deps.jobs().ready():
        return
    todo: list[tuple[int, int]] = []
    for query_id, stage_of in groups:
        new = [one for one in stage_of if _new(("pair", query_id, one))]
        todo += [(query_id, one) for one in new if stage_of[one] == 2]
        matched = [one for one in stage_of if stage_of[one] == 1 and _new(("matched pair", query_id, one))]
        if matched:
            _ask(partial(deps.jobs().compare_matched, query_id, matched))
    if todo:
        _ask(partial(deps.jobs().compare, todo))


def ask_for_crops(query_ids: Sequence[int], waiting: Sequence[int]) -> None:
    """Have the queries and the crops of decided flank read for the mirror test, and waiting crops measured."""
    if not deps.jobs().ready():
        return
    with deps.survey().read() as session:
        unread = [*query_ids, *flanks.unread(session)] if flanks.enough(session) else []
        unmeasured = quality.unmeasured(session, waiting[:MEASURED_AT_ONCE])
    read = [one for one in unread if _new(("read", one))]
    measure = [one for one in unmeasured if _new(("measure", one))]
    if read or measure:
        _ask(lambda: deps.jobs().read_crops(read, measure))


def ask_for_orders(queries: Sequence[Ranked], scope: Scope) -> None:
    """Have these queries ranked that another order is to come for, once a state of the decisions."""
    if not deps.jobs().ready():
        return
    open_ones = [one for one in queries if not one.settled]
    asked = [(f"order {decided_until(one.stamp)} {scope.key()}", int(one.query["id"])) for one in open_ones]
    todo = [thing[1] for thing in asked if _new(thing)]
    if todo:
        _ask(partial(deps.jobs().rank, todo, scope))


def ask_for_rankings(waiting: Sequence[int], scope: Scope) -> None:
    """Have waiting crops compared that nobody has opened yet, in slices between which an import gets its turn."""
    if not deps.jobs().ready():
        return
    todo = [one for one in waiting if _new((f"rank {scope.key()}", one))]
    for start in range(0, len(todo), RANKED_AT_ONCE):
        _ask(partial(deps.jobs().rank, todo[start : start + RANKED_AT_ONCE], scope, bulk=True))


def any_crops() -> bool:
    """Whether the survey has crops at all, decided or not."""
    with deps.survey().read() as session:
        return evidence.any_crops(session)


def _new(thing: tuple[str, *tuple[int, ...]]) -> bool:
    """Whether this visit has not asked for it yet; remembers that it has now."""
    asked = st.session_state.setdefault(ASKED, {})
    if thing in asked:
        return False
    asked[thing] = True
    if len(asked) > KEPT:
        asked.pop(next(iter(asked)))
    return True


def _ask(put: Callable[[], None]) -> None:
    try:
        put()
    except QueueFull as full:
        st.warning(f"{full} {full.remedy}")
