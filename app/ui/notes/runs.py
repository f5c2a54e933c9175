"""Start a run over notes, follow it, find it again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from app import deps
from app.actions.notes import start, start_again
from app.jobs.queue import notes_workflow_id
from app.notes.sources import GROUPINGS, crossed, name_of, settings_of
from app.settings import Backend
from app.survey.calls import ledger
from app.survey.notes import notes as survey_notes
from app.survey.tables.notes import NoteFile, NoteRun, RunState
from app.ui.shared.troubles import drawn_again
from app.ui.shared.words import duration, many, moment, plain
from modal_backend.models.text.sentence_embedding import DEFAULT_MODEL, EMBEDDING_MODELS, is_here

STEPS = {
    "notes": "reading the notes",
    "cleaned": "cleaning the notes",
    "note_counts": "counting",
    "candidates": "finding words and phrases",
    "embeddings": "reading words and notes with the model",
    "extraction": "reading words and notes with the model on Modal",
    "note_keywords": "choosing keywords",
    "keywords_by_category": "choosing keywords",
    "occurrences": "counting words",
    "keyword_statistics": "comparing categories",
    "held_out_check": "checking on held-out notes",
    "word_vectors": "reading keywords with the model",
    "keyword_vectors": "placing keywords",
    "clusters": "finding groups",
    "clustering": "finding groups on Modal",
    "layout_2d": "drawing the map",
    "clusters_table": "writing tables",
}
ORDER = list(STEPS)
FEWER = "In a category of fewer than 30 notes one less is enough, but never a single note."


def start_form(
    files: Sequence[NoteFile], chosen: Sequence[int], started: Callable[[int], None], *, first: bool, video_count: int
) -> None:
    """Choose notes and what groups them, and start a run.

    Args:
        chosen: the files that are chosen at first.
        started: called with the id of the run.
        first: whether starting a run is what the page is for now.
        video_count: how many videos have a computed summary.
    """
    names = {file.id: f"{file.label} · {many(file.rows, 'note')}" for file in files}
    default = [number for number in chosen if number in names] or list(names)[:1]
    with st.form("note_run", border=True):
        picked = st.multiselect("Notes", list(names), default=default, format_func=lambda choice: names[choice])
        left, middle, right = st.columns(3)
        first_by = left.selectbox("Compare by", list(GROUPINGS), format_func=GROUPINGS.__getitem__)
        second_by = middle.selectbox(
            "crossed with", list(GROUPINGS), index=None, format_func=GROUPINGS.__getitem__, placeholder="nothing",
            help="Station crossed with month compares each station in each month with all other notes.",
        )  # fmt: skip
        grouping = crossed(filter(None, [first_by, second_by]))
        name = right.text_input("Name of this run", placeholder="Monsoon 2024 by station", max_chars=120)
        with st.expander("Settings"):
            graph = _settings()
        graph["join_names"] = st.checkbox(
            "Names that differ only by capitals, spaces or accents are one",
            value=True,
            help="River, RIVER and “river ”.",
        )
        individuals = st.checkbox("With what was written about individuals in the catalogue")
        videos = video_count > 0 and st.checkbox(
            f"With the summaries of {many(video_count, 'video')}, computed by Pugmark",
            help="One note for each video, in words Pugmark made from detections. Category: the species people gave.",
        )
        if st.form_submit_button("Find keywords", type="primary" if first else "secondary", icon=":material/insights:"):
            if not picked and not individuals and not videos:
                st.error("Choose notes first.")
                return
            source = names[picked[0]].split(" · ")[0] if picked else "Individuals" if individuals else "Videos"
            label = name.strip() or f"{source} by {name_of(grouping).lower()}"
            settings = settings_of(picked, grouping, individuals=individuals, videos=videos, **graph)
            started(start(deps.survey(), deps.jobs(), label, settings, deps.reviewer()))


def _settings() -> dict[str, Any]:
    columns = st.columns(3)
    model = columns[0].selectbox(
        "Embedding model",
        list(EMBEDDING_MODELS),
        format_func=_model_label,
        help="\n".join(f"{choice.name}: {choice.licence}." for choice in EMBEDDING_MODELS.values()),
    )
    support = columns[1].number_input("Notes a keyword is in, at least", 2, 100, 3, help=FEWER)
    size = columns[2].number_input("Keywords in a cluster, at least", 3, 50, None, placeholder="chosen by the program")
    top = columns[0].number_input("Keywords a note", 3, 30, 10)
    seed = columns[1].number_input("Seed", 0, 2**31 - 1, 0)
    words = columns[2].text_input("Seed words", placeholder="snare, poaching")
    return {
        "model_name": model or DEFAULT_MODEL,
        "min_support": int(support),
        "min_cluster_size": None if size is None else int(size),
        "top_n": int(top),
        "seed": int(seed),
        "seed_words": [part.strip() for part in words.split(",") if part.strip()],
    }


def _model_label(name: str) -> str:
    here = deps.settings().active_backend is Backend.MODAL or is_here(name)
    missing = "" if here else "; its weights are not on this computer and are fetched from Hugging Face"
    return f"{name} ({EMBEDDING_MODELS[name].languages}{missing})"


def run_list(runs: Sequence[NoteRun], open_run: Callable[[int], None]) -> None:
    """Earlier runs; a click opens one."""
    table = st.dataframe(
        {
            "run": [run.name for run in runs],
            "when": [moment(run.created_at) for run in runs],
            "compared by": [name_of(run.settings.get("grouping", "")) for run in runs],
            "notes": [run.figures.get("notes") for run in runs],
            "keywords": [run.figures.get("keywords") for run in runs],
            "clusters": [run.figures.get("clusters") for run in runs],
            "state": [run.state for run in runs],
        },
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="note_runs",
    )
    rows = table.selection.rows
    if rows:
        open_run(runs[rows[0]].id)


def follow(run_id: int) -> None:
    """The progress of a run; the page is drawn again when it ends."""

    @drawn_again("1s")
    def live() -> None:
        with deps.survey().read() as session:
            run = survey_notes.run_of(session, run_id)
            waits = ledger.waits_for(session, notes_workflow_id(run_id, run.attempt)) if run is not None else None
        if run is None or not run.open:
            st.rerun()
            return
        share, text = pace(run, time.time())
        st.progress(share, text=text)
        if waits:
            st.warning(waits, icon=":material/hourglass_top:")

    live()


def pace(run: NoteRun, now: float) -> tuple[float, str]:
    """How far a run is (0 to 1) and the line that says so: step, count, rate, time left."""
    if run.state == RunState.QUEUED or run.node is None:
        return 0.0, "waiting for the worker · you can close this tab"
    step = ORDER.index(run.node) if run.node in ORDER else 0
    inside = run.done / run.total if run.total > 1 else 0.0
    text = f"step {step + 1} of {len(ORDER)} · {STEPS.get(run.node, run.node)}"
    passed = now - (run.node_started_at or now)
    if run.total > 1 and run.done and passed > 1:
        rate = run.done / passed
        text += (
            f" · {run.done:,} of {run.total:,} · {rate:,.0f}/s · about {duration((run.total - run.done) / rate)} left"
        )
    return min((step + inside) / len(ORDER), 1.0), f"{text} · you can close this tab"


def stopped(run: NoteRun) -> None:
    """What went wrong, what was kept, and the way on."""
    st.error(f"{plain(run.error or '')} Your notes and what was computed before are kept.")
    if st.button("Run again", icon=":material/replay:", type="primary"):
        start_again(deps.survey(), deps.jobs(), run.id)
        st.rerun()
