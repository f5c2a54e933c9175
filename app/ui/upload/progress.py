"""What the imports are doing: stage, count, rate, ETA, and a sum with its files."""

from __future__ import annotations

import time

import streamlit as st

from app import deps
from app.actions.imports import run_again
from app.survey.detections.results import threshold_of
from app.survey.media import browse, remarks
from app.survey.media.browse import Show
from app.survey.media.progress import Progress, duplicates, latest_looked_at, recent_imports, refusals, unanalysed
from app.survey.media.remarks import Remark
from app.survey.tables.media import ImportState, Outcome
from app.ui.shared import counts
from app.ui.shared.address import Detections
from app.ui.shared.decisions import allowed
from app.ui.shared.navigation import detections_page
from app.ui.shared.shots import shots_html
from app.ui.shared.time_left import seconds_left
from app.ui.shared.troubles import drawn_again, drawn_by_itself
from app.ui.shared.words import duration, many, moment, plain
from app.ui.upload.given import reasons_table

PICTURES = 8
STATE_WORDS = {
    ImportState.RECEIVING: "receiving",
    ImportState.QUEUED: "waiting for the worker",
    ImportState.RUNNING: "reading files and finding animals",
    ImportState.DONE: "done",
    ImportState.FAILED: "stopped",
}


def import_list(limit: int = 6, page_every: float | None = None) -> None:
    """The latest imports; refreshes by itself while one is under way.

    Args:
        page_every: seconds after which the whole page is drawn again meanwhile; None for never.
    """
    latest = _recent(limit)
    running, drawn = any(progress.running for progress in latest), time.monotonic()

    @drawn_again("1s" if running else None)
    def live() -> None:
        imports = _recent(limit) if drawn_by_itself() else latest
        for progress in imports:
            _draw(progress)
        if running and not any(progress.running for progress in imports):
            st.rerun()
        if running and page_every is not None and time.monotonic() - drawn > page_every:
            st.rerun()

    live()


def _recent(limit: int) -> list[Progress]:
    return deps.read(recent_imports, limit=limit)


def _draw(progress: Progress) -> None:
    with st.container(key=f"import-{progress.id}"):
        state = STATE_WORDS[ImportState(progress.state)]
        st.markdown(f"**{plain(progress.label)}** · {state} · {moment(progress.created_at)}")
        if progress.running:
            draw_pace(progress)
            _latest(progress)
        else:
            st.caption(_result(progress))
        if progress.error:
            st.error(f"{plain(progress.error)} What was taken in before is kept.")
        if progress.error or (progress.unanalysed and not progress.running):
            run_again_button(progress)
        if not progress.running:
            _lead_on(progress)
            _listings(progress)


def run_again_button(progress: Progress) -> None:
    """A button that runs a stopped import again; it does what is missing."""
    st.button(
        "Run again", icon=":material/replay:", key=f"again-{progress.id}", on_click=_run_again, args=(progress.id,)
    )


@allowed
def _run_again(import_id: int) -> None:
    run_again(deps.survey(), deps.jobs(), import_id)
    st.toast("The import is in the queue again.", icon=":material/replay:")


def draw_pace(progress: Progress, label: str = "") -> None:
    """How far an import is, and when it ends by its pace. label: said first."""
    share = min(progress.done / progress.listed, 1.0) if progress.listed else 0.0
    st.progress(share, text=f"{label}{_pace(progress)} · you can close this tab")


def _latest(progress: Progress) -> None:
    """The pictures looked at last, with their boxes."""
    with deps.survey().read() as session:
        views = browse.views(session, latest_looked_at(session, progress.id, PICTURES))
        threshold = threshold_of(browse.detector(session))
    if views:
        st.html(shots_html(views, threshold))


def _lead_on(progress: Progress) -> None:
    """Where to go from an import that has ended."""
    if progress.new == 0:
        return
    animals = counts.animals_of_import(counts.survey_state(), progress.id)
    of_import = Detections.IMPORT.to(progress.id)
    with st.container(horizontal=True, gap="medium"):
        if animals:
            label = f"{many(animals, 'image or video', 'images and videos')} with an animal: look"
            query = {**of_import, **Detections.FILTER.to(Show.ANIMAL)}
            st.page_link(detections_page(), label=label, query_params=query, width="content")
        else:
            label = "No animal was found: look through them"
            st.page_link(detections_page(), label=label, query_params=of_import, width="content")


def _pace(progress: Progress) -> str:
    if progress.listed is None:
        return "listing files" if progress.state == ImportState.RUNNING else "waits for the worker"
    rate = f" · {progress.rate:.1f} files/s" if progress.rate else ""
    left = seconds_left(progress.id, progress.eta_seconds)
    eta = f" · about {duration(left)} left" if left else ""
    return f"{progress.done:,} of {many(progress.listed, 'file')}{rate}{eta}"


def _result(progress: Progress) -> str:
    sums = (
        f"{many(progress.done, 'file')} · {progress.new:,} new · {progress.duplicate:,} already here · "
        f"{progress.refused:,} refused · {progress.left_out:,} left out · {duration(progress.seconds)}"
    )
    if progress.unanalysed:
        sums += f" · {progress.unanalysed:,} not analysed"
    remarked = [f"{count:,} {words}" for words, count, _ in _remarks(progress) if count]
    return f"{sums} · {' · '.join(remarked)}" if remarked else sums


def _remarks(progress: Progress) -> list[tuple[str, int, Remark]]:
    return [
        ("damaged but taken in", progress.damaged, Remark.DAMAGED),
        ("without a time", progress.untimed, Remark.UNTIMED),
        ("without a place", progress.unplaced, Remark.UNPLACED),
        ("far from their deployment", progress.displaced, Remark.DISPLACED),
        ("with a suspicious clock", progress.clock, Remark.CLOCK),
    ]


def _listings(progress: Progress) -> None:
    """The files behind each count."""
    for words, count, outcome in (
        ("refused", progress.refused, Outcome.REFUSED),
        ("left out", progress.left_out, Outcome.LEFT_OUT),
    ):
        if count:
            rows = deps.read(refusals, progress.id, limit=200, outcome=outcome)
            with st.expander(f"{count:,} {words}: which and why"):
                reasons_table(rows)
    if progress.unanalysed and not progress.running:
        waiting = deps.read(unanalysed, progress.id)
        with st.expander(f"{progress.unanalysed:,} not analysed: which and why"):
            reasons_table(waiting[:200])
    if progress.duplicate:
        repeated = deps.read(duplicates, progress.id, limit=200)
        with st.expander(f"{progress.duplicate:,} already here: which"):
            reasons_table(repeated, "same content as")
    for words, count, remark in _remarks(progress):
        if count:
            paths = deps.read(remarks.paths, progress.id, remark, limit=200)
            with st.expander(f"{count:,} {words}: which"):
                st.dataframe({"file": paths}, hide_index=True)
