"""Field notes: the words that tell stations, seasons or animals apart, and the groups they form."""

from __future__ import annotations

import streamlit as st

from app import deps
from app.actions.notes import try_example
from app.notes.result import read_result
from app.survey.notes import notes as survey_notes
from app.survey.notes import views as note_views
from app.survey.tables.notes import NoteRun, RunState
from app.ui.notes import compare, results
from app.ui.notes import runs as note_runs
from app.ui.notes.cluster_map import cluster_map
from app.ui.notes.files import deleted_sources, file_list
from app.ui.notes.over_time import month_chart, over_time
from app.ui.notes.upload import bring_notes
from app.ui.shared.address import FieldNotes, go
from app.ui.shared.header import page_header
from app.ui.shared.words import many

ABOUT = "The words that tell stations, seasons or animals apart in ranger notes, remarks and comments."


def open_run(run_id: int) -> None:
    """Show a run."""
    go({FieldNotes.RUN: run_id})


def kept(file_ids: list[int]) -> None:
    """Files of notes were kept: offer them for the next run."""
    st.session_state["kept_notes"] = file_ids
    st.toast("The notes are kept.")
    st.rerun()


def overview(runs: list[NoteRun]) -> None:
    """Bring notes, start a run, or open an earlier one."""
    with deps.survey().read() as session:
        files, deleted = survey_notes.files(session), survey_notes.deleted_files(session)
        videos = note_views.video_count(session)
    line = f"{many(sum(file.rows for file in files), 'note')} in {many(len(files), 'file')} · {many(len(runs), 'run')}"
    page_header("Field notes", ABOUT, line if files else "")
    left, right = st.columns([3, 2], gap="large")
    with left:
        waits = bring_notes(kept)
        if files or videos:
            kept_now = st.session_state.get("kept_notes", [])
            note_runs.start_form(files, kept_now, open_run, first=not waits and bool(files), video_count=videos)
    with right:
        if runs:
            st.subheader("Runs", anchor=False)
            note_runs.run_list(runs, open_run)
        file_list(files, deleted)
        with st.container(border=True):
            st.markdown(
                "**No notes at hand?** Try 320 made-up ranger notes about the stations of the sample survey, "
                "clearly marked as synthetic."
            )
            if st.button("Try the example notes", icon=":material/draw:", type="primary" if not files else "secondary"):
                open_run(try_example(deps.survey(), deps.jobs(), deps.reviewer()))


def run_page(run: NoteRun, runs: list[NoteRun]) -> None:
    """A run: its progress, what stopped it, or what it found."""
    page_header("Field notes", ABOUT, run.name)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("All runs and notes", icon=":material/arrow_back:", type="tertiary"):
            go({FieldNotes.RUN: None})
        rename(run)
    deleted_sources(run)
    if run.open:
        note_runs.follow(run.id)
        return
    if run.state == RunState.FAILED:
        note_runs.stopped(run)
        return
    result = read_result(deps.survey().data_dir, run.id, run.attempt)
    if result is None:
        st.error("The files of this run are gone; its settings are kept.")
        if st.button("Run again", icon=":material/replay:"):
            note_runs.start_again(deps.survey(), deps.jobs(), run.id)
            st.rerun()
        return
    results.summary(run, result)
    if result.keywords.empty:
        return
    views = st.tabs(
        ["Keywords", "Map of clusters", "Over time", "Two categories", "Two runs"], **FieldNotes.VIEW.bound()
    )
    words, groups, time, pair, other = views
    if words.open:
        with words:
            left, right = st.columns([3, 2], gap="large")
        with left:
            keyword = results.keywords_of(result)
        with right:
            if keyword:
                month_chart(result, keyword)
                results.examples(result, keyword)
    if groups.open:
        with groups:
            cluster_map(run.id, result)
    if time.open:
        with time:
            over_time(result)
    if pair.open:
        with pair:
            compare.two_categories(result)
    if other.open:
        with other:
            compare.two_runs(run, result, runs)


def rename(run: NoteRun) -> None:
    """Give the run a name to find it by."""
    with st.popover("Name", icon=":material/edit:"), st.form("rename", border=False):
        name = st.text_input("Name of this run", run.name, max_chars=120)
        if st.form_submit_button("Save"):
            with deps.survey().write() as session:
                survey_notes.rename(session, run.id, name)
            st.rerun()


with deps.survey().read() as opened:
    latest = survey_notes.runs(opened)
    asked = FieldNotes.RUN.read()
    shown = survey_notes.run_of(opened, asked) if asked else None
if shown is None:
    overview(latest)
else:
    run_page(shown, latest)
