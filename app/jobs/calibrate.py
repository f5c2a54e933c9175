"""The job that fits what the models' scores mean to the decisions made so far."""

from __future__ import annotations

from dbos import DBOS
from sqlalchemy.orm import Session

from app.jobs.current import current
from app.jobs.queue import Due
from app.jobs.steps import step
from app.matching import calibrate
from app.survey.individuals import calibrations


@DBOS.workflow(name="calibrate")
def calibrate_models() -> None:
    """Fit all models again."""
    fit()


@step()
def fit() -> None:
    """Fit and store the curves."""
    calibrate.calibrate(current().context.survey)


def due(session: Session) -> list[Due]:
    """The next fit, once for each number of decided queries."""
    if not calibrate.is_due(session):
        return []
    return [Due(f"calibrate-start-moved-{calibrate.fusion(session)}-{calibrations.last_decision(session)}", ())]
