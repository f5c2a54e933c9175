"""Decide and undo from a page: what came of it is shown as a toast."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import streamlit as st

from app import deps
from app.actions import decide as actions
from app.actions.decide import Made, Outcome, Settled
from app.survey.decisions.kinds import Undo
from app.survey.roles import NotAllowed
from app.ui.shared.words import plain


def decide(action: Callable[..., Made], *args: Any, message: str = "", **values: Any) -> bool:
    """Make a decision, see `actions.decide`. message: what to show when it worked. Returns whether it did."""
    return show(actions.decide(deps.survey(), deps.jobs(), deps.reviewer(), action, *args, **values), message)


def undo(button: Undo | None = None, *, message: str = "Taken back.", **which: Any) -> bool:
    """Take a decision back, see `actions.undo`. Returns whether something was."""
    outcome = actions.undo(deps.survey(), deps.jobs(), deps.reviewer(), button, **which)
    if not outcome.decisions and not outcome.refused:
        st.toast("There is nothing to undo.", icon=":material/undo:")
        return False
    return show(outcome, message)


def callback(act: Callable[..., bool], *args: Any, **values: Any) -> Callable[[], None]:
    """`decide` or `undo` with its arguments, for the on_click of a button."""

    def call() -> None:
        act(*args, **values)

    return call


def allowed(act: Callable[..., Any]) -> Callable[..., None]:
    """A callback that shows as a toast that a person's role does not allow it."""

    @wraps(act)
    def call(*args: Any, **values: Any) -> None:
        try:
            act(*args, **values)
        except NotAllowed as refused:
            st.toast(plain(str(refused)), icon=":material/lock:", duration="long")

    return call


def show(outcome: Outcome, message: str = "") -> bool:
    """Show what came of a decision; returns whether it was made."""
    show_notes(outcome)
    if message and not outcome.refused:
        st.toast(plain(message), icon=":material/check:")
    return not outcome.refused


def show_notes(made: Outcome | Settled) -> None:
    """Show what could not be done, and what the person should know."""
    for problem in made.problems:
        st.toast(plain(problem), icon=":material/error:", duration="long")
    for text in made.messages:
        st.toast(plain(text), icon=":material/group:", duration="long")


def undo_button(button: Undo | None = None, **values: Any) -> None:
    """A button that takes back this person's last decision of these kinds, of any kind when None; Z presses it.

    values: for the button, in place of the usual ones.
    """
    usual: dict[str, Any] = {"shortcut": "Z", "help": "Your last decision, again and again"}
    st.button("Undo", icon=":material/undo:", on_click=callback(undo, button), **usual | values)
