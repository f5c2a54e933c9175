"""The login gate: only where st.login is configured ([auth] in .streamlit/secrets.toml)."""

from __future__ import annotations

import streamlit as st

from app import deps
from app.survey import audit
from app.survey.roles import NotAllowed, Role
from app.ui.shared.words import plain

ARRIVED = "signed-in-as"
LOOK_ONLY = ("upload", "export")  # pages that are about bringing in and taking out
UNPROTECTED = (
    "No login is set up: everybody who reaches this dashboard may do everything in it. README says how to set one up."
)


def login_gate() -> None:
    """Stop the page until somebody has logged in who is on a list; do nothing where no login is configured."""
    if not deps.login_is_set_up():
        if deps.settings().hosts:
            st.html(f'<div class="pm-guide">{UNPROTECTED}</div>')
        return
    account = deps.account()
    if not account:
        st.title("Pugmark", anchor=False)
        st.write("This survey is for its team. Log in to go on.")
        st.button("Log in", type="primary", on_click=st.login)
        st.stop()
    try:
        person = deps.person()
    except NotAllowed as refused:
        _note(str(account.get("email") or "nobody"), audit.REFUSED, "on no list")
        st.title("Pugmark", anchor=False)
        st.error(f"{plain(str(refused))} Whoever runs it can add you: PUGMARK_VIEWERS, REVIEWERS or ADMINS in README.")
        st.button("Log in as somebody else", on_click=st.logout)
        st.stop()
    _note(person.who, audit.SIGNED_IN, person.role.title)


def role_gate(address: str) -> None:
    """Stop pages that are not for somebody who may only look. address: of the page."""
    if address in LOOK_ONLY and deps.person().role is Role.VIEWER:
        st.info("You may look at this survey. Bringing in and taking out is for its reviewers.", icon=":material/lock:")
        st.stop()


def _note(who: str, kind: str, about: str) -> None:
    """Write into the audit log, once a session."""
    if st.session_state.get(ARRIVED) != (who, kind):
        st.session_state[ARRIVED] = (who, kind)
        with deps.whole_survey().write() as session:
            audit.note(session, who, kind, about)
