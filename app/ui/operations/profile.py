"""Which profile of RAPID the survey uses, and the change to the other one, which only a person starts."""

from __future__ import annotations

import streamlit as st

from app import deps
from app.actions.models import change_profile
from app.settings import AUTO
from app.survey.detections import rapid_profile
from app.survey.detections.rapid_profile import TITLES
from app.survey.roles import Role
from app.ui.shared.decisions import allowed
from app.ui.shared.words import many
from modal_backend.registry import LOCAL, LOCAL_FINE

WHY = {
    LOCAL: "RAPID 224 answers faster in a survey of this size and takes a quarter of the room. The crops are described "
    "by it beside your work; it ranks when it has described all. Probabilities then begin anew.",
    LOCAL_FINE: "RAPID 448 is right more often in a survey of this size. The crops are described by it beside your "
    "work; it ranks when it has described all. Probabilities then begin anew.",
}


def rapid() -> None:
    """The profile, with how far a change is, or a button that starts one where the other profile fits the survey."""
    with deps.survey().read() as session:
        model = rapid_profile.chosen(session)
        coming, progress = rapid_profile.coming(session), rapid_profile.progress(session)
        large = rapid_profile.is_large(session)
        sentence = rapid_profile.sentence(session)
    if model is None:
        return
    fitting = LOCAL if large else LOCAL_FINE
    by_setting = deps.settings().local_features != AUTO
    locked = deps.person().role < Role.ADMIN
    left, right = st.columns([6, 1], vertical_alignment="center")
    if coming is not None and progress is not None:
        done, whole = progress
        text = f"{TITLES[coming]} has described {done:,} of {many(whole, 'crop')}; {TITLES[model]} ranks until then."
        left.progress(min(done / whole, 1.0) if whole else 0.0, text=text)
        if not by_setting:
            right.button(
                "Stop", icon=":material/stop_circle:", key="keep-profile", disabled=locked,
                on_click=_change, args=(model,),
            )  # fmt: skip
        return
    left.caption(f"{sentence} {WHY[fitting] if model != fitting else ''}")
    if model != fitting and not by_setting:
        label = f"Use {TITLES[fitting]}"
        right.button(
            label, icon=":material/fingerprint:", key="use-profile", disabled=locked, on_click=_change, args=(fitting,)
        )


@allowed
def _change(model: str) -> None:
    change_profile(deps.survey(), deps.reviewer(), model)
