"""Decide something about individuals from a page: in one transaction, with what went wrong told in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import streamlit as st

from app import deps
from app.survey.decisions import catalogue, identity, plausibility
from app.survey.decisions.boxes import BadDecision
from app.survey.decisions.changes import DecisionConflict, undo_last
from app.survey.decisions.identity import Contradiction
from app.survey.media import stations

UNDOABLE = (*catalogue.KINDS, *identity.KINDS, *plausibility.KINDS, *stations.KINDS)


def decide(action: Callable[..., Any], *args: Any, told: str = "", **values: Any) -> bool:
    """Make a decision; a problem is told and nothing is changed. told: what to say when it worked."""
    try:
        with deps.survey().write() as session:
            done = action(session, deps.reviewer(), *args, **values)
    except (BadDecision, Contradiction, DecisionConflict) as problem:
        st.toast(str(problem), icon=":material/error:")
        return False
    if done is None:
        st.toast("There is nothing to undo.", icon=":material/undo:")
    elif told:
        st.toast(told, icon=":material/check:")
    return True


def day(taken_at: datetime | None) -> str:
    """The day of a camera-local time, short enough to stand under a small crop."""
    return f"{taken_at.day} {taken_at:%b %Y}" if taken_at else "time unknown"


def clock(taken_at: datetime | None) -> str:
    """The time of day with a separator after it."""
    return f"{taken_at:%H:%M} · " if taken_at else ""


def plain(text: str) -> str:
    """Text for Markdown, without its signs."""
    return "".join("\\" + sign if sign in "\\`*_{}[]<>#|~$" else sign for sign in text)


def undo_button() -> None:
    """Take back this person's last decision about identities."""

    def undo() -> None:
        decide(undo_last, UNDOABLE, told="Taken back.")

    st.button("Undo", icon=":material/undo:", shortcut="Z", on_click=undo, help="Your last decision, again and again")
