"""Cells that a spreadsheet opens as text: what would be taken for a formula gets an apostrophe in front."""

from __future__ import annotations

# OWASP, "CSV injection": signs that start a formula, and those that some programs skip before looking.
STARTERS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_cell(value: object) -> object:
    """A text as a spreadsheet may have it; numbers stay numbers."""
    if not isinstance(value, str):
        return value
    shown = value.replace("\x00", "")
    return f"'{shown}" if shown.lstrip(" ").startswith(STARTERS) or shown.startswith(STARTERS) else shown
