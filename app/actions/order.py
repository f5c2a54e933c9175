"""What a page asks of the order of waiting jobs: one to the front, and back."""

from __future__ import annotations

from app.actions.needs import needs
from app.jobs.order import title
from app.jobs.queue import Jobs
from app.survey import audit
from app.survey.database import Survey
from app.survey.roles import Role


@needs(Role.REVIEWER)
def move(survey: Survey, jobs: Jobs, who: str, job_id: str, *, front: bool) -> bool:
    """Have a waiting job begun next, or by its age again, and write down who did it.

    Returns:
        Whether it was: not where it has been begun meanwhile.
    """
    order = jobs.order()
    job = next((waiting for waiting in order.waiting() if waiting.id == job_id), None) if order else None
    if order is None or job is None or not (order.move_to_front if front else order.move_back)(job_id):
        return False
    with survey.write() as session:
        audit.note(session, who, audit.MOVED if front else audit.MOVED_BACK, title(session, job))
    return True
