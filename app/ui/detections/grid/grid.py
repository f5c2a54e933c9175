"""The media grid: thumbnails edge to edge, boxes drawn in the browser, a threshold that needs no script run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from app import deps
from app.ui.shared.component import register

MOST = 120
FALLBACK_COLUMNS = 4
KEYS = {
    "← → ↑ ↓": "move",
    "Enter": "open",
    "Space": "select",
    "Shift ←": "select a range (or Shift click)",
    "E": "select the event",
    "Ctrl A": "select the page, again: all of this kind",
    "Esc": "clear the selection",
    "A": "accept the boxes shown",
    "B": "blank",
    "U": "unsure",
    "1 2 3": "animal, person, vehicle",
    "L": "species",
    "T": "take the species hints",
    "W": "the whole picture is one animal",
    "I": "who is this? Identify the animals of the selection",
    "Z Y": "undo, redo",
    "P": "show people",
    "H": "hold to hide the boxes",
    "?": "these keys",
}
_grid = register(Path(__file__).parent, "threshold", "opened", "bulk", "identify")


@dataclass(frozen=True, slots=True)
class GridState:
    """What the person did last. opened_count rises with every opening, so that the same one can be opened again.

    identify: media whose animals are to be identified now, once after the key was pressed.
    """

    threshold: float
    opened: int | None
    opened_count: int
    identify: tuple[int, ...] = ()


def bulk_actions(key: str) -> list[dict[str, Any]]:
    """What the browser decided and the survey may not have yet, readable before the grid is drawn: apply, then draw.

    n rises: {n, uuid, kind: "bulk", what, media_ids, threshold, seen, species? or category?}, {kind: "undo", undoes:
    uuid or None} or {kind: "redo"}; what: accepted, blank, unsure, species,
    category, hints or whole.
    """
    return list(((st.session_state.get(key) or {}).get("bulk") or {}).get("actions") or [])


def media_grid(
    items: Sequence[Mapping[str, Any]],
    threshold: float,
    *,
    key: str,
    order: Sequence[tuple[int, int]] = (),
    ack: int = 0,
    species_choices: Sequence[Mapping[str, Any]] = (),
    as_of: float | None = None,
) -> GridState:
    """Draw up to 120 media, to be looked through, selected and decided about.

    items: {id, thumb (address), w, h (pixels), label, verdict, pending (no model has looked yet), badges: [text],
    group (event id), event: {id, title} or None, boxes: [{c, p, x, y, w, h, verdict?, species?, named?, drawn?}]};
    boxes relative to the picture, c a category, p the confidence.
    threshold: where the slider stands at first; afterwards the returned one is what the person chose.
    order: media and event ids of everything that can be selected, also beyond the items. ack, species_choices and
    as_of: as for the viewer.
    """
    shown = [{"verdict": None, **item} for item in items[:MOST]]
    if not deps.routes_served():
        return _plain(shown, threshold, key)
    result = _grid(
        key=key,
        data={
            "store": f"{deps.survey_mark()}:grid",
            "mark": deps.survey_mark(),
            "keys": list(KEYS.items()),
            "items": shown,
            "all": [list(pair) for pair in order] or [[int(item["id"]), int(item.get("group") or 0)] for item in shown],
            "threshold": threshold,
            "ack": ack,
            "species_choices": [dict(choice) for choice in species_choices],
            "as_of": as_of,
        },
    )
    opened = result.get("opened") or {}
    reported = result.get("threshold")
    return GridState(
        threshold=threshold if reported is None else float(reported),
        opened=opened.get("id"),
        opened_count=int(opened.get("n", 0)),
        identify=tuple(int(number) for number in (result.get("identify") or {}).get("ids", ())),
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
    return GridState(threshold=threshold, opened=opened, opened_count=int(opened is not None))
