"""The decision about a large file: its parts follow where it stands, a few in each transaction of a job."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey import pace
from app.survey.database import Survey
from app.survey.decisions import undoing
from app.survey.decisions.refusals import BadDecision, DecisionConflict
from app.survey.results import stored
from app.survey.tables.decisions import Decision
from app.survey.tables.results import ResultsFile


def head_of(session: Session, results_id: int) -> Decision | None:
    """The newest decision about a file whose lines a job takes, held until this transaction ends; None for none."""
    mine = sa.and_(Decision.kind == "identities file", Decision.part_of.is_(None))
    views = session.execute(sa.select(Decision.id, Decision.view).where(mine))
    number = max((row.id for row in views if row.view.get("results_id") == results_id), default=None)
    return session.scalar(sa.select(Decision).where(Decision.id == number).with_for_update())


def named_images(session: Session, results_id: int) -> set[int]:
    """The images about which a file, as far as it stands, says something."""
    head = head_of(session, results_id)
    if head is None or head.undone_at is not None:
        return set()
    mine = sa.or_(Decision.id == head.id, Decision.part_of == head.id)
    standing = sa.select(Decision.changes).where(mine, Decision.undone_at.is_(None))
    return {number for changes in session.scalars(standing) for number in stored.about(session, changes)}


def turn_some(survey: Survey, results_id: int) -> int | None:
    """Bring the next parts of the decision about a file to where it stands; returns how many, 0 at the end.

    Where something newer stands in the way of one, the decision is turned round, which the next attempt of the job
    finishes, so that all is as it was: None. Raises BadDecision when that cannot be done either.
    """
    try:
        with survey.write() as session:
            head = head_of(session, results_id)
            turned = undoing.turn_parts(session, head) if head is not None else []
            row = session.get_one(ResultsFile, results_id)
            lines = sum(part.view.get("lines", 0) for part in turned)
            row.taken += lines if head is not None and head.undone_at is None else -lines
            pace.measure(row, lines)
            return len(turned)
    except DecisionConflict as conflict:
        _turn_round(survey, results_id, str(conflict))
    return None


def _turn_round(survey: Survey, results_id: int, why: str) -> None:
    """Let the decision about a file stand again, or be taken back again; only once, then BadDecision is raised."""
    try:
        with survey.write() as session:
            head, row = head_of(session, results_id), session.get_one(ResultsFile, results_id)
            if head is None or row.error:
                raise BadDecision(f"{row.error or ''} Some of it could not be put back: {why}".strip())
            what, turn = ("taken back", undoing.redo) if head.undone_at else ("made again", undoing.undo)
            turn(session, head, head.undone_by or head.who)
            row.error = f"It could not be {what}. {why}"
    except DecisionConflict as conflict:
        raise BadDecision(f"{why} What was done so far could not be put back: {conflict}") from conflict
