"""What a page asks of trials of detectors: begin one, end it, look again where it failed."""

from __future__ import annotations

from app.actions.needs import needs
from app.survey.database import Survey
from app.survey.roles import Role
from app.survey.trials import trials


@needs(Role.ADMIN)
def start_trial(survey: Survey, who: str, model: str, share: int, *, all_images: bool) -> None:
    """Have a detector look at a share of the images, see `trials.start`. Raises TrialRefused."""
    with survey.write() as session:
        trials.start(session, who, model, share, all_images=all_images)


@needs(Role.ADMIN)
def end_trial(survey: Survey, who: str, trial_id: int, *, remove: bool) -> None:
    """End a trial. remove: take its results out of the survey."""
    with survey.write() as session:
        trials.end(session, who, trial_id, remove=remove)


@needs(Role.ADMIN)
def try_again(survey: Survey, trial_id: int) -> None:
    """Look again where a trial failed, and go on where something kept it from that."""
    with survey.write() as session:
        trials.try_again(session, trial_id)
