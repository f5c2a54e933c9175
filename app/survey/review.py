"""Decisions about boxes and whole media: accept, blank, reject, correct, draw. Each returns the log entry."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.decide import Change, already_made
from app.survey.decisions import Decision
from app.survey.detections import Detection, DetectionReview, MediaReview
from app.survey.scores import boxes_of
from modal_backend.contracts import Box, Category

KINDS = ("accept", "blank", "unsure", "reject", "category", "species", "move", "draw", "restore")
SMALLEST_SIDE = 0.002


class BadDecision(ValueError):
    """The decision cannot be made as asked; the text says why."""


def accept_media(
    session: Session,
    who: str,
    media_id: int,
    threshold: float,
    box_ids: Collection[int] | None = None,
    client_key: str | None = None,
) -> Decision:
    """Accept the boxes shown: they are confirmed and the others no longer count.

    box_ids: the boxes the person saw; None for those at the threshold.
    """
    if known := already_made(session, client_key):
        return known
    change = Change(session)
    for box in boxes_of(session, [media_id])[media_id]:
        shown = box.confidence >= threshold if box_ids is None else box.id in box_ids
        if box.verdict != "rejected" and (box.confirmed or shown):
            _review(change, who, box.id, verdict="accepted")
    _media_review(change, who, media_id, "accepted")
    return change.record("accept", who, media_id=media_id, view={"threshold": threshold}, client_key=client_key)


def judge_media(session: Session, who: str, media_id: int, verdict: str, client_key: str | None = None) -> Decision:
    """Say blank or unsure about a whole media."""
    if verdict not in ("blank", "unsure"):
        raise BadDecision(f"{verdict} is not something that can be said about a media.")
    if known := already_made(session, client_key):
        return known
    change = Change(session)
    _media_review(change, who, media_id, verdict)
    return change.record(verdict, who, media_id=media_id, client_key=client_key)


def correct_box(
    session: Session, who: str, detection_id: int, client_key: str | None = None, **values: Any
) -> Decision:
    """Correct one box: verdict="rejected", category=..., species=... or box=Box(...); one of them at a time.

    Raises BadDecision for a category that is none, an empty box, or a detection that does not exist.
    """
    if known := already_made(session, client_key):
        return known
    detection = session.get(Detection, detection_id)
    if detection is None:
        raise BadDecision("This box does not exist any more.")
    kind, fields = _fields(values)
    change = Change(session)
    _review(change, who, detection_id, **fields)
    return change.record(kind, who, media_id=detection.media_id, detection_id=detection_id, client_key=client_key)


def draw_box(
    session: Session, who: str, media_id: int, box: Box, category: str, client_key: str | None = None
) -> Decision:
    """Add a box a person drew. Raises BadDecision for an empty box or an unknown category."""
    if known := already_made(session, client_key):
        return known
    box = checked_box(box)
    change = Change(session)
    row = change.add(
        Detection(
            media_id=media_id,
            drawn_by=who,
            category=_category(category),
            confidence=1.0,
            x=box.x,
            y=box.y,
            width=box.width,
            height=box.height,
        )
    )
    _reopen_if_blank(change, who, media_id)
    return change.record("draw", who, media_id=media_id, detection_id=row.id, client_key=client_key)


def drawn_as(session: Session, client_key: str) -> int | None:
    """The detection a browser drew under this key, if it arrived and stands."""
    decision = already_made(session, client_key)
    return decision.detection_id if decision is not None and decision.undone_at is None else None


def draw_keys(session: Session, detection_ids: Collection[int]) -> dict[int, str]:
    """The keys under which browsers drew these detections."""
    rows = session.execute(
        sa.select(Decision.detection_id, Decision.client_key).where(
            Decision.kind == "draw", Decision.detection_id.in_(detection_ids), Decision.client_key.is_not(None)
        )
    )
    return {row.detection_id: row.client_key for row in rows}


def judge_many(session: Session, who: str, media_ids: Iterable[int], verdict: str, threshold: float) -> list[Decision]:
    """The same decision (accepted, blank or unsure) for a selection or a whole event, each with its own log entry."""
    if verdict == "accepted":
        return [accept_media(session, who, media_id, threshold) for media_id in media_ids]
    return [judge_media(session, who, media_id, verdict) for media_id in media_ids]


def checked_box(box: Box) -> Box:
    """The box clipped to the picture. Raises BadDecision when nothing of it is left."""
    left, top = max(box.x, 0.0), max(box.y, 0.0)
    right, bottom = min(box.x + box.width, 1.0), min(box.y + box.height, 1.0)
    if right - left < SMALLEST_SIDE or bottom - top < SMALLEST_SIDE:
        raise BadDecision("The box is too small or lies outside the picture.")
    return Box(left, top, right - left, bottom - top)


def _fields(values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if "box" in values:
        box = checked_box(values["box"])
        return "move", {"x": box.x, "y": box.y, "width": box.width, "height": box.height, "verdict": "accepted"}
    if "category" in values:
        return "category", {"category": _category(values["category"]), "verdict": "accepted"}
    if "species" in values:
        return "species", {"species": (values["species"] or "").strip()[:120] or None, "verdict": "accepted"}
    if values.get("verdict") == "rejected":
        return "reject", {"verdict": "rejected"}
    if "verdict" in values and values["verdict"] is None:
        return "restore", {"verdict": None}
    if values.get("verdict") in ("accepted", "unsure"):
        return ("accept" if values["verdict"] == "accepted" else "unsure"), {"verdict": values["verdict"]}
    raise BadDecision("There is nothing in this decision.")


def _category(name: str) -> str:
    try:
        return str(Category(name))
    except ValueError as error:
        raise BadDecision(f"{name} is not a category: animal, person or vehicle.") from error


def _review(change: Change, who: str, detection_id: int, **values: Any) -> None:
    change.put(DetectionReview, {"detection_id": detection_id}, who=who, decided_at=time.time(), **values)


def _media_review(change: Change, who: str, media_id: int, verdict: str) -> None:
    change.put(MediaReview, {"media_id": media_id}, verdict=verdict, who=who, decided_at=time.time())


def _reopen_if_blank(change: Change, who: str, media_id: int) -> None:
    review = change.session.get(MediaReview, media_id)
    if review is not None and review.verdict == "blank":
        _media_review(change, who, media_id, "accepted")
