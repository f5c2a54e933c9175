"""Operations: what runs, what waits, what went wrong, how long things take, and how Modal is doing."""

from __future__ import annotations

import streamlit as st

from app import deps
from app.settings import Backend
from app.survey.calls import figures as call_figures
from app.survey.calls import reuse
from app.survey.calls.overview import snapshot
from app.survey.calls.spending import this_month
from app.survey.media.progress import recent_imports
from app.survey.videos import answers as video_answers
from app.ui.operations import charts as operations_charts
from app.ui.operations import controls, profile, tables
from app.ui.operations.evaluations import evaluations
from app.ui.operations.models import models_and_licences
from app.ui.operations.trial import trial
from app.ui.operations.waiting import waiting_jobs
from app.ui.shared.header import page_header
from app.ui.shared.status_strip import BACKEND_WORDS
from app.ui.shared.troubles import drawn_again

REFRESH = "3s"
SLOWLY = "20s"


@drawn_again(REFRESH)
def figures() -> None:
    """What changes by itself: totals, imports, what waits, models, Modal."""
    settings = deps.settings()
    with deps.survey().read() as session:
        stats = call_figures.get_stats(session)
        per_model = call_figures.model_figures(session)
        notes = call_figures.open_notes(session)
        asked = reuse.asked(session)
        imports = recent_imports(session, limit=6)
        month = this_month(session) if settings.active_backend is Backend.MODAL else None
        answers = video_answers.spent(session)
    tables.totals(stats, asked.reused, deps.jobs().waiting())
    for note in notes:
        st.warning(note, icon=":material/hourglass_top:")
    controls.imports(imports)
    waiting_jobs(imports)
    st.subheader("Models", anchor=False)
    profile.rapid()
    tables.models(per_model)
    tables.cost(per_model, month, settings.modal_budget)
    tables.questions(*answers)
    if settings.active_backend is Backend.MODAL:
        st.subheader("Modal now", anchor=False)
        latest = deps.modal_watch().latest()
        tables.stalled(latest, settings)
        tables.modal_now(latest)
        controls.warm_up(latest)


@drawn_again(SLOWLY)
def charts() -> None:
    """Answers kept by content, where the time went, and versions side by side."""
    with deps.survey().read() as session:
        models = call_figures.models_called(session)
        asked, kept = reuse.asked(session), reuse.kept(session)
    tables.kept_answers(asked, kept)
    if not models:
        return
    st.subheader("How long calls take", anchor=False)
    operations_charts.time_of_calls(models)
    st.subheader("Versions side by side", anchor=False)
    operations_charts.comparison()


@drawn_again(SLOWLY)
def another_detector() -> None:
    """A detector on trial beside the one in use."""
    trial()


@drawn_again(REFRESH)
def failures() -> None:
    """The newest calls without a result, and what can be done."""
    failed = deps.read(call_figures.recent_failures)
    st.subheader("Calls that failed", anchor=False)
    tables.failures(failed)
    controls.retry(snapshot(deps.survey()).failed)


page_header(
    "Operations",
    "What is running, what is waiting, how long it takes, and what failed.",
    f"models run {BACKEND_WORDS[deps.settings().active_backend]}",
)
tables.who_may_what(deps.person(), deps.login_is_set_up())
figures()
charts()
another_detector()
with st.expander("Models, weights and licences", icon=":material/inventory_2:"):
    models_and_licences(deps.settings())
with st.expander("Measured against known answers", icon=":material/straighten:"):
    evaluations(deps.settings().data_dir)
failures()
if deps.settings().active_backend is not Backend.MODAL:
    tables.not_connected()
