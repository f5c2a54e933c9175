"""Name, hide and merge the clusters of a run over notes; the run itself stays as it was computed."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.decisions.changes import Change
from app.survey.decisions.refusals import BadDecision
from app.survey.tables.decisions import Decision
from app.survey.tables.notes import NoteClusterReview

LONGEST_NAME = 80


def name_cluster(session: Session, who: str, run_id: int, number: int, name: str) -> Decision:
    """Give a cluster a name. Raises BadDecision when it is empty."""
    if not name.strip():
        raise BadDecision("A cluster needs a name.")
    short = " ".join(name.split())[:LONGEST_NAME]
    return _put(Change(session, who), "name cluster", run_id, number, short, name=short)


def hide_cluster(session: Session, who: str, run_id: int, number: int, shown: str) -> Decision:
    """Leave a cluster out of map and list. shown: its name, for History."""
    return _put(Change(session, who), "hide cluster", run_id, number, shown, hidden=True)


def show_cluster(session: Session, who: str, run_id: int, number: int, shown: str) -> Decision:
    """Show a hidden cluster again. shown: its name, for History."""
    return _put(Change(session, who), "show cluster", run_id, number, shown, hidden=False)


def merge_clusters(session: Session, who: str, run_id: int, number: int, into: int, shown: str) -> Decision:
    """Make a cluster, with all that was merged into it, part of another one.

    Args:
        shown: the name of the other, for History.

    Raises:
        BadDecision: both are the same, or the other one is part of a third by now.
    """
    reviews = session.scalars(sa.select(NoteClusterReview).where(NoteClusterReview.run_id == run_id))
    merged = {review.number: review.into for review in reviews if review.into is not None}
    if number == into or into in merged:
        raise BadDecision("These two cannot be merged: choose a cluster that stands for itself.")
    change = Change(session, who)
    for part in (part for part, whole in merged.items() if whole == number):
        _sign(change, run_id, part, into=into)
    return _put(change, "merge clusters", run_id, number, shown, into=into)


def _put(change: Change, kind: str, run_id: int, number: int, shown: str, **values: object) -> Decision:
    _sign(change, run_id, number, **values)
    return change.record(kind, view={"cluster": shown})


def _sign(change: Change, run_id: int, number: int, **values: object) -> None:
    change.sign(NoteClusterReview, {"run_id": run_id, "number": number}, **values)
