"""Apply what the media viewer and the grid send to the survey, in order, each action once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.jobs.queue import Jobs
from app.survey.database import Survey
from app.survey.decisions import boxes, history, many_boxes
from app.survey.decisions.boxes import BadDecision
from app.survey.decisions.changes import DecisionConflict, undo_once
from app.survey.detections.features import lacking, local_model
from app.survey.tables.decisions import Decision
from modal_backend.contracts import Box
from modal_backend.errors import QueueFull

VERDICTS = ("accepted", "blank", "unsure")


@dataclass(slots=True)
class Applied:
    """ack: the highest number that is settled.

    problems: what could not be done; notes: what was done and should be known; both in words for the person.
    """

    ack: int
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def apply_review(survey: Survey, jobs: Jobs, who: str, actions: Sequence[Mapping[str, Any]], ack: int) -> Applied:
    """Apply the actions with a number over `ack`; crops that changed are described again by a job.

    An action that cannot be done becomes a problem and does not hold up those after it.
    """
    applied = Applied(ack)
    touched: set[int] = set()
    for action in sorted(actions, key=lambda one: one["n"]):
        if action["n"] <= applied.ack:
            continue
        try:
            with survey.write() as session:
                decision = _apply(session, who, action, applied)
                if decision is not None:
                    touched |= boxes_in(decision)
                    applied.notes += _overruled(decision, action.get("seen"))
        except (BadDecision, DecisionConflict) as error:
            applied.problems.append(str(error))
        applied.ack = action["n"]
    applied.problems += describe_changed(survey, jobs, touched)
    return applied


def describe_changed(survey: Survey, jobs: Jobs, detection_ids: set[int]) -> list[str]:
    """Let the crops of these boxes be described again where their box has changed; returns problems in words."""
    if not detection_ids:
        return []
    with survey.read() as session:
        missing = lacking(session, local_model(session), among=detection_ids)
    try:
        jobs.describe_in_groups(missing)
    except QueueFull as full:
        return [f"Your decisions are saved, but the crops wait: {full} {full.remedy}"]
    return []


def boxes_in(decision: Decision) -> set[int]:
    """The detections a decision added or changed."""
    found = set()
    for change in decision.changes:
        values = change["after"] or change["before"]
        if change["table"] == "detection":
            found.add(int(values["id"]))
        elif change["table"] == "detection_review":
            found.add(int(values["detection_id"]))
    return found


def _apply(session: Session, who: str, action: Mapping[str, Any], applied: Applied) -> Decision | None:
    kind, key = action["kind"], action["uuid"]
    if kind == "undo":
        return undo_once(session, who, boxes.KINDS, action.get("undoes"), key)
    if kind == "redo":
        return history.redo_last(session, who, boxes.KINDS, key)
    if kind == "bulk":
        return _apply_bulk(session, who, action, applied)
    if kind == "whole":
        media_ids = [int(action["media_id"])]
        return _told(many_boxes.whole_pictures(session, who, media_ids, client_key=key), applied)
    if kind in ("accept", "blank", "unsure", "draw"):
        return _apply_to_media(session, who, action, int(action["media_id"]))
    detection_id = _detection_id(session, action)
    return boxes.correct_box(session, who, detection_id, client_key=key, **_correction(action))


def _apply_to_media(session: Session, who: str, action: Mapping[str, Any], media_id: int) -> Decision:
    kind, key = action["kind"], action["uuid"]
    if kind == "accept":
        box_ids = [int(one) for one in action["boxes"] if one is not None]
        return boxes.accept_media(session, who, media_id, float(action["threshold"]), box_ids, client_key=key)
    if kind == "draw":
        return boxes.draw_box(session, who, media_id, _box(action), action["category"], client_key=key)
    return boxes.judge_media(session, who, media_id, kind, client_key=key)


def _apply_bulk(session: Session, who: str, action: Mapping[str, Any], applied: Applied) -> Decision | None:
    what, key = action["what"], action["uuid"]
    media_ids, threshold = [int(one) for one in action["media_ids"]], float(action["threshold"])
    if what in VERDICTS:
        done = many_boxes.judge_all(session, who, media_ids, what, threshold, key)
    elif what == "whole":
        done = many_boxes.whole_pictures(session, who, media_ids, key)
    elif what in ("species", "category"):
        label = {what: action[what]}
        done = many_boxes.label_all(session, who, media_ids, threshold, client_key=key, **label)
    else:
        raise BadDecision(f"{what} is not something that can be decided here.")
    return _told(done, applied)


def _told(done: many_boxes.Bulk, applied: Applied) -> Decision | None:
    if done.left_out:
        count = len(done.left_out)
        images = "1 image was" if count == 1 else f"{count:,} images were"
        applied.problems.append(f"{images} left as before: {'; '.join(sorted(set(done.left_out))[:3])}.")
    return done.decision


def _overruled(decision: Decision, seen: float | None) -> list[str]:
    """Whom this decision overrules: rows somebody else signed after this person got the page (seen, seconds)."""
    if seen is None or decision.undone_at is not None:
        return []
    others = {
        (row["before"]["who"], row["before"]["decided_at"])
        for row in decision.changes
        if row["before"] and row["before"].get("who", decision.who) != decision.who
        if row["before"].get("decided_at", 0.0) > float(seen)
    }
    return [
        f"{who} decided about this too, at {datetime.fromtimestamp(at):%H:%M}. Yours counts now; both are in History."
        for who, at in sorted(others)[:1]
    ]


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
    drawn = boxes.drawn_as(session, str(action.get("drawn")))
    if drawn is None:
        raise BadDecision("The box this was about is gone.")
    return drawn


def _box(action: Mapping[str, Any]) -> Box:
    box = action["box"]
    return Box(float(box["x"]), float(box["y"]), float(box["w"]), float(box["h"]))
