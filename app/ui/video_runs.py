"""What was said about a clip side by side: computed, counted by a person, answered by a language model."""

from __future__ import annotations

from html import escape

import streamlit as st

from app import deps
from app.survey import clip_runs
from app.survey.clip_runs import ANSWERED, COMPUTED, COUNTED, ClipRun
from app.timecode import timecode
from app.ui.words import many, moment

TITLES = {COMPUTED: "Computed from detections", COUNTED: "Counted by a person", ANSWERED: "Language model"}
IN_A_ROW = 2


def draw_runs(media_id: int) -> None:
    """Each account of the clip as a card, two in a row; a count unlike the first one's is marked."""
    with deps.survey().read() as session:
        runs = clip_runs.runs_of(session, media_id)
    if len(runs) < 2:
        st.info(
            "There is one account of this clip so far. Correct the count, or ask a language model, to compare."
            if runs
            else "This clip is not summarised yet."
        )
        return
    differing = clip_runs.differing(runs)
    if differing:
        counts = ", ".join(str(one.animals) for one in runs if one.animals is not None)
        st.warning(f"The counts differ: {counts}. Look at the frames before you use one.", icon=":material/rule:")
    elif sum(one.animals is not None for one in runs) > 1:
        st.caption(":material/check: All that give a count give the same.")
    for start in range(0, len(runs), IN_A_ROW):
        for place, column in enumerate(st.columns(IN_A_ROW), start):
            if place < len(runs):
                with column.container(border=True, key=f"clip-run-{place}"):
                    _card(runs[place], place in differing, runs[0].animals)


def _card(run: ClipRun, differs: bool, first: int | None) -> None:
    st.markdown(f"**{TITLES[run.kind]}**")
    st.html(f'<div class="pm-line">{escape(run.by)} · {escape(moment(run.at))}</div>')
    if run.animals is None:
        st.markdown("gives no count")
    elif differs:
        st.markdown(f":orange-badge[:material/rule: {many(run.animals, 'animal')}, not {first}]")
    else:
        st.markdown(many(run.animals, "animal"))
    if run.tracklets is not None:
        for category, first_second, last_second, entry, exit_side in run.tracklets:
            way = f"{entry or 'inside'} → {exit_side or 'inside'}"
            st.caption(f"{category.capitalize()} {timecode(first_second)} to {timecode(last_second)}, {way}")
    for line in run.text:
        st.text(line)
    if run.details:
        st.html(f'<div class="pm-line" style="font-size:0.867rem">{escape(run.details)}</div>')
