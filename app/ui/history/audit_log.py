"""The audit log, under the decisions: sign-ins, exports, moved jobs, what was chosen for models."""

from __future__ import annotations

import streamlit as st

from app import deps
from app.survey import audit
from app.survey.roles import Role
from app.ui.shared.words import moment

MOST = 500


def audit_log() -> None:
    """The newest entries of the audit log, for reviewers and admins; nothing where there are none."""
    if deps.person().role < Role.REVIEWER:
        return
    rows = deps.read(audit.newest, MOST)
    if not rows:
        return
    with st.expander("Sign-ins, exports, jobs and models", icon=":material/shield_person:"):
        st.dataframe(
            {
                "when": [moment(row.at) for row in rows],
                "who": [row.who for row in rows],
                "what": [row.kind for row in rows],
                "about": [row.about for row in rows],
            },
            hide_index=True,
        )
