"""Field notes and what was made of them: files of notes, their notes, and runs of the keyword graph."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.tables.notes import Note, NoteClusterReview, NoteFile, NoteFileReview, NoteRun, RunState

DELETED = sa.select(NoteFileReview.file_id)


def take_file(
    session: Session,
    label: str,
    sha256: str,
    columns: dict[str, str | None],
    rows: Sequence[dict[str, Any]],
    who: str,
    *,
    synthetic: bool = False,
) -> NoteFile:
    """Keep a file of notes; the same content taken the same way is the file that is there already."""
    known = session.scalar(sa.select(NoteFile).where(NoteFile.sha256 == sha256))
    if known is not None:
        return known
    file = NoteFile(label=label[:255], sha256=sha256, columns=columns, rows=len(rows), who=who, synthetic=synthetic)
    session.add(file)
    session.flush()
    if rows:
        session.execute(sa.insert(Note), [{"file_id": file.id, **_fitted(row)} for row in rows])
    return file


def _fitted(row: dict[str, Any]) -> dict[str, Any]:
    short = {name: str(row[name])[:255] for name in ("category", "station", "individual")}
    text, day = str(row["text"]).replace("\x00", ""), str(row.get("day", ""))
    return {"row": row["row"], "text": text, "date": str(row["date"])[:64], "day": day, **short}


def files(session: Session) -> list[NoteFile]:
    """The files of notes that nobody deleted, newest first."""
    return list(session.scalars(sa.select(NoteFile).where(NoteFile.id.not_in(DELETED)).order_by(NoteFile.id.desc())))


@dataclass(frozen=True, slots=True)
class DeletedFile:
    """A file of notes that was deleted: its id and label, how many notes it has, by whom and when."""

    id: int
    label: str
    rows: int
    who: str
    decided_at: float


def deleted_files(session: Session, among: Collection[int] | None = None) -> list[DeletedFile]:
    """The files that were deleted, the latest first.

    Args:
        among: of these only.
    """
    review = NoteFileReview
    columns = (NoteFile.id, NoteFile.label, NoteFile.rows, review.who, review.decided_at)
    query = sa.select(*columns).join(review, review.file_id == NoteFile.id).order_by(review.decided_at.desc())
    if among is not None:
        query = query.where(NoteFile.id.in_(among))
    return [DeletedFile(*row) for row in session.execute(query)]


def runs_with(session: Session, file_id: int) -> list[str]:
    """Names of the runs that took notes of this file, newest first."""
    return [run.name for run in runs(session, 1000) if file_id in run.settings.get("source", {}).get("files", ())]


def note_rows(session: Session, file_ids: Collection[int]) -> list[dict[str, Any]]:
    """The notes of these files in order, with `row` being the note's id; a deleted file has none."""
    wanted = sa.and_(Note.file_id.in_(file_ids), Note.file_id.not_in(DELETED))
    query = sa.select(Note).where(wanted).order_by(Note.file_id, Note.row)
    return [
        {
            "row": note.id,
            **{name: getattr(note, name) for name in ("text", "category", "date", "day", "station", "individual")},
        }
        for note in session.scalars(query)
    ]


def start_run(session: Session, name: str, settings: dict[str, Any], who: str) -> NoteRun:
    """A new run that waits for the worker."""
    run = NoteRun(name=name[:120], settings=settings, who=who)
    session.add(run)
    session.flush()
    return run


def again(session: Session, run_id: int) -> None:
    """Make a failed run wait for the worker once more."""
    run = session.get_one(NoteRun, run_id)
    if not run.open:
        run.state, run.attempt, run.error, run.note = RunState.QUEUED, run.attempt + 1, None, None
        run.started_at = run.finished_at = None


def rename(session: Session, run_id: int, name: str) -> None:
    """Give a run another name; an empty one changes nothing."""
    if name.strip():
        session.get_one(NoteRun, run_id).name = name.strip()[:120]


def runs(session: Session, limit: int = 50) -> list[NoteRun]:
    """The latest runs, newest first."""
    return list(session.scalars(sa.select(NoteRun).order_by(NoteRun.id.desc()).limit(limit)))


def run_of(session: Session, run_id: int) -> NoteRun | None:
    """One run, or None when there is none with this id."""
    return session.get(NoteRun, run_id)


def progress(session: Session, run_id: int, node: str, done: int, total: int) -> None:
    """Write down what a run is doing; the time of a node that ends is kept."""
    run = session.get_one(NoteRun, run_id)
    now = time.time()
    if node != run.node:
        if run.node and run.node_started_at:
            run.seconds = {**run.seconds, run.node: round(now - run.node_started_at, 2)}
        run.node, run.node_started_at = node, now
    run.done, run.total, run.note = done, total, None


def unfinished(session: Session) -> list[tuple[int, int]]:
    """Ids and attempts of the runs that wait or run."""
    query = sa.select(NoteRun.id, NoteRun.attempt).where(NoteRun.state.in_([RunState.QUEUED, RunState.RUNNING]))
    return [(row.id, row.attempt) for row in session.execute(query)]


def cluster_reviews(session: Session, run_id: int) -> dict[int, NoteClusterReview]:
    """What people decided about the clusters of a run, by the cluster's number."""
    query = sa.select(NoteClusterReview).where(NoteClusterReview.run_id == run_id)
    return {review.number: review for review in session.scalars(query)}
