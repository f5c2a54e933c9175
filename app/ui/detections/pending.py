"""Images and videos on the page that no model has looked at yet."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import deps
from app.survey.media import browse
from app.survey.media.browse import MediaView
from app.ui.shared.troubles import drawn_again, drawn_by_itself


def drawn_when_looked_at(views: Sequence[MediaView]) -> None:
    """Draw the page again when one of those it shows has been looked at: its boxes come, and it can be decided."""
    waiting = [view.id for view in views if view.stage == "stored"]

    @drawn_again("2s" if waiting else None)
    def wait() -> None:
        if waiting and drawn_by_itself():
            left = deps.read(browse.being_looked_at, waiting)
            if left < len(waiting):
                st.rerun()

    wait()
