"""The table of all models: which are in use, whose weights are there, what their licences allow."""

from __future__ import annotations

import streamlit as st

from app import deps
from app.analysis.model_choice import of_survey, shown, words
from app.settings import Backend, Settings
from modal_backend.registry import MATCH_FEATURES, MATCHER, MODELS
from modal_backend.weights.files import folder, looks_there


def models_and_licences(settings: Settings) -> None:
    """What is used and why, then one row a model. Reads file sizes only; nothing is loaded."""
    with deps.survey().read() as session:
        choice = of_survey(shown(settings), session, settings)
    in_use = {choice.detector, *choice.describing, MATCH_FEATURES, MATCHER}
    st.markdown(f"**In use:** {words(choice)}. {choice.reason}")
    bound = [MODELS[name].title for name in sorted(in_use) if MODELS[name].non_commercial]
    if bound:
        st.warning(f"Non-commercial use only: {'; '.join(bound)}.", icon=":material/gavel:")
    rows = [entry for entry in MODELS.values() if entry.here]
    st.dataframe(
        {
            "model": [entry.title for entry in rows],
            "task": [str(entry.task) for entry in rows],
            "in use": [entry.name in in_use for entry in rows],
            "weights here": [_weights(entry.name) for entry in rows],
            "licence": [entry.licence for entry in rows],
            "non-commercial": [entry.non_commercial for entry in rows],
            "name in settings": [entry.name for entry in rows],
        },
        hide_index=True,
    )
    where = "the Modal Volume" if settings.active_backend is Backend.MODAL else f"`{folder()}`"
    st.caption(
        f"Models in use take their weights from {where}. `python -m app weights` says how to get what is missing; "
        "PUGMARK_DETECTOR, PUGMARK_EMBEDDING "
        "and PUGMARK_LOCAL_FEATURES choose. Two embeddings at once are compared in the table above."
    )


def _weights(name: str) -> str:
    files = MODELS[name].files
    if not files:
        return "with the install"
    return "yes" if all(looks_there(file) for file in files) else "no"
