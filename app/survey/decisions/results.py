"""Let a file of another tool's results count: one decision, taken back like any other."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.survey.decisions.changes import Change
from app.survey.decisions.refusals import BadDecision
from app.survey.tables.decisions import Decision
from app.survey.tables.results import ResultsFile, ResultsReview, ResultsState


def bring_in(session: Session, who: str, results_id: int) -> Decision:
    """Let the boxes of a file of results count, on images that nobody has decided about.

    Raises BadDecision when there is no such file, it could not be read, or it counts already.
    """
    file = session.get(ResultsFile, results_id)
    if file is None or file.model_version_id is None or file.state == ResultsState.READING:
        raise BadDecision("These results have not been read.")
    if session.get(ResultsReview, results_id) is not None:
        raise BadDecision(f"{file.name} is in the survey already.")
    change = Change(session, who)
    change.sign(ResultsReview, {"results_id": results_id})
    return change.record("bring in results", view={"results": file.name, "results_id": results_id})
