"""The media viewer: zoom, boxes, keyboard review and drawing over a window of media, without a script run per key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from app import deps
from app.ui.shared.component import register

MOST = 60
KEYS = {
    "Enter": "accept the boxes shown, next",
    "B": "blank, next",
    "U": "unsure, next",
    "W": "the whole picture is one animal, next",
    "Esc": "let go of the box you chose, else back to the list",
    "Tab": "next box",
    "X": "delete the box, again to bring it back",
    "1 2 3": "animal, person, vehicle",
    "L": "species",
    "T": "take the box's species hint",
    "D": "draw a box (Enter: without a mouse)",
    "M": "move the box: arrows; Shift resizes, Ctrl is fine, Enter ends",
    "Shift ←": "resize the box",
    "← →": "browse",
    "Z Y": "undo, redo",
    "+ -": "zoom, 0 fits",
    "H": "hold to hide the boxes",
    "C": "compare: the boxes of a detector on trial, too",
    "P": "show people",
    "?": "these keys",
}
_viewer = register(Path(__file__).parent, "review", "closed")


@dataclass(frozen=True, slots=True)
class ReviewState:
    """What the browser has to say.

    actions: everything not acknowledged yet, n rising: {n, uuid, kind, media_id, ...}.
    Kinds: accept {boxes, threshold}, blank, unsure, whole, reject, restore, category {category}, species {species or
    None}, box {box}, draw {category, box}, undo {undoes: uuid or None}, redo. seen: the as_of of what the person saw.
    All about a box carry detection_id, or None and drawn (the uuid of its draw action).
    cursor: absolute index of the media the person looks at or wants next, None before the first move.
    closed: id of the media at which the person left the viewer, None while it is open.
    """

    actions: list[dict[str, Any]] = field(default_factory=list)
    cursor: int | None = None
    closed: int | None = None


def review_state(key: str) -> ReviewState:
    """What the browser last sent, readable before the component is drawn: apply first, then draw."""
    sent = st.session_state.get(key) or {}
    review, closed = sent.get("review") or {}, sent.get("closed") or {}
    cursor = review.get("cursor")
    return ReviewState(list(review.get("actions") or []), None if cursor is None else int(cursor), closed.get("id"))


def media_viewer(
    media: Sequence[Mapping[str, Any]],
    *,
    key: str,
    threshold: float,
    cursor: int,
    offset: int,
    total: int,
    ack: int,
    species_choices: Sequence[Mapping[str, Any]],
    as_of: float,
    opened: int | None = None,
) -> None:
    """Draw a window of up to 60 media in order; the browser moves among them by itself. See `review_state`.

    media: {id, src, w, h (pixels), title, facts: [text], verdict (accepted, blank, unsure or None), pending (no model
    has looked yet), people (whether they are shown), video, boxes: [{id, c, p, x, y, w, h, species, named, verdict,
    drawn, uuid}], beside: {name, boxes: [{c, p, x, y, w, h}]} or None: what another detector found on trial}; uuid is
    that of the draw action, for drawn boxes.
    offset: absolute index of the first one; total: of how many; cursor: absolute index to open at.
    ack: the highest n that is in the survey. species_choices: {name, common, used}. as_of: when `media` was read,
    seconds since 1970. opened: the media in the address.
    """
    _viewer(
        key=key,
        data={
            "store": f"{deps.survey_mark()}:{key}",
            "mark": deps.survey_mark(),
            "opened": opened,
            "keys": list(KEYS.items()),
            "media": [dict(view) for view in media[:MOST]],
            "threshold": threshold,
            "cursor": cursor,
            "offset": offset,
            "total": total,
            "ack": ack,
            "species_choices": [dict(choice) for choice in species_choices],
            "as_of": as_of,
        },
    )
