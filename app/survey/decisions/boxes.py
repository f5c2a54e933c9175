"""Decisions about boxes and whole media: accept, blank, reject, correct, draw. Each returns the log entry."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.decisions.changes import Change, already_made
from app.survey.decisions.refusals import BadDecision
from app.survey.detections.boxes import boxes_of, counts_from, over_threshold
from app.survey.individuals.catalogue import merged_into
from app.survey.media.species import tidy
from app.survey.tables.decisions import Decision
from app.survey.tables.detections import Detection, DetectionReview, MediaReview, PeopleShown
from app.survey.tables.individuals import Individual, Sighting
from app.survey.tables.media import Media, Stage
from app.survey.tables.videos import FrameDetection
from app.survey.videos.tracklets import on_other_frames
from modal_backend.contracts import Box, Category
from modal_backend.models.detectors.overlap import clipped

SMALLEST_SIDE = 0.002


def accept_media(
    session: Session,
    who: str,
    media_id: int,
    threshold: float,
    box_ids: Collection[int] | None = None,
) -> Decision:
    """Accept the boxes shown: they are confirmed, the others over the model's threshold are rejected.

    Of a video, only boxes on the frame that stands for it can be seen: the others stay as they are.

    box_ids: the boxes the person saw; None for those at the threshold. Raises BadDecision for a media that no model has
    looked at yet.
    """
    refuse_unexamined(session, media_id)
    change, counted = Change(session, who), over_threshold(session, [media_id]) - on_other_frames(session, media_id)
    for box in boxes_of(session, [media_id])[media_id]:
        shown = box.confidence >= counts_from(box.category, threshold) if box_ids is None else box.id in box_ids
        if box.verdict != "rejected" and (box.confirmed or shown):
            _review(change, box.id, verdict="accepted")
        elif box.verdict is None and box.id in counted:
            _review(change, box.id, verdict="rejected")
    _media_review(change, media_id, "accepted")
    return change.record("accept", media_id=media_id, view={"threshold": threshold})


def judge_media(session: Session, who: str, media_id: int, verdict: str) -> Decision:
    """Say blank or unsure about a whole media.

    Raises BadDecision for blank where an individual was named or no model has looked yet.
    """
    if verdict not in ("blank", "unsure"):
        raise BadDecision(f"{verdict} is not something that can be said about a media.")
    if verdict == "blank" and (names := named_on(session, [media_id]).get(media_id)):
        raise BadDecision(f"{names} was named on this picture, so it is not blank. Reject that box first.")
    if verdict == "blank":
        refuse_unexamined(session, media_id)
    change = Change(session, who)
    _media_review(change, media_id, verdict)
    return change.record(verdict, media_id=media_id)


def unexamined(session: Session, media_ids: Collection[int]) -> set[int]:
    """Those of these media that no model has looked at yet."""
    found: set[int] = set()
    for chunk in slices(sorted(media_ids)):
        waiting = sa.select(Media.id).where(Media.id.in_(chunk), Media.stage == Stage.STORED)
        found.update(session.scalars(waiting))
    return found


def refuse_unexamined(session: Session, media_id: int) -> None:
    """Raises BadDecision for a media that no model has looked at yet: what is on it would be decided unseen."""
    if unexamined(session, [media_id]):
        raise BadDecision("This one is still being looked at. Decide about it when its boxes are there.")


def show_people(session: Session, who: str, media_id: int, shown: bool) -> Decision:
    """Show the people on a media, or blur them again. Raises BadDecision when there is no such media."""
    if session.get(Media, media_id) is None:
        raise BadDecision("This image does not exist any more.")
    change = Change(session, who)
    if shown:
        change.sign(PeopleShown, {"media_id": media_id})
    else:
        change.drop(PeopleShown, {"media_id": media_id})
    kind = "show people" if shown else "blur people"
    return change.record(kind, media_id=media_id)


def correct_box(session: Session, who: str, detection_id: int, **values: Any) -> Decision:
    """Correct one box: verdict="rejected", category=..., species=... or box=Box(...); one of them at a time.

    An individual stays with its box when the box moves, leaves it when the box is rejected and comes back with it.
    Raises BadDecision for a category that is none, an empty box, or a detection that does not exist.
    """
    detection = session.get(Detection, detection_id)
    if detection is None:
        raise BadDecision("This box does not exist any more.")
    kind, fields = _fields(values)
    sighting = session.get(Sighting, detection_id)
    if sighting and fields.get("category", Category.ANIMAL) != Category.ANIMAL:
        name = session.get_one(Individual, sighting.individual_id).name
        raise BadDecision(f"This box is a sighting of {name}, an animal. Take it out of {name} in Individuals first.")
    lost = _rejected_state(session, detection_id) if kind == "restore" else {}
    change = Change(session, who)
    _review(change, detection_id, **fields, **lost.get("detection_review", {}))
    if kind == "reject":
        change.drop(Sighting, {"detection_id": detection_id})
    elif sighting is None and "sighting" in lost:
        change.sign(Sighting, {"detection_id": detection_id}, **lost["sighting"])
    about = {"media_id": detection.media_id, "detection_id": detection_id}
    individual_id = _individual_in(change) or (sighting.individual_id if sighting else None)
    view = {key: value for key, value in fields.items() if key in ("category", "species")}
    return change.record(kind, view=view, individual_id=individual_id, **about)


def draw_box(
    session: Session,
    who: str,
    media_id: int,
    box: Box,
    category: str,
    frame: tuple[int, float] | None = None,
) -> Decision:
    """Add a box a person drew. Raises BadDecision for an empty box, no category or no such media.

    Args:
        frame: number and second of the frame of a video; None for an image, and for the frame that stands for a video.
    """
    if session.get(Media, media_id) is None:
        raise BadDecision("This image does not exist any more.")
    change = Change(session, who)
    row = change.add(drawn_row(who, media_id, checked_box(box), checked_category(category)))
    if frame is not None:
        place = {"frame_number": frame[0], "second": frame[1], "marked": False, "quality": 1.0}
        change.put(FrameDetection, {"detection_id": row.id}, **place)
    _reopen_if_blank(change, media_id)
    return change.record("draw", media_id=media_id, detection_id=row.id)


def drawn_row(who: str, media_id: int, box: Box, category: str) -> Detection:
    """The row of a box a person drew, not yet in the database."""
    return Detection(media_id=media_id, drawn_by=who, category=category, confidence=1.0, **asdict(box))


def drawn_as(session: Session, client_key: str) -> int | None:
    """The detection a browser drew under this key, if it arrived and stands."""
    decision = already_made(session, client_key)
    if decision is None or decision.detection_id is None:
        return None
    return session.scalar(sa.select(Detection.id).where(Detection.id == decision.detection_id))


def draw_keys(session: Session, detection_ids: Collection[int]) -> dict[int, str]:
    """The keys under which browsers drew these detections."""
    rows = session.execute(
        sa.select(Decision.detection_id, Decision.client_key).where(
            Decision.kind.in_(("draw", "whole")),
            Decision.detection_id.in_(detection_ids),
            Decision.client_key.is_not(None),
        )
    )
    return {row.detection_id: row.client_key for row in rows}


def named_on(session: Session, media_ids: Collection[int]) -> dict[int, str]:
    """The individuals named on these media, as text; media without one are left out."""
    found: dict[int, list[str]] = {}
    for media_id, views in boxes_of(session, media_ids, floor=2.0).items():
        names = [view.individual for view in views if view.individual and view.verdict != "rejected"]
        if names:
            found[media_id] = names
    return {media_id: " and ".join(sorted(names)) for media_id, names in found.items()}


def checked_box(box: Box) -> Box:
    """The box clipped to the picture. Raises BadDecision when nothing of it is left."""
    part = clipped(box)
    if min(part.width, part.height) < SMALLEST_SIDE:
        raise BadDecision("The box is too small or lies outside the picture.")
    return part


def _fields(values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if "box" in values:
        return "move", {**asdict(checked_box(values["box"])), "verdict": "accepted"}
    if "category" in values:
        return "category", {"category": checked_category(values["category"]), "verdict": "accepted"}
    if "species" in values:
        return "species", {"species": tidy(values["species"]), "verdict": "accepted"}
    if values.get("verdict") == "rejected":
        return "reject", {"verdict": "rejected"}
    if "verdict" in values and values["verdict"] is None:
        return "restore", {}
    if values.get("verdict") in ("accepted", "unsure"):
        return ("accept" if values["verdict"] == "accepted" else "unsure"), {"verdict": values["verdict"]}
    raise BadDecision("There is nothing in this decision.")


def checked_category(name: str) -> str:
    """The category's name. Raises BadDecision when it is none."""
    try:
        return str(Category(name))
    except ValueError as error:
        raise BadDecision(f"{name} is not a category: animal, person or vehicle.") from error


