"""Turn what the media viewer and the grid send into decisions about boxes and whole media."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
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
from modal_backend.contracts import Box

MOST_LOOKED_AT = 50  # decisions of one person between a page's reading and a press
VERDICTS = ("accepted", "blank", "unsure")


@needs(Role.REVIEWER, decide.as_settled)
def apply_review(survey: Survey, jobs: Jobs, who: str, actions: Sequence[Action], ack: int) -> Settled:
    """Apply the actions with a number over `ack`; see `decide.settle`.

    The person gets a message when a decision overrules one that somebody else made after the page was read.
    """
    return decide.settle(survey, jobs, who, Undo.DETECTIONS, actions, ack, _make)


def _make(session: Session, who: str, action: Action) -> Outcome:
    outcome = _decide(session, who, action)
    for decision in outcome.decisions:
        outcome.messages += _overruled(session, decision, action.get("seen"))
    return outcome


def _decide(session: Session, who: str, action: Action) -> Outcome:
    kind, key = action["kind"], action["uuid"]
    if kind == "bulk":
        return _apply_bulk(session, who, action)
    if kind == "whole":
        media_ids = [int(action["media_id"])]
        return _outcome(many_boxes.whole_pictures(session, who, media_ids, client_key=key))
    if kind == "people":
        return Outcome([boxes.show_people(session, who, int(action["media_id"]), bool(action["shown"]), key)])
    if kind in ("accept", "blank", "unsure", "draw"):
        return Outcome([_apply_to_media(session, who, action, int(action["media_id"]))])
    detection_id = _detection_id(session, action)
    return Outcome([boxes.correct_box(session, who, detection_id, client_key=key, **_correction(action))])


def _apply_to_media(session: Session, who: str, action: Action, media_id: int) -> Decision:
    kind, key = action["kind"], action["uuid"]
    if kind == "accept":
        box_ids = [int(box) for box in action["boxes"] if box is not None]
        return boxes.accept_media(session, who, media_id, float(action["threshold"]), box_ids, client_key=key)
    if kind == "draw":
        return boxes.draw_box(session, who, media_id, _box(action), action["category"], client_key=key)
    return boxes.judge_media(session, who, media_id, kind, client_key=key)


def _apply_bulk(session: Session, who: str, action: Action) -> Outcome:
    what, key = action["what"], action["uuid"]
    media_ids, threshold = [int(number) for number in action["media_ids"]], float(action["threshold"])
    if what in VERDICTS:
        done = many_boxes.judge_all(session, who, media_ids, what, threshold, key)
    elif what == "whole":
        done = many_boxes.whole_pictures(session, who, media_ids, key)
    elif what == "hints":
        done = many_boxes.take_hints(session, who, media_ids, threshold, key)
    elif what in ("species", "category"):
        label = {what: action[what]}
        done = many_boxes.label_all(session, who, media_ids, threshold, client_key=key, **label)
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


def _overruled(session: Session, decision: Decision, seen: float | None) -> list[str]:
    """Whom this decision overrules: rows that somebody else, or another tab, signed after this page was read.

    seen: when that was, in seconds since 1970.
    """
    if seen is None or decision.undone_at is not None:
        return []
    befores = [change["before"] for change in decision.changes if change["before"]]
    newer = [row for row in befores if row.get("decided_at", 0.0) > float(seen)]
    others = [(str(row["who"]), row["decided_at"]) for row in newer if row.get("who", decision.who) != decision.who]
    if newer and not others:
        others = [("Another tab", row["decided_at"]) for row in newer if _of_another_tab(session, decision, row)]
    return [
        f"{who} decided about this too, at {datetime.fromtimestamp(at):%H:%M}. Yours counts now; both are in History."
        for who, at in sorted(others)[:1]
    ]


def _of_another_tab(session: Session, decision: Decision, row: Mapping[str, Any]) -> bool:
    """Whether a row as it was before a decision had been written by another tab of the same person."""
    since = sa.select(Decision).where(Decision.id < decision.id, Decision.who == decision.who)
    for earlier in session.scalars(since.order_by(Decision.id.desc()).limit(MOST_LOOKED_AT)):
        if any(change["after"] == row for change in earlier.changes):
            tabs = [(key or "").partition(".") for key in (earlier.client_key, decision.client_key)]
            return all(dot for _, dot, _ in tabs) and tabs[0][0] != tabs[1][0]
    return False


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
            return {"box": _box(action)}
    raise BadDecision(f"{action['kind']} is not something that can be decided here.")


def _detection_id(session: Session, action: Action) -> int:
    if action.get("detection_id") is not None:
        return int(action["detection_id"])
    drawn = boxes.drawn_as(session, str(action.get("drawn")))
    if drawn is None:
        raise BadDecision("The box this was about is gone.")
    return drawn


def _box(action: Action) -> Box:
    box = action["box"]
    return Box(float(box["x"]), float(box["y"]), float(box["w"]), float(box["h"]))
