"""The files of results that a page shows."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey import pace
from app.survey.tables.decisions import Decision
from app.survey.tables.results import UNDER_WAY, ResultsFile


@dataclass(frozen=True, slots=True)
class ResultsView:
    """A file of results. decision_id: the decision by which it counts; None while it does not. See `ResultsFile`.

    eta_seconds: None while it is not known. noun: what its entries are."""

    id: int
    name: str
    state: str
    entries: int
    matched: int
    taken: int
    error: str | None
    eta_seconds: float | None
    decision_id: int | None
    noun: str

    @property
    def under_way(self) -> bool:
        """Whether a job is at it."""
        return self.state in UNDER_WAY


def recent(session: Session, limit: int = 5) -> list[ResultsView]:
    """The latest files, newest first; those whose boxes came with what people saw only while that counts."""
    standing = sa.select(Decision.id, Decision.view).where(
        Decision.kind.in_(("bring in results", "identities file")), Decision.undone_at.is_(None)
    )
    decided = {view.get("results_id"): number for number, view in session.execute(standing)}
    counting = ResultsFile.id.in_([number for number in decided if number is not None])
    shown = sa.or_(ResultsFile.path != "", ResultsFile.state.in_(UNDER_WAY), counting)
    rows = session.scalars(sa.select(ResultsFile).where(shown).order_by(ResultsFile.id.desc()).limit(limit))
    return [
        ResultsView(
            row.id,
            row.name,
            row.state,
            row.entries or 0,
            row.matched or 0,
            row.taken,
            row.error,
            pace.seconds_left(row, (row.matched or 0) - row.taken if row.id in decided else row.taken),
            decided.get(row.id),
            "image" if row.path else "line",
        )
        for row in rows
    ]