def _review(change: Change, detection_id: int, **values: Any) -> None:
    change.sign(DetectionReview, {"detection_id": detection_id}, **values)


def _media_review(change: Change, media_id: int, verdict: str) -> None:
    change.sign(MediaReview, {"media_id": media_id}, verdict=verdict)


def _reopen_if_blank(change: Change, media_id: int) -> None:
    review = change.session.get(MediaReview, media_id)
    if review is not None and review.verdict == "blank":
        _media_review(change, media_id, "accepted")


def _rejected_state(session: Session, detection_id: int) -> dict[str, dict[str, Any]]:
    """What a rejected box was before: its verdict, and the individual it lost unless that one is gone."""
    rejected = session.scalars(
        sa.select(Decision)
        .where(Decision.detection_id == detection_id, Decision.kind == "reject", Decision.undone_at.is_(None))
        .order_by(Decision.id.desc())
        .limit(1)
    ).first()
    before = {row["table"]: row["before"] or {} for row in rejected.changes} if rejected else {}
    verdict = before.get("detection_review", {}).get("verdict")
    state = {"detection_review": {"verdict": None if verdict == "rejected" else verdict}}
    lost = before["sighting"]["individual_id"] if before.get("sighting") else 0
    individual = merged_into(session, lost) or session.get(Individual, lost)
    return {**state, "sighting": {"individual_id": individual.id}} if individual else state


def _individual_in(change: Change) -> int | None:
    rows = (row["after"] or row["before"] for row in change.rows if row["table"] == "sighting")
    return next((row["individual_id"] for row in rows), None)
