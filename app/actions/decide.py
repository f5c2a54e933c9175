"""The way every decision, undo and redo takes from a browser or a page into the survey.

One write transaction each, tried again when somebody else wrote the same row at that moment or the database went away.
Kinds of decision that need an admin are refused to others, whichever way they come. What could not be done becomes a
problem in words, and crops whose boxes changed are described again by a job.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from app.actions.needs import needs
from app.actions.overruled import overruled
from app.jobs.queue import Jobs
from app.survey.database import Survey, is_away
from app.survey.decisions import undoing
from app.survey.decisions.changes import already_made
from app.survey.decisions.contradictions import Contradiction
from app.survey.decisions.kinds import Undo, least_role, taken_back_by
from app.survey.decisions.refusals import BadDecision, DecisionConflict
from app.survey.detections.features import lacking, local_model
from app.survey.roles import NotAllowed, Role
from app.survey.tables.decisions import Decision
from app.survey.tables.detections import Detection, DetectionReview
from modal_backend.contracts import Box
from modal_backend.errors import QueueFull

TRIES = 3
CROP_FIELDS = ("x", "y", "width", "height", "verdict", "category")
Action = Mapping[str, Any]


@dataclass(slots=True)
class Outcome:
    """What became of a decision, an undo or a redo.

    Args:
        decisions: the entries of the log that were made or taken back; empty when there was nothing to do.
        problems: what could not be done, in words for the person.
        messages: what was done and the person should know.
        refused: nothing was changed; the problem says why.
        contradiction: the earlier decisions that were in the way, where there are some.
    """

    decisions: list[Decision] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    refused: bool = False
    contradiction: Contradiction | None = None


Made = Decision | Sequence[Decision] | Outcome | None


@dataclass(slots=True)
class Settled:
    """What became of the numbered actions of a browser.

    Args:
        ack: the highest number that is settled.
        problems: what could not be done, in words for the person.
        messages: what was done and the person should know.
        contradictions: the actions that contradict earlier decisions, each with its contradiction.
    """

    ack: int
    problems: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    contradictions: list[tuple[Action, Contradiction]] = field(default_factory=list)


def _as_outcome(reason: str, _given: Mapping[str, Any]) -> Outcome:
    return Outcome(problems=[reason], refused=True)


def as_settled(reason: str, given: Mapping[str, Any]) -> Settled:
    """All that a browser sent is refused, so that it does not send it again."""
    return Settled(max((action["n"] for action in given["actions"]), default=given["ack"]), [reason])


@needs(Role.REVIEWER, _as_outcome)
def decide(survey: Survey, jobs: Jobs, who: str, action: Callable[..., Made], *args: Any, **values: Any) -> Outcome:
    """Make one decision: action(session, who, *args, **values), a function of app/survey/decisions."""
    return _run(survey, jobs, lambda session: action(session, who, *args, **values))


@needs(Role.REVIEWER, _as_outcome)
def undo(
    survey: Survey,
    jobs: Jobs,
    who: str,
    button: Undo | None = None,
    *,
    media_id: int | None = None,
    decision_id: int | None = None,
    and_since: bool = False,
) -> Outcome:
    """Take a decision back.

    Args:
        button: take back this person's last decision of the kinds that belong to this button; of any kind when None.
        media_id: only of those about this media.
        decision_id: take back this very decision; one of somebody else only as an admin.
        and_since: and everything that its person decided after it.
    """

    def take_back(session: Session) -> Made:
        if decision_id is None:
            return undoing.undo_last(session, who, taken_back_by(button), media_id)
        _check_own(session, survey.role, who, Decision.id == decision_id)
        if and_since:
            return undoing.undo_back_to(session, decision_id, who)
        return undoing.undo_one(session, decision_id, who)

    return _run(survey, jobs, take_back)


@needs(Role.REVIEWER, _as_outcome)
def redo(survey: Survey, jobs: Jobs, who: str, *, key: str | None = None, decision_id: int | None = None) -> Outcome:
    """Make a decision again: this very one, or the one that this person undid last (once for the same key)."""

    def again(session: Session) -> Made:
        if decision_id is None:
            return undoing.redo_last(session, who, taken_back_by(None), key)
        _check_own(session, survey.role, who, Decision.id == decision_id)
        return undoing.redo_one(session, decision_id, who)

    return _run(survey, jobs, again)


@needs(Role.REVIEWER, as_settled)
def settle(
    survey: Survey,
    jobs: Jobs,
    who: str,
    button: Undo,
    actions: Sequence[Action],
    ack: int,
    make: Callable[[Session, str, Action], Made],
    words: Callable[[Decision, Action], list[str]] = lambda _decision, _action: [],
) -> Settled:
    """Do what a browser sent, in the order of the numbers `n`, each action with a number over `ack` once.

    A decision bears the action's `uuid`: an action that arrives again, by whatever process, is made already.

    An action that cannot be done becomes a problem and does not hold up those after it. A person who overrules what
    somebody else decided after the page was read (`seen`, in seconds since 1970) gets a message.

    Args:
        button: whose kinds the actions "undo" and "redo" are about.
        make: makes the decision of any other action.
        words: what a person should know of it.
    """

    def act(action: Action, session: Session) -> Made:
        if action["kind"] == "undo":
            if action.get("undoes"):
                _check_own(session, survey.role, who, Decision.client_key == action["undoes"])
            return undoing.undo_once(session, who, taken_back_by(button), action.get("undoes"), action["uuid"])
        if action["kind"] == "redo":
            return undoing.redo_last(session, who, taken_back_by(button), action["uuid"])
        outcome = _outcome_of(already_made(session, action["uuid"]) or make(session, who, action))
        for decision in outcome.decisions:
            decision.client_key = action["uuid"]
            outcome.messages += words(decision, action) + overruled(session, decision, action.get("seen"))
        return outcome

    settled, decisions = Settled(ack), list[Decision]()
    for action in sorted(actions, key=lambda action: action["n"]):
        if action["n"] <= settled.ack:
            continue
        outcome = _in_one_transaction(survey, partial(act, action))
        if outcome.contradiction is not None:
            settled.contradictions.append((action, outcome.contradiction))
        else:
            settled.problems += outcome.problems
        settled.messages += outcome.messages
        decisions += outcome.decisions
        settled.ack = action["n"]
    settled.problems += _describe_changed(survey, jobs, decisions)
    return settled


def box_of(action: Action) -> Box:
    """The box that an action is about, relative to its picture."""
    box = action["box"]
    return Box(float(box["x"]), float(box["y"]), float(box["w"]), float(box["h"]))


def _check_own(session: Session, role: Role, who: str, which: sa.ColumnElement[bool]) -> None:
    """Raises BadDecision for a decision of somebody else, unless in an admin's hands."""
    made_by = session.scalar(sa.select(Decision.who).where(which))
    if made_by not in (None, who) and role < Role.ADMIN:
        raise BadDecision(f"{made_by} decided this. Decide anew, or ask an admin to take it back.")


