"""Take a way out of a contradiction, so that the decision that met it can be made."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from app.survey.decisions.catalogue import take_out
from app.survey.decisions.refusals import BadDecision
from app.survey.decisions.undoing import undo_one


def take(session: Session, who: str, way: str, about: Mapping[str, int]) -> None:
    """Do what a `WayOut` offers. "join" and "replace" are up to the decision that follows.

    Raises BadDecision for a way that does not exist, DecisionConflict when a decision cannot be taken back.
    """
    if way == "take back":
        undo_one(session, int(about["decision_id"]), who)
    elif way == "take out":
        take_out(session, who, int(about["detection_id"]))
    elif way not in ("join", "replace"):
        raise BadDecision(f"{way} is not a way out of a contradiction.")
