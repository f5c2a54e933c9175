"""What the imports are doing: stage, count, rate, ETA, and a sum with its files."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app import deps
from app.survey.media import remarks
from app.survey.media.progress import Progress, duplicates, recent_imports, refusals
from app.survey.media.remarks import Remark
from app.survey.tables.media import ImportState, Outcome
from app.ui.shared.words import duration, many, moment, plain

STATE_WORDS = {
    ImportState.RECEIVING: "receiving",
    ImportState.QUEUED: "waiting for the worker",
    ImportState.RUNNING: "reading files and finding animals",
    ImportState.DONE: "done",
    ImportState.FAILED: "stopped",
}


def import_list(run_again: Callable[[int], None]) -> None:
    """The latest imports; refreshes by itself while one is under way."""
    running = any(one.running for one in _recent())

    @st.fragment(run_every="1s" if running else None)
    def live() -> None:
        imports = _recent()
        for one in imports:
            _draw(one, run_again)
        if running and not any(one.running for one in imports):
            st.rerun()

    live()


def _recent() -> list[Progress]:
    with deps.survey().read() as session:
        return recent_imports(session, limit=6)


def _draw(one: Progress, run_again: Callable[[int], None]) -> None:
    with st.container(key=f"import-{one.id}"):
        state = STATE_WORDS[ImportState(one.state)]
        st.markdown(f"**{plain(one.label)}** · {state} · {moment(one.created_at)}")
        if one.running:
            st.progress(min(one.done / one.listed, 1.0) if one.listed else 0.0, text=_pace(one))
        else:
            st.caption(_result(one))
        if one.error:
            st.error(f"{plain(one.error)} What was taken in before is kept.")
            st.button("Run again", key=f"again-{one.id}", on_click=run_again, args=(one.id,))
        if not one.running:
            _listings(one)


def _pace(one: Progress) -> str:
    if one.listed is None:
        return "listing files · you can close this tab"
    rate = f" · {one.rate:.1f} files/s" if one.rate else ""
    eta = f" · about {duration(one.eta_seconds)} left" if one.eta_seconds else ""
    return f"{one.done:,} of {many(one.listed, 'file')}{rate}{eta} · you can close this tab"


def _result(one: Progress) -> str:
    counts = (
        f"{many(one.done, 'file')} · {one.new:,} new · {one.duplicate:,} already here · {one.refused:,} refused"
        f" · {one.left_out:,} left out · {duration(one.seconds)}"
    )
    remarked = [f"{count:,} {words}" for words, count, _ in _remarks(one) if count]
    return f"{counts} · {' · '.join(remarked)}" if remarked else counts


def _remarks(one: Progress) -> list[tuple[str, int, Remark]]:
    return [
        ("damaged but taken in", one.damaged, Remark.DAMAGED),
        ("without a time", one.untimed, Remark.UNTIMED),
        ("without a place", one.unplaced, Remark.UNPLACED),
        ("far from their deployment", one.displaced, Remark.DISPLACED),
        ("with a suspicious clock", one.clock, Remark.CLOCK),
    ]


def _listings(one: Progress) -> None:
    """The files behind each count."""
    for words, count, outcome in (
        ("refused", one.refused, Outcome.REFUSED),
        ("left out", one.left_out, Outcome.LEFT_OUT),
    ):
        if count:
            with deps.survey().read() as session:
                rows = refusals(session, one.id, limit=200, outcome=outcome)
            with st.expander(f"{count:,} {words}: which and why"):
                st.dataframe({"file": [path for path, _ in rows], "reason": [why for _, why in rows]}, hide_index=True)
    if one.duplicate:
        with deps.survey().read() as session:
            repeated = duplicates(session, one.id, limit=200)
        with st.expander(f"{one.duplicate:,} already here: which"):
            table = {"file": [path for path, _ in repeated], "same content as": [first for _, first in repeated]}
            st.dataframe(table, hide_index=True)
    for words, count, remark in _remarks(one):
        if count:
            with deps.survey().read() as session:
                paths = remarks.paths(session, one.id, remark, limit=200)
            with st.expander(f"{count:,} {words}: which"):
                st.dataframe({"file": paths}, hide_index=True)
