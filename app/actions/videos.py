"""Turn what the frames of a video send into decisions: a count, and boxes drawn on a frame."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.actions import decide
from app.actions.decide import Action, Settled
from app.actions.needs import needs
from app.jobs.queue import Jobs
from app.survey.database import Survey
from app.survey.decisions.boxes import draw_box
from app.survey.decisions.kinds import Undo
from app.survey.decisions.refusals import BadDecision
from app.survey.decisions.videos import correct_count
from app.survey.roles import Role
from app.survey.tables.decisions import Decision


@needs(Role.REVIEWER, decide.as_settled)
def apply_marks(survey: Survey, jobs: Jobs, who: str, actions: Sequence[Action], ack: int) -> Settled:
    """Apply the actions with a number over `ack`; see `decide.settle`."""
    return decide.settle(survey, jobs, who, Undo.VIDEOS, actions, ack, _make)


def _make(session: Session, who: str, action: Action) -> Decision:
    media_id = int(action["media_id"])
    if action["kind"] == "count":
        return correct_count(session, who, media_id, int(action["animals"]))
    if action["kind"] == "draw":
        frame = int(action["frame"]), float(action["second"])
        return draw_box(session, who, media_id, decide.box_of(action), str(action["category"]), frame)
    raise BadDecision(f"{action['kind']} is not something that can be decided here.")
