"""Say when and where a deployment's camera worked, and how wrong its clock was."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.survey.decisions.changes import Change
from app.survey.decisions.refusals import BadDecision
from app.survey.media.stations import check_review, review_values, stamp_values
from app.survey.tables.decisions import Decision
from app.survey.tables.deployments import Deployment, DeploymentReview

FIELDS = ("latitude", "longitude", "first_day", "last_day", "broken_from", "broken_to", "clock_offset_seconds")


def set_deployment(session: Session, who: str, deployment_id: int, **values: Any) -> Decision:
    """Write down what a person knows of a deployment (see `review_values`); fields not given stay as they are.

    Raises BadDecision when a value cannot be, or contradicts another.
    """
    deployment = session.get(Deployment, deployment_id)
    if deployment is None:
        raise BadDecision("This deployment does not exist.")
    row = session.get(DeploymentReview, deployment_id)
    from_files = {"latitude": deployment.latitude, "longitude": deployment.longitude}
    known = {name: getattr(row, name) for name in FIELDS if getattr(row, name) is not None} if row else {}
    try:
        kept = review_values(values)
        stated = {name: value for name, value in kept.items() if value is not None}
        taken_back = {name: None for name in kept if kept[name] is None and name not in from_files}
        check_review({**from_files, **known, **taken_back, **stated})
    except ValueError as error:
        raise BadDecision(f"{deployment.name}: {error}") from error
    change = Change(session)
    change.put(DeploymentReview, {"deployment_id": deployment_id}, **kept, **stamp_values(who))
    return change.record("deployment", who, view={"deployment": deployment.name, **kept})
