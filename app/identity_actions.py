"""Apply what the match view sends to the survey, in order, each action once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.review_actions import Applied
from app.survey import identity
from app.survey.database import Survey
from app.survey.decide import DecisionConflict, undo_once
from app.survey.identity import Contradiction
from app.survey.review import BadDecision


def apply_identity(
    survey: Survey, who: str, actions: Sequence[Mapping[str, Any]], ack: int, figures: Mapping[int, Mapping[str, Any]]
) -> Applied:
    """Apply the actions with a number over `ack`.

    figures: per candidate, what the model said when the decision was made; kept with it.
    """
    applied = Applied(ack)
    for action in sorted(actions, key=lambda one: one["n"]):
        if action["n"] <= applied.ack:
            continue
        try:
            with survey.write() as session:
                _apply(session, who, action, figures)
        except (BadDecision, DecisionConflict, Contradiction) as error:
            applied.problems.append(str(error))
        applied.ack = action["n"]
    return applied


def _apply(session: Session, who: str, action: Mapping[str, Any], figures: Mapping[int, Mapping[str, Any]]) -> None:
    kind, key = action["kind"], action["uuid"]
    if kind == "undo":
        undo_once(session, who, identity.KINDS, action.get("undoes"), key)
        return
    query_id = int(action["query_id"])
    if kind == "new":
        identity.new_individual(session, who, query_id, client_key=key)
    elif kind == "flank":
        identity.set_flank(session, who, query_id, action["flank"], client_key=key)
    elif kind in ("unidentifiable", "identity unsure"):
        identity.set_identity_state(session, who, query_id, kind.removeprefix("identity "), client_key=key)
    elif kind == "same":
        candidate_id = int(action["candidate_id"])
        view = dict(figures.get(candidate_id, {}))
        identity.say_same(session, who, query_id, candidate_id, view=view, client_key=key)
    elif kind in ("different", "unsure"):
        candidate_id = int(action["candidate_id"])
        view = dict(figures.get(candidate_id, {}))
        identity.say_pair(session, who, query_id, candidate_id, kind, view=view, client_key=key)
    else:
        raise BadDecision(f"{kind} is not something that can be decided here.")
