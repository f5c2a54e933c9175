"""Look closer at one image: the pocket detector once more, on a larger picture, for small and far animals."""

from __future__ import annotations

import time

import streamlit as st

from app import deps
from app.survey.detections.results import detector_of
from app.survey.media.browse import MediaView
from app.ui.shared.decisions import allowed
from app.ui.shared.troubles import drawn_again
from app.ui.shared.words import plain
from modal_backend.errors import QueueFull, sentence
from modal_backend.registry import DETECTOR

LONG = 60.0


def look_closer(view: MediaView) -> None:
    """A button for an image that the pocket detector has looked at and nobody has decided about."""
    decided = view.verdict is not None or any(box.touched for box in view.boxes)
    if view.kind != "image" or view.stage != "ready" or decided or not _may(view.id):
        return
    if f"closer-{view.id}" in st.session_state:
        _wait(view.id)
        return
    st.button(
        "Look closer",
        icon=":material/zoom_in:",
        type="tertiary",
        on_click=_ask,
        args=(view.id,),
        disabled=not deps.jobs().ready(),
        help="Search this image once more at 1280 pixels, for small and far animals. It takes about a second.",
    )


def _may(media_id: int) -> bool:
    with deps.survey().read() as session:
        return detector_of(session, media_id) == DETECTOR


@allowed
def _ask(media_id: int) -> None:
    try:
        deps.jobs().look_closer(media_id)
    except QueueFull as error:
        st.toast(plain(sentence(error)), icon=":material/error:", duration="long")
        return
    st.session_state[f"closer-{media_id}"] = time.time()


@drawn_again("1s")
def _wait(media_id: int) -> None:
    if not _may(media_id):
        st.rerun()
    if time.time() - st.session_state[f"closer-{media_id}"] > LONG:
        st.caption("Nothing has come back yet. Operations shows what is under way.")
    else:
        st.caption("Looking closer …")
