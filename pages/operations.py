"""Operations: what runs, what waits, what went wrong, how long things take, and how Modal is doing."""

from __future__ import annotations

import streamlit as st

from app import deps
from app.settings import Backend
from app.survey import call_figures
from app.ui import operations
from app.ui.header import page_header
from app.ui.model_table import models_and_licences

REFRESH = "3s"


@st.fragment(run_every=REFRESH)
def figures() -> None:
    """Everything that changes by itself."""
    settings = deps.settings()
    with deps.survey().read() as session:
        stats = call_figures.get_stats(session)
        per_model = call_figures.model_figures(session)
        notes = call_figures.open_notes(session)
        reused = call_figures.reused(session)
        failed = call_figures.recent_failures(session)
    operations.totals(stats, reused, deps.jobs().waiting())
    for note in notes:
        st.warning(note, icon=":material/hourglass_top:")
    operations.models(per_model)
    operations.cost(per_model)
    if settings.active_backend is Backend.MODAL:
        st.subheader("Modal now", anchor=False)
        latest = deps.modal_watch().latest()
        operations.stalled(latest, settings)
        operations.modal_now(latest)
    st.subheader("Calls that failed", anchor=False)
    operations.failures(failed)


page_header("What runs and what waits", f"The models run on the {deps.settings().active_backend} backend.")
figures()
with st.expander("Models, weights and licences", icon=":material/inventory_2:"):
    models_and_licences(deps.settings())
if st.button("Analyse the failed images again", icon=":material/replay:"):
    deps.jobs().retry_failed()
    st.toast("The failed images are in the queue.")
if deps.settings().active_backend is not Backend.MODAL:
    operations.not_connected()
