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
    "0 to 9": "the most animals at once that you see",
    "B": "no animal in this video",
    "D": "draw a box: drag around the animal",
    "Z Y": "undo, redo",
    "Home End": "first, last",
    "H": "hold to hide the boxes",
    "?": "these keys",
}
_frames = register(Path(__file__).parent, "marks")


def marks_of(key: str) -> list[dict[str, Any]]:
    """What a person did over the frames and the browser last sent: apply it first, then draw. See `video_frames`."""
    value = (st.session_state.get(key) or {}).get("marks") or {}
    return list(value.get("actions") or [])


def video_frames(
    frames: Sequence[Mapping[str, Any]],
    *,
    key: str,
    media_id: int,
    width: int,
    height: int,
    jump: Mapping[str, Any] | None = None,
    ack: int = 0,
    as_of: float | None = None,
) -> None:
    """Draw the frames. Actions that come back, n rising: {n, uuid, kind, media_id, ...}, of the kinds count {animals},
    draw {category, box, frame, second}, undo {undoes} and redo. seen: the as_of of what the person saw.

    frames: [{number, second, time (as text), src (address), boxes: [{name, c, x, y, w, h}]}], in order.
    width, height: of the video, in pixels. jump: {number, n}: show this frame; a new n asks again.
    ack: the highest n that is in the survey. as_of: when the count and the boxes were read, in seconds since 1970.
    """
    if not deps.routes_served():
        st.caption("Pictures need `streamlit run app/main.py`; this server was started without it.")
        st.dataframe(
            {"time": [frame["time"] for frame in frames], "boxes": [len(frame["boxes"]) for frame in frames]},
            hide_index=True,
        )
        return
    _frames(
        key=key,
        data={
            "keys": list(KEYS.items()),
            "frames": [dict(frame) for frame in frames],
            "width": width,
            "height": height,
            "jump": dict(jump or {}),
            "media_id": media_id,
            "store": f"{deps.survey_mark()}:{key}",
            "ack": ack,
            "as_of": as_of,
        },
    )
