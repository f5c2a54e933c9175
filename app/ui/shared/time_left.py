"""The time left of an import as it is shown: the same on every part of a page."""

from __future__ import annotations

import time

import streamlit as st

LEAST_DELAY, SLOWER = 20.0, 0.4  # seconds, and share of what is left, by which the end may slip unshown


def seconds_left(import_id: int, measured: float | None) -> float | None:
    """Seconds that run down by the clock, and go up only when the pace has really fallen.

    measured: seconds left by the pace of this moment; None while it is not known.
    """
    if measured is None:
        return None
    now = time.monotonic()
    ends: dict[int, float] = st.session_state.setdefault("import-ends", {})
    shown, end = ends.get(import_id), now + measured
    if shown is None or end < shown or end - shown > max(LEAST_DELAY, SLOWER * (shown - now)):
        ends[import_id] = end
    return max(ends[import_id] - now, 1.0)
