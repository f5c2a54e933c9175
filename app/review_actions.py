"""Apply what the media viewer sends to the survey, in order, each action once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from app.jobs import Jobs
from app.survey import results, review
from app.survey.database import Survey
from app.survey.decide import DecisionConflict, undo_once
from app.survey.review import BadDecision
from modal_backend.contracts import Box
from modal_backend.errors import QueueFull


@dataclass(slots=True)
class Applied:
    """ack: the highest number that is settled. problems: what could not be done, in words for the person."""

    ack: int
    problems: list[str] = field(default_factory=list)


def apply_review(survey: Survey, jobs: Jobs, who: str, actions: Sequence[Mapping[str, Any]], ack: int) -> Applied:
    """Apply the actions with a number over `ack`; crops that changed are described again by a job.

    An action that cannot be done becomes a problem and does not hold up those after it.
    """
    applied, touched = Applied(ack), set()
    for action in sorted(actions, key=lambda one: one["n"]):
        if action["n"] <= applied.ack:
            continue
        try:
            with survey.write() as session:
                touched |= _apply(session, who, action)
        except (BadDecision, DecisionConflict) as error:
            applied.problems.append(str(error))
        applied.ack = action["n"]
    with survey.read() as session:
        missing = results.not_described(session, touched)
    if missing:
        try:
            jobs.describe(missing)
        except QueueFull as full:
            applied.problems.append(f"Your decisions are saved, but the crops wait: {full} {full.remedy}")
    return applied


def _apply(session: Session, who: str, action: Mapping[str, Any]) -> set[int]:
    kind, key = action["kind"], action["uuid"]
    if kind == "undo":
        undo_once(session, who, review.KINDS, action.get("undoes"), key)
        return set()
    media_id = int(action["media_id"])
    if kind == "accept":
        box_ids = [int(one) for one in action["boxes"] if one is not None]
        review.accept_media(session, who, media_id, float(action["threshold"]), box_ids, client_key=key)
        return set(box_ids)
    if kind in ("blank", "unsure"):
        review.judge_media(session, who, media_id, kind, client_key=key)
        return set()
    if kind == "draw":
        decision = review.draw_box(session, who, media_id, _box(action), action["category"], client_key=key)
        return {decision.detection_id} if decision.detection_id else set()
    detection_id = _detection_id(session, action)
    review.correct_box(session, who, detection_id, client_key=key, **_correction(action))
    return {detection_id}


def _correction(action: Mapping[str, Any]) -> dict[str, Any]:
    match action["kind"]:
        case "reject":
            return {"verdict": "rejected"}
        case "restore":
            return {"verdict": None}
        case "category":
            return {"category": action["category"]}
        case "species":
            return {"species": action["species"]}
        case "box":
            return {"box": _box(action)}
    raise BadDecision(f"{action['kind']} is not something that can be decided here.")


def _detection_id(session: Session, action: Mapping[str, Any]) -> int:
    if action.get("detection_id") is not None:
        return int(action["detection_id"])
    drawn = review.drawn_as(session, str(action.get("drawn")))
    if drawn is None:
        raise BadDecision("The box this was about is gone.")
    return drawn


def _box(action: Mapping[str, Any]) -> Box:
    box = action["box"]
    return Box(float(box["x"]), float(box["y"]), float(box["w"]), float(box["h"]))
