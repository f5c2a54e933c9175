"""What was said about a video side by side: runs computed, counted by a person, answered by a language model."""

from __future__ import annotations

from html import escape

import streamlit as st

from app import deps
from app.survey.decisions import videos
from app.survey.decisions.refusals import BadDecision
from app.survey.videos import accounts
from app.survey.videos import runs as video_runs
from app.survey.videos.accounts import ANSWERED, COMPUTED, COUNTED, VideoRun
from app.ui.shared.decisions import allowed, callback, decide
from app.ui.shared.troubles import drawn_again
from app.ui.shared.words import many, moment, plain
from app.video.timecode import timecode

TITLES = {COMPUTED: "Computed from detections", COUNTED: "Counted by a person", ANSWERED: "Language model"}
IN_A_ROW = 2


def draw_runs(media_id: int) -> None:
    """Each account of the video as a card, two in a row; a count unlike the first one's is marked."""
    runs = deps.read(accounts.runs_of, media_id)
    if not runs:
        st.info("This video is not summarised yet.")
        return
    under_way = _again(media_id)
    if len(runs) < 2 and not under_way:
        st.info(
            "There is one account of this video so far. Summarise it again after the detector has changed, correct the"
            " count, or ask a language model, to compare."
        )
    differing = accounts.differing(runs)
    if differing:
        counts = ", ".join(str(run.animals) for run in runs if run.animals is not None)
        st.warning(f"The counts differ: {counts}. Look at the frames before you use one.", icon=":material/rule:")
    elif sum(run.animals is not None for run in runs) > 1:
        st.caption(":material/check: All that give a count give the same.")
    several = sum(run.run_id is not None for run in runs) > 1
    for start in range(0, len(runs), IN_A_ROW):
        for place, column in enumerate(st.columns(IN_A_ROW), start):
            if place < len(runs):
                with column.container(border=True, key=f"video-run-{place}"):
                    _card(runs[place], place in differing, runs[0].animals, several)


def _again(media_id: int) -> bool:
    """The button that asks for another run, how far one under way is, and why the last one gave nothing.

    Returns whether one is under way.
    """

    @allowed
    def ask() -> None:
        try:
            with deps.survey().write() as session:
                run_id = videos.ask_again(session, media_id, deps.reviewer()).id
            deps.jobs().summarise_again(run_id)
        except BadDecision as error:
            st.toast(plain(str(error)), icon=":material/error:")

    with deps.survey().read() as session:
        under_way, failed = video_runs.open_run(session, media_id), video_runs.last_failure(session, media_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Summarise again",
            key="summarise-again",
            icon=":material/replay:",
            disabled=under_way is not None,
            on_click=ask,
            help="Looks at the video with the detector in use now. Earlier runs and what people decided stay.",
        )
        if under_way is not None:
            _progress(media_id)
    if failed is not None and under_way is None:
        st.caption(f"Summarised again on {moment(failed.asked_at)}: {plain(failed.failure or '')}")
    return under_way is not None


@drawn_again("2s")
def _progress(media_id: int) -> None:
    run = deps.read(video_runs.open_run, media_id)
    if run is None:
        st.rerun()
    elif run.started_at is None:
        st.caption("Waits for the worker · you can close this tab")
    else:
        st.progress(min(run.progress, 1.0), text=f"Summarising again, {run.progress:.0%} · you can close this tab")


def _standing(run: VideoRun) -> None:
    """Whether a run counts, or a button that lets it count."""
    if run.decided:
        st.caption(f"{many(run.decided, 'decision')} of people about its boxes")
    if run.counts:
        st.markdown(":green-badge[:material/check: this run counts]")
        return

    st.button(
        "Use this run",
        key=f"use-run-{run.run_id}",
        icon=":material/published_with_changes:",
        on_click=callback(decide, videos.use_run, run.run_id),
    )


def _card(run: VideoRun, differs: bool, first: int | None, several: bool) -> None:
    st.markdown(f"**{TITLES[run.kind]}**")
    st.html(f'<div class="pm-line">{escape(run.by)} · {escape(moment(run.at))}</div>')
    if run.animals is None:
        st.markdown("gives no count")
    elif differs:
        st.markdown(f":orange-badge[:material/rule: {many(run.animals, 'animal')}, not {first}]")
    else:
        st.markdown(many(run.animals, "animal"))
    if several and run.run_id is not None:
        _standing(run)
    if run.tracklets is not None:
        for category, first_second, last_second, entry, exit_side in run.tracklets:
            way = f"{entry or 'inside'} → {exit_side or 'inside'}"
            st.caption(f"{category.capitalize()} {timecode(first_second)} to {timecode(last_second)}, {way}")
    for line in run.text:
        st.text(line)
    if run.details:
        st.html(f'<div class="pm-line" style="font-size:0.867rem">{escape(run.details)}</div>')
