"""Demo mode on the pages: what is whose, what the limits are, and what to do when there is no room."""

from __future__ import annotations

import streamlit as st

from app import deps
from app.web.demo import LIMITS, DemoFull
from app.web.services import services


def demo_gate() -> None:
    """Say the limits above every page of the demo; stop the page when there is no room or no cookie."""
    if services.demo is None:
        return
    try:
        deps.here()
    except (DemoFull, LookupError) as error:
        st.title("Pugmark", anchor=False)
        st.warning(str(error))
        st.stop()
    st.html(f'<div class="pm-guide">{LIMITS}</div>')
