"""Let a tried model stand: one decision, taken back like any other."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.survey.decisions.changes import Change
from app.survey.decisions.refusals import BadDecision
from app.survey.tables.decisions import Decision
from app.survey.tables.trials import Trial, TrialReview, TrialState


def let_stand(session: Session, who: str, trial_id: int) -> Decision:
    """Use a tried model for images from now on, and let its results count on images that nobody has decided about.

    Raises BadDecision when there is no such trial, its results are being removed, or it stands already.
    """
    trial = session.get(Trial, trial_id)
    if trial is None or trial.state == TrialState.REMOVING:
        raise BadDecision("This trial is no longer in the survey.")
    if session.get(TrialReview, trial_id) is not None:
        raise BadDecision("It stands already.")
    change = Change(session, who)
    change.sign(TrialReview, {"trial_id": trial_id})
    return change.record("let it stand", view={"model": trial.model, "trial_id": trial_id})
