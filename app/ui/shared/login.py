"""The login gate: only where st.login is configured ([auth] in .streamlit/secrets.toml)."""

from __future__ import annotations

import streamlit as st


def login_gate() -> None:
    """Stop the page until the person has logged in; do nothing where no login is configured."""
    if "is_logged_in" not in st.user or st.user.is_logged_in:
        return
    st.title("Pugmark", anchor=False)
    st.write("This survey is for its team. Log in to go on.")
    st.button("Log in", type="primary", on_click=st.login)
    st.stop()
