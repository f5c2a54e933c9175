"""What a person can do on Operations: stop or repeat an import, analyse again what failed, keep models warm."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import deps
from app.actions.models import keep_warm
from app.analysis.modal_watch import ModalFigures
from app.survey.media.progress import Progress
from app.survey.roles import Role
from app.survey.tables.media import ImportState
from app.ui.shared.decisions import allowed
from app.ui.shared.words import many, plain
from app.ui.upload.progress import draw_pace, run_again_button
from modal_backend.registry import MODELS, REMOTE
from modal_backend.remote.prices import AS_OF, per_second

HOUR = 3600


def imports(found: Sequence[Progress]) -> None:
    """Imports under way with how far they are and a button that stops them; stopped ones can be run again."""
    running = [progress for progress in found if progress.running]
    stopped = [progress for progress in found if progress.state == ImportState.FAILED][:3]
    if not running and not stopped:
        return
    st.subheader("Imports", anchor=False)
    for progress in running:
        left, right = st.columns([6, 1], vertical_alignment="center")
        with left:
            draw_pace(progress, f"{plain(progress.label)} · ")
        with right.popover("Stop", icon=":material/stop_circle:", key=f"stop-{progress.id}"):
            st.write(
                f"What is finished stays: {many(progress.done, 'file')}. The import can be run again and goes on there."
            )
            st.button("Stop this import", key=f"cancel-{progress.id}", on_click=_cancel, args=(progress.id,))
    for progress in stopped:
        left, right = st.columns([6, 1], vertical_alignment="center")
        left.text(
            f"{progress.label} stopped after {many(progress.done, 'file')}: {progress.error or 'no reason is known'}"
        )
        with right:
            run_again_button(progress)


@allowed
def _cancel(import_id: int) -> None:
    deps.jobs().cancel_import(import_id)
    st.toast("The import is stopped. What was finished is kept.", icon=":material/stop_circle:")


def retry(failed: int) -> None:
    """Analyse again every image and video whose analysis failed."""
    if failed:
        st.button("Analyse the failed ones again", icon=":material/replay:", key="retry-failed", on_click=_retry)


@allowed
def _retry() -> None:
    deps.jobs().retry_failed()
    st.toast("What failed is in the queue.", icon=":material/replay:")


def warm_up(figures: ModalFigures) -> None:
    """A switch a model that keeps one container running, with what that costs; off unless somebody switches it on."""
    if figures.health.state != "ready":
        return
    watch = deps.modal_watch()
    wanted, trouble = watch.warming(), watch.trouble()
    models = [name for name in REMOTE if MODELS[name].here]
    now = watch.latest().warm  # read after what is wanted: a wish that was just fulfilled is in one of the two
    kept = {name: wanted.get(name, now.get(name, 0)) for name in models}
    st.subheader("Keep warm", anchor=False)
    st.caption(
        "A warm container answers without a cold start and is charged for every second it is kept, used or not, until "
        f"it is switched off here or the app is deployed again. List prices of {AS_OF}."
    )
    with st.container(horizontal=True):
        for name in models:
            with st.container(width=250):
                _switch(name, kept[name], name in wanted)
    for name, reason in trouble.items():
        st.warning(f"{name}: the switch had no effect. {reason}", icon=":material/cloud_off:")
    dollars = sum(per_second(name) * HOUR * count for name, count in kept.items())
    if dollars:
        count = sum(kept.values())
        st.warning(
            f"{many(count, 'container')} kept warm: about ${dollars:.2f} an hour, ${24 * dollars:.2f} a day.",
            icon=":material/local_fire_department:",
        )


def _switch(name: str, kept: int, asked: bool) -> None:
    key = f"warm-{name}"
    st.session_state[key] = kept > 0
    gpu = REMOTE[name].gpu or "CPU"
    st.toggle(name, key=key, disabled=deps.person().role < Role.ADMIN, on_change=_turn, args=(name, key))
    state = "asking Modal …" if asked else f"{gpu}, ${per_second(name) * HOUR:.2f} an hour"
    st.caption(state if asked or kept <= 1 else f"{state}, {kept} containers")


@allowed
def _turn(name: str, key: str) -> None:
    keep_warm(deps.survey(), deps.modal_watch(), deps.reviewer(), name, 1 if st.session_state[key] else 0)
