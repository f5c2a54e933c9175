"""The frames of a video as a strip, one of them large with its boxes; moving among them needs no script run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from app import deps
from app.ui.shared.component import register

KEYS = {
    "← →": "frame by frame",
    "Space": "play or stop the frames looked at",
    "Home End": "first, last",
    "H": "hold to hide the boxes",
    "?": "these keys",
}
_frames = register(Path(__file__).parent)


def video_frames(
    frames: Sequence[Mapping[str, Any]], *, key: str, width: int, height: int, jump: Mapping[str, Any] | None = None
) -> None:
    """Draw the frames.

    frames: [{number, second, time (as text), src (address), boxes: [{name, c, x, y, w, h}]}], in order.
    width, height: of the video, in pixels. jump: {number, n}: show this frame; a new n asks again.
    """
    if not deps.routes_served():
        st.caption("Pictures need `streamlit run app/main.py`; this server was started without it.")
        st.dataframe(
            {"time": [one["time"] for one in frames], "boxes": [len(one["boxes"]) for one in frames]}, hide_index=True
        )
        return
    _frames(
        key=key,
        data={
            "keys": list(KEYS.items()),
            "frames": [dict(one) for one in frames],
            "width": width,
            "height": height,
            "jump": dict(jump or {}),
        },
    )
