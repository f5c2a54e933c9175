"""The media grid: thumbnails edge to edge, boxes drawn in the browser, a threshold that needs no script run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app import deps
from app.ui.component import register

MOST = 120
FALLBACK_COLUMNS = 4
_grid = register("grid", ["grid"])


@dataclass(frozen=True, slots=True)
class GridState:
    """What the person did last. opened_count rises with every opening, so that the same one can be opened again."""

    threshold: float
    opened: int | None
    opened_count: int
    selected: list[int]


def media_grid(
    items: Sequence[Mapping[str, Any]],
    threshold: float,
    selected: Sequence[int] = (),
    *,
    key: str,
    height: int | None = None,
) -> GridState:
    """Draw up to 120 media.

    items: {id, thumb (address), w, h (pixels), label, badges: [text], event: {id, title} or None, boxes: [{c, p, x, y,
    w, h, verdict?, species?, drawn?}]}; boxes relative to the picture, c a category, p the confidence.
    threshold: where the slider stands at first; afterwards the returned one is what the person chose.
    height: pixels of a scrolling grid; None lets it grow with the page.
    """
    shown = [dict(item) for item in items[:MOST]]
    if not deps.routes_served():
        return _plain(shown, threshold, key)
    chosen = list(selected)
    result = _grid(
        key=key,
        data={
            "items": shown,
            "threshold": threshold,
            "selected": chosen,
            "height": height,
        },
        on_threshold_change=_nothing,
        on_opened_change=_nothing,
        on_selected_change=_nothing,
    )
    opened = result.get("opened") or {}
    reported = result.get("threshold")
    picked = result.get("selected")
    return GridState(
        threshold=threshold if reported is None else float(reported),
        opened=opened.get("id"),
        opened_count=int(opened.get("n", 0)),
        selected=chosen if picked is None else [int(number) for number in picked],
    )


def _plain(items: list[dict[str, Any]], threshold: float, key: str) -> GridState:
    """Without the picture routes: titles and buttons by Streamlit alone."""
    st.caption("Pictures need `streamlit run app/main.py`; this server was started without it.")
    opened = None
    columns = st.columns(FALLBACK_COLUMNS)
    for place, item in enumerate(items):
        over = sum(box["p"] >= threshold for box in item.get("boxes", ()))
        label = f"{item.get('label') or item['id']} · {over or 'no'} {'box' if over == 1 else 'boxes'}"
        if columns[place % FALLBACK_COLUMNS].button(label, key=f"{key}-{item['id']}", width="stretch"):
            opened = int(item["id"])
    return GridState(threshold=threshold, opened=opened, opened_count=int(opened is not None), selected=[])


def _nothing() -> None:
    """State is read from the result; Streamlit wants a callback for it to be allowed."""
