"""The guide through the sample survey: six steps in one line above every page, until somebody puts it away."""

from __future__ import annotations

from html import escape
from typing import Any

import streamlit as st

from app import deps, files
from app.sample.demo_survey import TEAM, sample_import
from app.survey.decisions.history import kinds_made
from app.survey.media.progress import has_sample
from app.ui.shared import counts
from app.ui.shared.decisions import allowed

VISITED = "guide-visited"
# What to do, where, and the kinds of decision (or the page) that say it was done.
STEPS: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("See what was found", "/detections?filter=uncertain", frozenset({"accept", "blank", "move", "draw", "species"})),
    ("Say who it is", "/identify", frozenset({"same", "new", "different"})),
    ("Solve a conflict", "/individuals?view=Conflicts", frozenset({"take out", "split", "accept conflict"})),
    ("Join two flanks", "/individuals?view=Flanks", frozenset({"join flanks"})),
    ("Count in a video", "/videos", frozenset({"count"})),
    ("Take it home", "/export", frozenset({"export"})),
)


def guide(page: str) -> None:
    """Draw the line while the sample survey is there. page: the address of the page that is drawn."""
    if not _wanted():
        return
    visited = st.session_state.setdefault(VISITED, set())
    visited.add(page)
    done = set(_done(counts.survey_state())) | visited
    with st.container(horizontal=True, vertical_alignment="center", key="guide"):
        st.html(guide_html(done), width="stretch")
        st.button("Put the guide away", icon=":material/close:", type="tertiary", on_click=_put_away)


def guide_html(done: set[str]) -> str:
    """The six steps; those that are done have a tick, the first that is not stands out."""
    parts, ahead = [], True
    for number, (words, address, kinds) in enumerate(STEPS, 1):
        is_done = bool(kinds & done)
        state = "done" if is_done else "next" if ahead else ""
        ahead = ahead and is_done
        mark = "✓" if is_done else number
        parts.append(f'<a class="{state}" href="{escape(address)}" target="_self">{mark} {escape(words)}</a>')
    return f'<nav class="pm-guide" aria-label="Guide"><span>Sample survey, all synthetic:</span>{"".join(parts)}</nav>'


def sample_button(**values: Any) -> None:
    """A button that takes in the sample survey. values: of the button."""
    st.button("Load the sample survey", icon=":material/draw:", on_click=_start_sample, **values)


@allowed
def _start_sample() -> None:
    deps.jobs().run_import(sample_import(deps.survey()))


def _wanted() -> bool:
    if files.guide_path(deps.settings().data_dir).exists():
        return False
    return deps.read(has_sample)


@st.cache_data(max_entries=8, ttl=600, show_spinner=False)
def _done(state: str) -> list[str]:
    del state
    return deps.read(kinds_made, without=TEAM)


def _put_away() -> None:
    files.write_json(files.guide_path(deps.settings().data_dir), {"put_away": True})
