"""The uploader: files, folders and zips go to PUT /api/uploads one by one, past Streamlit's memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from app import deps
from app.ui.shared.component import register

READ = "JPEG, PNG, WebP, TIFF, HEIC, DNG, videos (MP4, MOV, AVI, ASF, MKV, WebM)"
_uploader = register(Path(__file__).parent, "progress")


def uploader(batch: str, token: str, key: str, *, zips: bool = True) -> dict[str, Any]:
    """Draw the drop zone of one batch; sending goes on through reruns and page changes while the tab is open.

    All but hidden files and an operating system's own are sent: the import says what it makes of each, and reads the
    .THM beside a video.

    Args:
        zips: whether zips are taken.

    Returns:
        {batch, total, done, bytes, bytes_done, left_out, failed: [{path, error}] (at most 200), failed_count,
        finished}; finished means that nothing is under way, with or without failures.
    """
    nothing_yet = {
        "batch": batch, "total": 0, "done": 0, "bytes": 0, "bytes_done": 0, "left_out": 0,
        "failed": [], "failed_count": 0, "finished": False,
    }  # fmt: skip
    if not deps.routes_served():
        st.warning("Uploads need `streamlit run app/main.py`; this server was started without it.")
        return nothing_yet
    lead = "Drop files, a folder or a zip here" if zips else "Drop files or a folder here"
    hint = f"{READ}{' or zip' if zips else ''} · folders keep names"
    known = (st.session_state.get(key) or {}).get("progress")
    result = _uploader(key=key, data={"batch": batch, "token": token, "lead": lead, "hint": hint, "known": known})
    progress = result.get("progress")
    return dict(progress) if progress and progress.get("batch") == batch else nothing_yet
