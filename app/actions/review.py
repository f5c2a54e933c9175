"""Turn what the media viewer and the grid send into decisions about boxes and whole media."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.actions import decide
from app.actions.decide import Action, Outcome, Settled
from app.actions.needs import needs
from app.jobs.queue import Jobs
from app.survey.database import Survey
from app.survey.decisions import boxes, many_boxes
from app.survey.decisions.kinds import Undo
from app.survey.decisions.refusals import BadDecision
from app.survey.roles import Role
from app.survey.tables.decisions import Decision

VERDICTS = ("accepted", "blank", "unsure")


@needs(Role.REVIEWER, decide.as_settled)
def apply_review(survey: Survey, jobs: Jobs, who: str, actions: Sequence[Action], ack: int) -> Settled:
    """Apply the actions with a number over `ack`; see `decide.settle`."""
    return decide.settle(survey, jobs, who, Undo.DETECTIONS, actions, ack, _make)


def _make(session: Session, who: str, action: Action) -> Outcome:
    kind = action["kind"]
    if kind == "bulk":
        return _apply_bulk(session, who, action)
    if kind == "whole":
        media_ids = [int(action["media_id"])]
        return _outcome(many_boxes.whole_pictures(session, who, media_ids))
    if kind == "people":
        return Outcome([boxes.show_people(session, who, int(action["media_id"]), bool(action["shown"]))])
    if kind in ("accept", "blank", "unsure", "draw"):
        return Outcome([_apply_to_media(session, who, action, int(action["media_id"]))])
    detection_id = _detection_id(session, action)
    return Outcome([boxes.correct_box(session, who, detection_id, **_correction(action))])


def _apply_to_media(session: Session, who: str, action: Action, media_id: int) -> Decision:
    kind = action["kind"]
    if kind == "accept":
        box_ids = [int(box) for box in action["boxes"] if box is not None]
        return boxes.accept_media(session, who, media_id, float(action["threshold"]), box_ids)
    if kind == "draw":
        return boxes.draw_box(session, who, media_id, decide.box_of(action), action["category"])
    return boxes.judge_media(session, who, media_id, kind)


def _apply_bulk(session: Session, who: str, action: Action) -> Outcome:
    what = action["what"]
    media_ids, threshold = [int(number) for number in action["media_ids"]], float(action["threshold"])
    if what in VERDICTS:
        done = many_boxes.judge_all(session, who, media_ids, what, threshold)
    elif what == "whole":
        done = many_boxes.whole_pictures(session, who, media_ids)
    elif what == "hints":
        done = many_boxes.take_hints(session, who, media_ids, threshold)
    elif what in ("species", "category"):
        label = {what: action[what]}
        done = many_boxes.label_all(session, who, media_ids, threshold, **label)
    else:
        raise BadDecision(f"{what} is not something that can be decided here.")
    return _outcome(done)


def _outcome(done: many_boxes.Bulk) -> Outcome:
    outcome = Outcome([done.decision] if done.decision else [])
    if done.left_out:
        count = len(done.left_out)
        images = "1 image was" if count == 1 else f"{count:,} images were"
        outcome.problems.append(f"{images} left as before: {'; '.join(sorted(set(done.left_out))[:3])}.")
    return outcome


def _correction(action: Action) -> dict[str, Any]:
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
            return {"box": decide.box_of(action)}
    raise BadDecision(f"{action['kind']} is not something that can be decided here.")


def _detection_id(session: Session, action: Action) -> int:
    if action.get("detection_id") is not None:
        return int(action["detection_id"])
    drawn = boxes.drawn_as(session, str(action.get("drawn")))
    if drawn is None:
        raise BadDecision("The box this was about is gone.")
    return drawn
