"""Choose a range of a deployment's media by the pictures where it begins and ends, and show them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from app import deps
from app.survey.media.clocks import Timed
from app.ui.shared.words import plain

WHOLE, FROM, TO, BETWEEN = "All of it", "From a picture on", "To a picture", "From one to another"
STEPS = (WHOLE, FROM, TO, BETWEEN)


def pick_range(media: Sequence[Timed], key: str, *, start: int | None = None) -> tuple[int | None, int | None, Timed]:
    """The first and the last media (ids; None: from the beginning, to the end), and the picture to go by.

    Args:
        media: in the camera's order.
        start: the media to begin with.
    """
    how = st.segmented_control(
        "Which pictures", STEPS, default=FROM if start else WHOLE, key=f"{key}-range", required=True
    )
    ids = [timed.media_id for timed in media]
    begin = ids.index(start) + 1 if start in ids else 1
    label = {WHOLE: "Picture to look at", TO: "Last picture"}.get(how, "First picture")
    first = media[_number(label, len(media), begin if how != TO else len(media), f"{key}-{how}-a") - 1]
    if how != BETWEEN:
        return (first.media_id if how == FROM else None), (first.media_id if how == TO else None), first
    last = media[_number("Last picture", len(media), len(media), f"{key}-b") - 1]
    st.caption(f"From {plain(first.path)} to {plain(last.path)}")
    return first.media_id, last.media_id, first


def show_picture(timed: Timed) -> None:
    """The picture, as large as there is room, so that a burnt-in time can be read."""
    if not deps.routes_served():
        return
    source = deps.view_url(timed.sha256) if timed.kind == "image" else deps.thumb_url(timed.sha256)
    name = escape(timed.path.rpartition("/")[2], quote=True)
    st.html(f'<img src="{source}" alt="{name}" style="width:100%;border-radius:6px;display:block">')


def _number(label: str, most: int, value: int, key: str) -> int:
    """One picture of a deployment, counted in the camera's order from 1."""
    return int(st.number_input(f"{label} (1 to {most:,})", 1, most, value, key=key, width=220))
