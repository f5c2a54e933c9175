"""Media as the grid and the viewer want them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from app import deps
from app.analysis.model_choice import short_name
from app.survey.detections.boxes import BoxView
from app.survey.detections.hints import Hint
from app.survey.detections.people import hides_person
from app.survey.media.browse import MediaView
from app.survey.media.species import SpeciesChoice
from app.survey.trials.beside import Beside
from app.ui.shared.words import count_in_words, many, when, when_taken
from modal_backend.contracts import Box
from modal_backend.registry import MODELS


def grid_items(
    views: Sequence[MediaView],
    order: Sequence[tuple[int, int]],
    hints: Mapping[int, Hint],
    imports: Mapping[int, str],
    *,
    by_event: bool = True,
) -> list[dict[str, Any]]:
    """Items of the media grid.

    Args:
        order: every media of the filter with its group.
        hints: species hints, by detection.
        imports: name of the import, of media without a deployment.
        by_event: with a header for each event.
    """
    sizes, group_of = Counter(group for _, group in order), dict(order)
    return [
        {
            "id": view.id,
            "thumb": deps.thumb_url(view.sha256, _look(view)),
            "people": view.people_shown,
            "w": view.width,
            "h": view.height,
            "label": _label(view, by_event and sizes[group_of[view.id]] > 1),
            "badges": _badges(view),
            "verdict": view.verdict,
            "pending": view.stage == "stored",
            "group": group_of[view.id],
            "event": _event(view, group_of[view.id], sizes[group_of[view.id]], imports) if by_event else None,
            "boxes": [_box(box, hints) for box in view.boxes if _drawn(box, view)],
        }
        for view in views
    ]


def viewer_items(
    views: Sequence[MediaView],
    draw_keys: Mapping[int, str],
    hints: Mapping[int, Hint],
    beside: Mapping[int, Beside],
) -> list[dict[str, Any]]:
    """Items of the media viewer.

    Args:
        draw_keys: the uuid under which a browser drew a box, by detection.
        hints: species hints, by detection.
        beside: what another detector found on trial, by media.
    """
    return [
        {
            "id": view.id,
            "src": _large(view),
            "people": view.people_shown,
            "w": view.width,
            "h": view.height,
            "title": (view.path or "").rpartition("/")[2] or f"Media {view.id}",
            "facts": facts(view),
            "verdict": view.verdict,
            "pending": view.stage == "stored",
            "video": view.kind == "video",
            "boxes": [
                {**_box(box, hints), "id": box.id, "uuid": draw_keys.get(box.id), "drawn": box.drawn}
                for box in view.boxes
            ],
            "beside": _beside(beside.get(view.id)),
        }
        for view in views
    ]


def choice_items(choices: Sequence[SpeciesChoice]) -> list[dict[str, Any]]:
    """Labels as the species field wants them."""
    return [{"name": choice.name, "common": choice.common, "used": choice.used} for choice in choices]


def facts(view: MediaView) -> list[str]:
    """What is known of a media, in words."""
    time = when_taken(view.taken_at, view.clock_showed) + (
        " (from the file name)" if view.taken_at_source == "file name" else ""
    )
    known = [view.deployment or "no deployment", time, view.camera, f"{view.width} × {view.height} px"]
    if view.kind == "video":
        known.insert(0, "Key frame of a video; all of it is in Videos")
        if view.count is not None:
            known.insert(0, count_in_words(view.count))
    if view.synthetic:
        known.insert(0, "Synthetic")
    if view.damage:
        known.insert(0, f"Damaged: {view.damage}")
    if view.failure:
        known.append(f"The analysis failed ({view.failure}). Boxes can be drawn all the same.")
    elif view.stage == "stored":
        known.append("Not analysed yet, and blurred until then. P shows it; boxes can be drawn already.")
    return [fact for fact in known if fact]


def _beside(found: Beside | None) -> dict[str, Any] | None:
    if found is None:
        return None
    boxes = [{"c": view.category, "p": view.confidence, **place_of(view.box)} for view in found.boxes]
    return {"name": short_name(found.model) if found.model in MODELS else found.model, "boxes": boxes}


def _badges(view: MediaView) -> list[str]:
    badges = (["video"] if view.kind == "video" else []) + (["synthetic"] if view.synthetic else [])
    if view.damage:
        badges.append("damaged")
    if view.stage == "failed":
        badges.append("failed")
    elif view.stage == "stored":
        badges.append("being looked at")
    names = sorted({box.individual for box in view.boxes if box.individual})
    return badges + names


def _label(view: MediaView, by_event: bool) -> str:
    if not view.taken_at:
        return (view.path or "").rpartition("/")[2]
    return f"{view.taken_at:%H:%M:%S}" if by_event else f"{view.deployment or 'No deployment'} · {when(view.taken_at)}"


def _look(view: MediaView) -> str:
    """Another word whenever another picture is to be fetched: whole and blurred, with people blurred, or as it is."""
    if view.people_shown:
        return "shown"
    hidden = sum(hides_person(box) for box in view.boxes)
    return f"blurred{hidden}" if hidden else "" if view.stage in ("detected", "ready") else "new"


def _large(view: MediaView) -> str:
    """Address of the media in browser size; of a video whose frames nobody has looked at, its thumbnail."""
    if view.kind == "video" and view.stage not in ("detected", "ready"):
        return deps.thumb_url(view.sha256, _look(view))
    return deps.view_url(view.sha256, _look(view))


def _drawn(box: BoxView, view: MediaView) -> bool:
    """Boxes of the grid; on a blank media only those of people, so that they stay blurred."""
    return box.verdict != "rejected" and (view.verdict != "blank" or box.category == "person")


def _event(view: MediaView, group: int, size: int, imports: Mapping[int, str]) -> dict[str, Any]:
    place = view.deployment or imports.get(view.id) or "No deployment"
    time = when(view.taken_at) if view.event_id is not None else "capture time unknown"
    return {
        "id": group,
        "single": size == 1,
        "title": f"{place} · {time} · {many(size, 'media', 'media')}",
    }


def _box(box: BoxView, hints: Mapping[int, Hint]) -> dict[str, Any]:
    hint = hints.get(box.id)
    return {
        "c": box.category,
        "p": 1.0 if box.confirmed else box.confidence,
        **place_of(box),
        "species": box.species,
        "hint": hint.name if hint else None,
        "hintScore": hint.score if hint else None,
        "hintBy": hint.source if hint else None,
        "named": box.individual,
        "verdict": box.verdict,
        "drawn": box.drawn,
    }


def place_of(box: Box | BoxView) -> dict[str, float]:
    """Where a box is on its picture, as the browser parts draw it."""
    return {"x": box.x, "y": box.y, "w": box.width, "h": box.height}
