"""Apply what the match view sends to the survey, in order, each action once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.survey.database import Survey
from app.survey.decisions import catalogue, contradictions, identity
from app.survey.decisions.boxes import BadDecision
from app.survey.decisions.changes import DecisionConflict, already_made, undo, undo_once
from app.survey.decisions.contradictions import Contradiction
from app.survey.tables.decisions import Decision

TRIES = 3
UNDOABLE = (*identity.KINDS, "take out")
Figures = Mapping[tuple[int, int], Mapping[str, Any]]


@dataclass(slots=True)
class Settled:
    """ack: the highest number that is settled. problems: what could not be done, in words.

    conflicts: what contradicts earlier decisions, ready for the match view: {n, text, chain: [text], crops: [id], ways:
    [{kind, label, about}], action}.
    """

    ack: int
    problems: list[str] = field(default_factory=list)
    conflicts: list[dict[str, Any]] = field(default_factory=list)


def apply_identity(
    survey: Survey, who: str, actions: Sequence[Mapping[str, Any]], ack: int, figures: Figures
) -> Settled:
    """Apply the actions with a number over `ack`.

    figures: per query and candidate, what the models said when the decision was made; kept with it. Two reviewers who
    name an individual at the same moment get two names: the later one is tried again.
    """
    settled = Settled(ack)
    for action in sorted(actions, key=lambda one: one["n"]):
        if action["n"] <= settled.ack:
            continue
        try:
            _apply_now(survey, who, action, figures)
        except Contradiction as error:
            settled.conflicts.append(_conflict(action, error))
        except (BadDecision, DecisionConflict) as error:
            settled.problems.append(str(error))
        settled.ack = action["n"]
    return settled


def _apply_now(survey: Survey, who: str, action: Mapping[str, Any], figures: Figures) -> None:
    for left in reversed(range(TRIES)):
        try:
            with survey.write() as session:
                _apply(session, who, action, figures)
            return
        except IntegrityError as error:
            if not left:
                raise BadDecision(
                    "Somebody decided about the same crop at this moment. Please decide again."
                ) from error


def _apply(session: Session, who: str, action: Mapping[str, Any], figures: Figures) -> None:
    if action["kind"] == "undo":
        undo_once(session, who, UNDOABLE, action.get("undoes"), action["uuid"])
    elif action["kind"] == "solve":
        _solve(session, who, action, figures)
    else:
        _decide(session, who, action, figures)


def _decide(
    session: Session,
    who: str,
    action: Mapping[str, Any],
    figures: Figures,
    *,
    join: bool = False,
    replace: bool = False,
) -> None:
    kind, key, query_id = action["kind"], action["uuid"], int(action["query_id"])
    seen = {name: action[name] for name in ("view", "model") if action.get(name)}
    if kind == "new":
        identity.new_individual(session, who, query_id, view=seen, client_key=key)
    elif kind == "flank":
        flank, before = action["flank"], action.get("seen")
        identity.set_flank(session, who, query_id, flank, seen=before, view=seen, client_key=key)
    elif kind in ("unidentifiable", "identity unsure"):
        state = kind.removeprefix("identity ")
        identity.set_identity_state(session, who, query_id, state, view=seen, client_key=key)
    elif kind in ("same", "different", "unsure"):
        candidate_id = int(action["candidate_id"])
        view = {**figures.get((query_id, candidate_id), {}), **seen}
        if kind == "same":
            identity.say_same(session, who, query_id, candidate_id, join=join, view=view, client_key=key)
        else:
            identity.say_pair(session, who, query_id, candidate_id, kind, replace=replace, view=view, client_key=key)
    else:
        raise BadDecision(f"{kind} is not something that can be decided here.")


def _solve(session: Session, who: str, action: Mapping[str, Any], figures: Figures) -> None:
    """Take a way out of a contradiction and then make the decision that met it, all or nothing."""
    if already_made(session, action["uuid"]) is not None:
        return
    way, about = action["way"], action.get("about") or {}
    if way == "take back":
        decision = session.get(Decision, int(about["decision_id"]))
        if decision is None:
            raise BadDecision("The decision to take back does not exist.")
        undo(session, decision, who)
    elif way == "take out":
        catalogue.take_out(session, who, int(about["detection_id"]))
    elif way not in ("join", "replace"):
        raise BadDecision(f"{way} is not a way out of a contradiction.")
    then = {**action["then"], "uuid": action["uuid"]}
    _decide(session, who, then, figures, join=way == "join", replace=way == "replace")


def _conflict(action: Mapping[str, Any], error: Contradiction) -> dict[str, Any]:
    asked = action["then"] if action["kind"] == "solve" else action
    links: list[contradictions.Link] = error.chain
    return {
        "n": action["n"],
        "text": str(error),
        "chain": [link.text for link in links],
        "crops": sorted({crop for link in links for crop in link.crops}),
        "ways": [asdict(way) for way in error.ways_out],
        "action": {name: value for name, value in asked.items() if name not in ("n", "uuid")},
    }
