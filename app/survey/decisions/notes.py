"""Delete a file of notes and bring it back: decisions like any other, in History and undone there."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.survey.decisions.changes import Change
from app.survey.decisions.refusals import BadDecision
from app.survey.tables.decisions import Decision
from app.survey.tables.notes import NoteFile, NoteFileReview


def delete_file(session: Session, who: str, file_id: int) -> Decision:
    """Take a file of notes out of the survey; its notes stay in the database until nobody may want them back.

    Raises BadDecision when there is no such file, or it is deleted already.
    """
    file = session.get(NoteFile, file_id)
    if file is None or session.get(NoteFileReview, file_id) is not None:
        raise BadDecision("These notes are not in the survey any more.")
    change = Change(session, who)
    change.sign(NoteFileReview, {"file_id": file_id})
    return change.record("delete notes", view={"notes": file.label, "rows": file.rows})


def restore_file(session: Session, who: str, file_id: int) -> Decision:
    """Bring a deleted file of notes back. Raises BadDecision when it is not deleted."""
    file = session.get(NoteFile, file_id)
    if file is None or session.get(NoteFileReview, file_id) is None:
        raise BadDecision("These notes are not deleted.")
    change = Change(session, who)
    change.drop(NoteFileReview, {"file_id": file_id})
    return change.record("restore notes", view={"notes": file.label, "rows": file.rows})
