"""The jobs that wait, the next ones first, and a button that moves one of them to the front."""

from __future__ import annotations

import time
from collections.abc import Sequence

import streamlit as st

from app import deps
from app.actions.order import move
from app.jobs.order import MOST, WaitingJob, title
from app.jobs.queues import Queue
from app.survey.media.progress import Progress
from app.survey.roles import Role
from app.ui.shared.decisions import allowed
from app.ui.shared.words import duration, plain

SHOWN = 5  # of each queue at first


def waiting_jobs(imports: Sequence[Progress]) -> None:
    """Nothing where none waits. imports: those under way say when the next one begins."""
    order = deps.jobs().order()
    jobs = order.waiting() if order else []
    if not jobs:
        return
    st.subheader("Waiting", anchor=False)
    ends = sorted(progress.eta_seconds for progress in imports if progress.running and progress.eta_seconds is not None)
    with deps.survey().read() as session:
        titles = {job.id: title(session, job) for job in jobs}
    first = [job for job in jobs if job.number <= SHOWN]
    later = [job for job in jobs if job.number > SHOWN]
    for job in first:
        _line(job, titles[job.id], ends)
    if later:
        with st.expander("Those that begin later", key="waiting-later"):
            for job in later:
                _line(job, titles[job.id], ends)
            if any(job.number == MOST for job in later):
                st.caption(f"Of each kind the next {MOST} are listed.")


def _line(job: WaitingJob, name: str, ends: Sequence[float]) -> None:
    locked = deps.person().role < Role.REVIEWER
    left, right = st.columns([5, 2], vertical_alignment="center")
    left.markdown(f"{plain(name)} · {_place(job)} · {_when(job, ends)}")
    if job.moved:
        right.button(
            "Undo", icon=":material/undo:", key=f"back-{job.id}", disabled=locked, on_click=_move,
            args=(job.id,), kwargs={"front": False}, help="It is begun by its age again.",
        )  # fmt: skip
    elif job.number > 1:
        right.button(
            "Move to the front", icon=":material/vertical_align_top:", key=f"front-{job.id}", disabled=locked,
            on_click=_move, args=(job.id,), kwargs={"front": True},
            help="It is begun before all others that wait beside it; the rest keep their order.",
        )  # fmt: skip


def _place(job: WaitingJob) -> str:
    place = "begins next" if job.number == 1 else f"{job.number - 1} before it"
    return f"{place}, moved to the front" if job.moved else place


def _when(job: WaitingJob, ends: Sequence[float]) -> str:
    """How long it has waited, and when it begins at the latest: as many imports have come to their end by then."""
    waited = f"has waited {duration(time.time() - job.since)}"
    if not job.queue.startswith(Queue.IMPORTS) or job.number > len(ends):
        return waited
    return f"{waited}, begins in at most about {duration(ends[job.number - 1])}"


@allowed
def _move(job_id: str, *, front: bool) -> None:
    if not move(deps.survey(), deps.jobs(), deps.reviewer(), job_id, front=front):
        st.toast("It has been begun already.", icon=":material/play_arrow:")
