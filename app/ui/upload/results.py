"""Bring in results of other tools: give a file, see what it would do, take it, take it back."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app import deps
from app.actions.imports import ImportRefused, checked_path
from app.exchange.incoming import bringing_in
from app.survey.decisions import results as decisions
from app.survey.results.views import ResultsView, recent
from app.survey.tables.results import ResultsState
from app.ui.shared.decisions import callback, decide, undo
from app.ui.shared.troubles import drawn_again
from app.ui.shared.words import duration, many, plain
from app.ui.upload.given import reasons_table

LARGEST_MB = 500


def results_card() -> None:
    """A file to bring in, and what became of the latest files; refreshes by itself while a job is at one."""
    with st.expander("Bring in results of another tool", key="bring-in-results", expanded=bool(_recent())):
        st.caption(
            "Boxes that another detector found for images that are here: MegaDetector JSON (also of AddaxAI), "
            "SpeciesNet predictions, PytorchWildlife. They come in under that model's name, as model output that you "
            "review, species as hints beside the boxes; what somebody has decided stays as it is."
        )
        _ask_for_file()
        under_way = any(file.under_way for file in _recent())

        @drawn_again("1s" if under_way else None)
        def live() -> None:
            files = _recent()
            for file in files:
                _draw(file)
            if under_way and not any(file.under_way for file in files):
                st.rerun()

        live()


def _ask_for_file() -> None:
    sent = st.file_uploader("Results", type=["json", "txt"], key="results-upload", max_upload_size=LARGEST_MB)
    if sent is not None and st.session_state.get("results-read") != sent.file_id:
        st.session_state["results-read"] = sent.file_id
        _have_read(bringing_in.receive(deps.survey(), sent), sent.name)
    with st.form("results-path", border=False):
        path = st.text_input("Or a file on this server, of any size", placeholder="/media/card/results.json")
        if st.form_submit_button("Read it", icon=":material/preview:") and path.strip():
            try:
                place = checked_path(deps.settings(), path.strip())
            except ImportRefused as refused:
                st.error(plain(str(refused)))
            else:
                _have_read(place, place.name)


def _have_read(place: Path, name: str) -> None:
    """Have a job read a file."""
    try:
        results_id = bringing_in.register(deps.survey(), place, name, deps.reviewer())
    except OSError as error:
        st.error(plain(f"{name} cannot be read: {error.strerror}."))
        return
    deps.jobs().bring_in_results(results_id)
    st.rerun()


def _draw(file: ResultsView) -> None:
    with st.container(key=f"results-{file.id}", border=True):
        st.markdown(f"**{plain(file.name)}**")
        if file.error:
            st.error(plain(file.error))
        elif file.state == ResultsState.READING:
            st.progress(0.0, text="Reading the file and finding its images here …")
        elif file.under_way:
            st.progress(min(max(file.taken, 0) / max(file.matched, 1), 1.0), text=_pace(file))
        elif file.decision_id is not None:
            st.caption(f"Brought in: {many(file.taken, file.noun)} of {file.entries:,} that it names.")
        else:
            _plan(file)
        if file.decision_id is not None:
            taking_back = callback(undo, decision_id=file.decision_id, message=f"{file.name} no longer counts.")
            st.button("Undo", key=f"results-undo-{file.id}", icon=":material/undo:", on_click=taking_back)


def _pace(file: ResultsView) -> str:
    if file.decision_id is None and file.noun == "image":
        return "Being taken back; our own detector looks at images without other boxes"
    if file.decision_id is None:
        return f"Being taken back: {many(file.taken, file.noun)} still stand · {duration(file.eta_seconds)} left"
    if file.taken >= file.matched:
        return f"{many(file.taken, file.noun)} stored; their animals are being described"
    return f"{file.taken:,} of {many(file.matched, file.noun)} stored · {duration(file.eta_seconds)} left"


def _plan(file: ResultsView) -> None:
    """What a file would do, with the button that does it."""
    plan = bringing_in.plan(deps.survey(), file.id)
    st.markdown(
        plain(f"{plan.format} by {plan.detector}, threshold {plan.threshold:g}: {many(plan.entries, 'image')}.")
    )
    good = plan.matched - plan.kept
    if plan.kept:
        st.caption(f"{many(plan.kept, 'image')} stay as they are: somebody has decided about them.")
    if plan.unmatched:
        with st.expander(f"{many(plan.entries - plan.matched, 'image')} cannot be taken: which and why"):
            st.dataframe({"reason": list(plan.reasons), "images": list(plan.reasons.values())}, hide_index=True)
            reasons_table(plan.unmatched)
    label = f"Bring in the boxes of {many(good, 'image')}"
    if st.button(label, type="primary", key=f"results-take-{file.id}", disabled=not good) and decide(
        decisions.bring_in, file.id, message=f"{file.name} is being brought in."
    ):
        deps.jobs().bring_in_results(file.id)
        st.rerun()


def _recent() -> list[ResultsView]:
    return deps.read(recent)
