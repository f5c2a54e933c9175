"""The videos under way: how far, how long still."""

from __future__ import annotations

import streamlit as st

from app import deps
from app.survey.videos import tracklets, views
from app.ui.shared.troubles import drawn_again
from app.ui.shared.words import duration, many


def videos_under_way() -> None:
    """One line for each video being summarised; refreshes by itself until all are done."""
    left = deps.read(views.waiting)

    @drawn_again("2s" if left else None)
    def live() -> None:
        with deps.survey().read() as session:
            waiting = views.waiting(session)
            running = tracklets.under_way(session)
        for progress in running:
            eta = f" · about {duration(progress.eta_seconds)} left" if progress.eta_seconds else ""
            others = f" · {many(waiting - 1, 'video')} after it" if waiting > 1 else ""
            st.progress(
                min(progress.share, 1.0),
                text=f"Summarising a video, {progress.share:.0%}{eta}{others} · you can close this tab",
            )
        if waiting and not running:
            st.caption(f"{many(waiting, 'video')} wait for the worker · you can close this tab")
        if left and waiting < left:
            st.rerun()

    live()
