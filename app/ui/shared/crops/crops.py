"""A plain gallery of crops, for Individuals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from app import deps
from app.ui.shared.component import register

FALLBACK_COLUMNS = 6
KEYS = {"← → ↑ ↓": "move among crops", "Enter": "open", "Space": "mark a crop (Split)", "Z": "undo"}
_crops = register(Path(__file__).parent, "opened", "chosen")


@dataclass(frozen=True, slots=True)
class Opened:
    """The crop a person opened last; count rises with every opening."""

    id: int | None = None
    count: int = 0


def crop_gallery(items: Sequence[Mapping[str, Any]], *, key: str, size: int = 150) -> Opened:
    """Draw crops: {id, src (address), label, sub, badge}. size: the least width of one, in pixels."""
    if not deps.routes_served():
        return _plain(items, key)
    result = _crops(key=key, data={"items": [dict(item) for item in items], "size": size})
    opened = result.get("opened") or {}
    return Opened(id=opened.get("id"), count=int(opened.get("n", 0)))


def crop_chooser(items: Sequence[Mapping[str, Any]], *, key: str, size: int = 110, choice: str = "") -> list[int]:
    """Draw crops to choose from; returns the chosen ids. Another `choice` starts a new choice."""
    if not deps.routes_served():
        names = {int(item["id"]): f"{item['label']} · {item.get('sub') or ''}" for item in items}
        return st.multiselect("Crops", list(names), format_func=lambda number: names[number], key=f"{key}-plain")
    data = {"items": [dict(item) for item in items], "size": size, "choose": True, "round": choice}
    result = _crops(key=key, data=data)
    there = {int(item["id"]) for item in items}
    return [int(number) for number in result.get("chosen") or [] if int(number) in there]


def _plain(items: Sequence[Mapping[str, Any]], key: str) -> Opened:
    """Without the picture routes: a button per crop."""
    columns, opened = st.columns(FALLBACK_COLUMNS), Opened()
    for place, item in enumerate(items):
        label = " · ".join(str(item[part]) for part in ("label", "sub", "badge") if item.get(part))
        if columns[place % FALLBACK_COLUMNS].button(label, key=f"{key}-{item['id']}", width="stretch"):
            opened = Opened(id=int(item["id"]), count=1)
    return opened
