"""Seconds of a video as people read them."""

from __future__ import annotations


def timecode(second: float) -> str:
    """Minutes, seconds and tenths, with hours where there are any: 0:07.3."""
    tenths = round(max(second, 0.0) * 10)
    hours, rest = divmod(tenths, 36000)
    minutes, rest = divmod(rest, 600)
    head = f"{hours}:{minutes:02d}" if hours else str(minutes)
    return f"{head}:{rest // 10:02d}.{rest % 10}"
