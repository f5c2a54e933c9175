"""What every view of Individuals shares: its Undo button, days and times under crops."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from app.survey.decisions.kinds import Undo
from app.ui.shared.decisions import callback, undo


def day(taken_at: datetime | None) -> str:
    """The day of a camera-local time, short enough to stand under a small crop."""
    return f"{taken_at.day} {taken_at:%b %Y}" if taken_at else "time unknown"


def clock(taken_at: datetime | None) -> str:
    """The time of day with a separator after it."""
    return f"{taken_at:%H:%M} · " if taken_at else ""


def undo_button() -> None:
    """Take back this person's last decision about individuals."""
    st.button(
        "Undo",
        icon=":material/undo:",
        shortcut="Z",
        on_click=callback(undo, Undo.INDIVIDUALS),
        help="Your last decision, again and again",
    )
