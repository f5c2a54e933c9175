"""Media as the grid and the viewer want them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from app import deps
from app.survey.browse import MediaView
from app.survey.scores import BoxView
from app.ui.words import many, when


def grid_items(views: Sequence[MediaView]) -> list[dict[str, Any]]:
    """Items of the media grid, with a header for each event."""
    sizes = Counter(view.event_id for view in views)
    return [
        {
            "id": view.id,
            "thumb": deps.thumb_url(view.sha256),
            "w": view.width,
            "h": view.height,
            "label": view.taken_at.strftime("%H:%M:%S") if view.taken_at else (view.path or "").rpartition("/")[2],
            "badges": _badges(view),
            "event": _event(view, sizes[view.event_id]),
            "boxes": [_box(box) for box in view.boxes if box.verdict != "rejected"] if view.verdict != "blank" else [],
        }
        for view in views
    ]


def viewer_items(views: Sequence[MediaView], draw_keys: Mapping[int, str]) -> list[dict[str, Any]]:
    """Items of the media viewer. draw_keys: the uuid under which a browser drew a box, by detection."""
    return [
        {
            "id": view.id,
            "src": deps.view_url(view.sha256),
            "w": view.width,
            "h": view.height,
            "title": (view.path or "").rpartition("/")[2] or f"Media {view.id}",
            "facts": facts(view),
            "verdict": view.verdict,
            "boxes": [
                {**_box(box), "id": box.id, "uuid": draw_keys.get(box.id), "drawn": box.drawn} for box in view.boxes
            ],
        }
        for view in views
    ]


def facts(view: MediaView) -> list[str]:
    """What is known of a media, in words."""
    time = when(view.taken_at) + (" (from the file name)" if view.taken_at_source == "file name" else "")
    known = [view.deployment or "no deployment", time, view.camera, f"{view.width} × {view.height} px"]
    if view.kind == "video":
        known.insert(0, "Key frame of a clip; all of it is in Videos")
    if view.synthetic:
        known.insert(0, "Synthetic")
    return [fact for fact in known if fact]


def _badges(view: MediaView) -> list[str]:
    badges = (["clip"] if view.kind == "video" else []) + (["synthetic"] if view.synthetic else [])
    if view.verdict:
        badges.append(view.verdict)
    if view.stage == "failed":
        badges.append("failed")
    names = sorted({box.individual for box in view.boxes if box.individual})
    return badges + names


def _event(view: MediaView, size: int) -> dict[str, Any] | None:
    if view.event_id is None:
        return {"id": -1, "title": f"{view.deployment or 'No deployment'} · capture time unknown"}
    title = f"{view.deployment or 'No deployment'} · {when(view.taken_at)} · {many(size, 'image')}"
    return {"id": view.event_id, "title": title}


def _box(box: BoxView) -> dict[str, Any]:
    return {
        "c": box.category,
        "p": 1.0 if box.confirmed else box.confidence,
        "x": box.x,
        "y": box.y,
        "w": box.width,
        "h": box.height,
        "species": box.species or box.individual,
        "verdict": box.verdict,
        "drawn": box.drawn,
    }
