"""What a page asks of models: RAPID's other profile, and a container that is kept warm."""

from __future__ import annotations

from app.actions.needs import needs
from app.analysis.modal_watch import ModalWatch
from app.survey import audit
from app.survey.database import Survey
from app.survey.detections import rapid_profile
from app.survey.roles import Role


@needs(Role.ADMIN)
def change_profile(survey: Survey, who: str, model: str) -> None:
    """Have the crops described by a profile of RAPID, see `rapid_profile.change_to`, and write down who did."""
    with survey.write() as session:
        rapid_profile.change_to(session, model)
        audit.note(session, who, audit.PROFILE, rapid_profile.TITLES[model])


@needs(Role.ADMIN)
def keep_warm(survey: Survey, watch: ModalWatch, who: str, model: str, containers: int) -> None:
    """Have Modal keep so many containers of a model warm, which it charges for, and write down who did."""
    with survey.write() as session:
        audit.note(session, who, audit.WARM if containers else audit.COLD, model)
    watch.keep_warm(model, containers, who)
