"""Ask the worker for what a query's screen needs, each thing once a visit, and know whether it has come."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

import streamlit as st

from app import deps
from app.jobs.queue import Jobs
from app.matching import flanks
from app.survey.detections import evidence, quality
from app.survey.individuals.rankings import Scope, decided_until
from app.ui.identify.candidates import Ranked
from modal_backend.errors import QueueFull

ASKED = "evidence_asked"
LOOK = "identify_look"
MEASURED_AT_ONCE = 200
RANKED_AT_ONCE = 50
QUICK = 1.0  # seconds on a crop: who turns to the next one sooner is in a hurry
KEPT = 5000
Crops = TypeVar("Crops", int, tuple[int, int])
Answer = TypeVar("Answer")


def stages(query_id: int, candidate_ids: Sequence[int]) -> dict[int, int]:
    """How much evidence of each candidate is still to come, see `evidence.stages_of`."""
    wanted = {query_id: candidate_ids}
    with deps.survey().read() as session:
        return evidence.stages_of(session, wanted, evidence.evidence_of(session, wanted))[query_id]


def ask_for_evidence(jobs: Jobs, groups: Sequence[tuple[int, Mapping[int, int]]]) -> None:
    """Have pairs compared: (query, stages of its candidates), the one on the screen first; by the matcher once it has
    matched them. A full queue is told."""
    if not jobs.ready():
        return
    todo: list[tuple[int, int]] = []
    for query_id, stage_of in groups:
        new = _new("pair", [(query_id, crop) for crop in stage_of])
        todo += [pair for pair in new if stage_of[pair[1]] == 2]
        matched = _new("matched pair", [(query_id, crop) for crop in stage_of if stage_of[crop] == 1])
        if matched:
            _ask(partial(jobs.compare_matched, query_id, [crop for _, crop in matched]))
    if todo:
        _ask(partial(jobs.compare, todo))


def ask_for_crops(jobs: Jobs, query_ids: Sequence[int], waiting: Sequence[int]) -> None:
    """Have the queries and the crops of decided flank read for the mirror test, and waiting crops measured."""
    if not jobs.ready():
        return
    with deps.survey().read() as session:
        unread = [*query_ids, *flanks.unread(session)] if flanks.enough(session) else []
        measure = _new("measure", waiting[:MEASURED_AT_ONCE])
        unmeasured = quality.unmeasured(session, measure) if measure else []
    read = _new("read", unread)
    if read or unmeasured:
        _ask(lambda: jobs.read_crops(read, unmeasured))


def ask_for_orders(jobs: Jobs, queries: Sequence[Ranked], scope: Scope) -> None:
    """Have these queries ranked that another order is to come for; the matcher turns from those looked at before.

    Args:
        queries: the one on the screen first.
    """
    looked, job, since = st.session_state.get(LOOK, (None, None, 0.0))
    look = ([ranked.query["id"] for ranked in queries], decided_until(queries[0].stamp), scope.key())
    if look == looked or not jobs.ready():
        return
    if job is not None:
        jobs.leave(job)
    now = time.monotonic()
    hurried = looked is not None and now - since < QUICK
    todo = [int(ranked.query["id"]) for ranked in queries if not ranked.settled]
    job = _ask(lambda: jobs.rank(todo, scope, at_once=looked is None, hurried=hurried)) if todo else None
    st.session_state[LOOK] = look, job, now


def ask_for_rankings(jobs: Jobs, waiting: Sequence[int], scope: Scope) -> None:
    """Have waiting crops compared that nobody has opened yet, in slices between which an import gets its turn."""
    if not jobs.ready():
        return
    todo = _new(f"rank {scope.key()}", waiting)
    for start in range(0, len(todo), RANKED_AT_ONCE):
        _ask(partial(jobs.rank, todo[start : start + RANKED_AT_ONCE], scope, bulk=True))


def any_crops() -> bool:
    """Whether the survey has crops at all, decided or not."""
    return deps.read(evidence.any_crops)


def _new(what: str, crops: Sequence[Crops]) -> list[Crops]:
    """Those that this visit has not asked for yet; remembers that it has now."""
    asked = st.session_state.setdefault(ASKED, {})
    new = [crop for crop in crops if (what, crop) not in asked]
    asked.update(dict.fromkeys((what, crop) for crop in new))
    while len(asked) > KEPT:
        asked.pop(next(iter(asked)))
    return new


def _ask(put: Callable[[], Answer]) -> Answer | None:
    try:
        return put()
    except QueueFull as full:
        st.warning(f"{full} {full.remedy}")
        return None