def _run(survey: Survey, jobs: Jobs, act: Callable[[Session], Made]) -> Outcome:
    outcome = _in_one_transaction(survey, act)
    outcome.problems += _describe_changed(survey, jobs, outcome.decisions)
    return outcome


def _in_one_transaction(survey: Survey, act: Callable[[Session], Made]) -> Outcome:
    for left in reversed(range(TRIES)):
        sent = False
        try:
            with survey.write() as session:
                outcome = _outcome_of(act(session))
                survey.require(
                    max((least_role(decision.kind) for decision in outcome.decisions), default=Role.REVIEWER)
                )
                sent = True
            break
        except OperationalError as error:
            if sent or not left or not is_away(error):  # what was sent may have been written
                raise
        except IntegrityError:
            if not left:
                text = "Somebody decided about the same thing at this moment. Please decide again."
                return Outcome(problems=[text], refused=True)
        except Contradiction as error:
            return Outcome(problems=[str(error)], refused=True, contradiction=error)
        except (BadDecision, DecisionConflict, NotAllowed) as error:
            return Outcome(problems=[str(error)], refused=True)
    return outcome


def _outcome_of(made: Made) -> Outcome:
    if isinstance(made, Outcome):
        return made
    if made is None or isinstance(made, Decision):
        return Outcome([made] if made else [])
    return Outcome(list(made))


def _describe_changed(survey: Survey, jobs: Jobs, decisions: Iterable[Decision]) -> list[str]:
    """Have crops described whose boxes these decisions changed; returns problems in words."""
    boxes = {box for decision in decisions for box in _changed_boxes(decision)}
    if not boxes:
        return []
    with survey.read() as session:
        missing = lacking(session, local_model(session), among=boxes)
    try:
        jobs.describe_in_groups(missing)
    except QueueFull as full:
        return [f"Your decisions are saved, but the crops wait: {full} {full.remedy}"]
    return []


def _changed_boxes(decision: Decision) -> set[int]:
    """The detections that a decision added, or whose place, category or verdict it changed."""
    boxes = set()
    for change in decision.changes:
        before, after = change["before"] or {}, change["after"] or {}
        if change["table"] == Detection.__tablename__:
            boxes.add(int((after or before)["id"]))
        elif change["table"] == DetectionReview.__tablename__ and any(
            before.get(name) != after.get(name) for name in CROP_FIELDS
        ):
            boxes.add(int((after or before)["detection_id"]))
    return boxes
