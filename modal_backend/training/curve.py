"""A training's curves as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

WIDE, HIGH, EDGE = 640, 180, 36


def write_curve(path: Path, rows: Sequence[dict[str, Any]], title: str) -> None:
    """One chart a figure over the epochs; rows as reid.fit makes them."""
    names = [name for name in rows[0] if name != "epoch"] if rows else []
    charts = "".join(_chart(name, [row[name] for row in rows]) for name in names)
    page = (
        f"<!doctype html><meta charset=utf-8><title>{escape(title)}</title><style>body{{font:14px sans-serif}}</style>"
    )
    path.write_text(f"{page}<h1>{escape(title)}</h1>{charts}", encoding="utf-8")


def _chart(name: str, values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return f"<p>{escape(name)}: nothing was held out to measure it with.</p>"
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    step = (WIDE - 2 * EDGE) / max(len(values) - 1, 1)
    points = " ".join(
        f"{EDGE + place * step:.1f},{HIGH - EDGE - (HIGH - 2 * EDGE) * (value - low) / span:.1f}"
        for place, value in enumerate(values)
        if value is not None
    )
    return (
        f'<h2>{escape(name)}</h2><svg width="{WIDE}" height="{HIGH}"><polyline points="{points}" fill="none" '
        f'stroke="#3b7" stroke-width="2"/><text x="0" y="{EDGE}">{high:.3g}</text>'
        f'<text x="0" y="{HIGH - EDGE}">{low:.3g}</text></svg>'
    )
