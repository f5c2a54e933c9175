"""Turn what the match view sends into decisions about who an animal is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from app.actions import decide
from app.actions.decide import Action, Settled
from app.actions.needs import needs
from app.jobs.queue import Jobs
from app.survey.database import Survey
from app.survey.decisions import identity, ways_out
from app.survey.decisions.bursts import burst_of
from app.survey.decisions.contradictions import Contradiction
from app.survey.decisions.kinds import Undo
from app.survey.decisions.refusals import BadDecision
from app.survey.roles import Role
from app.survey.tables.decisions import Decision
from app.survey.tables.individuals import Individual, Sighting

Figures = Mapping[tuple[int, int], Mapping[str, Any]]


@needs(Role.REVIEWER, decide.as_settled)
def apply_identity(
    survey: Survey, jobs: Jobs, who: str, actions: Sequence[Action], ack: int, figures: Figures
) -> Settled:
    """Apply the actions with a number over `ack`; see `decide.settle`.

    Args:
        figures: per query and candidate, what the models said when the decision was made; kept with it.
    """
    make = partial(_decision, figures=figures)
    return decide.settle(survey, jobs, who, Undo.IDENTIFY, actions, ack, make, _messages)


def conflict_item(action: Action, error: Contradiction) -> dict[str, Any]:
    """An action and what it contradicts, as the match view wants them: {n, text, chain: [text], crops: [id], ways:
    [{kind, label, about}], action}."""
    asked = action["then"] if action["kind"] == "solve" else action
    return {
        "n": action["n"],
        "text": str(error),
        "chain": [link.text for link in error.chain],
        "crops": sorted({crop for link in error.chain for crop in link.crops}),
        "ways": [asdict(way) for way in error.ways_out],
        "action": {name: value for name, value in asked.items() if name not in ("n", "uuid")},
    }


def _messages(decision: Decision, action: Action) -> list[str]:
    """What a decision made besides the name of one crop: a new individual, or the same for the crops of a burst."""
    made = [change for change in decision.changes if change["before"] is None]
    new = [str(change["after"]["name"]) for change in made if change["table"] == Individual.__tablename__]
    named = sum(change["table"] == Sighting.__tablename__ for change in made)
    burst = f"{named} crops of one burst" if action.get("together") and named > 1 else ""
    if new:
        return [f"New individual {new[0]}{burst and ', ' + burst}. Z takes it back."]
    return [f"Named {burst}. Z takes it back."] if burst else []


def _decision(session: Session, who: str, action: Action, figures: Figures) -> Decision:
    if action["kind"] != "solve":
        return _decide(session, who, action, figures)
    way = action["way"]
    ways_out.take(session, who, way, action.get("about") or {})
    return _decide(session, who, action["then"], figures, join=way == "join", replace=way == "replace")


def _decide(
    session: Session, who: str, action: Action, figures: Figures, *, join: bool = False, replace: bool = False
) -> Decision:
    kind, query_id = action["kind"], int(action["query_id"])
    made_from = {name: action[name] for name in ("view", "model") if action.get(name)}
    wanted = action.get("together") or ()
    together = [crop for crop in burst_of(session, query_id) if crop in wanted] if wanted else []
    if kind == "new":
        return identity.new_individual(session, who, query_id, together=together, view=made_from)
    if kind == "flank":
        flank, before = action["flank"], action.get("shown")
        return identity.set_flank(session, who, query_id, flank, shown=before, view=made_from)
    if kind in ("unidentifiable", "identity unsure"):
        state = kind.removeprefix("identity ")
        return identity.set_identity_state(session, who, query_id, state, together=together, view=made_from)
    if kind not in ("same", "different", "unsure"):
        raise BadDecision(f"{kind} is not something that can be decided here.")
    candidate_id = int(action["candidate_id"])
    view = {**figures.get((query_id, candidate_id), {}), **made_from}
    if kind == "same":
        return identity.say_same(session, who, query_id, candidate_id, join=join, together=together, view=view)
    return identity.say_pair(session, who, query_id, candidate_id, kind, replace=replace, view=view)
