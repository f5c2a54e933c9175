"""Files of the survey that were asked for: how far they are, which are there, which are too old."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app import files
from app.storage import shared
from app.survey import pace
from app.survey.database import Survey
from app.survey.individuals import rankings
from app.survey.media import browse
from app.survey.tables.exports import UNDER_WAY, ExportFile, ExportState

KEPT_DAYS = 7


@dataclass(frozen=True, slots=True)
class ExportView:
    """A file as pages show it. See `ExportFile`.

    path: where the file is; None while it is not written, and after it was removed.
    eta_seconds: None while it is not known.
    """

    id: int
    format: str
    settings: Mapping[str, str]
    state: str
    done: int
    total: int
    holds: str
    error: str | None
    bytes: int
    who: str
    created_at: float
    finished_at: float | None
    seconds: float
    eta_seconds: float | None
    mark: str | None
    path: Path | None

    @property
    def under_way(self) -> bool:
        """Whether the worker has it or will have it."""
        return self.state in UNDER_WAY


def ask_for(session: Session, kind: str, settings: Mapping[str, str], who: str) -> ExportFile:
    """The file of this format with these settings that is being written; a new one when there is none."""
    waiting = session.scalars(sa.select(ExportFile).where(ExportFile.state.in_(UNDER_WAY), ExportFile.format == kind))
    for row in waiting:
        if row.settings == dict(settings):
            return row
    row = ExportFile(format=kind, settings=dict(settings), who=who)
    session.add(row)
    session.flush()
    return row


def begin(session: Session, export_id: int) -> ExportFile | None:
    """Mark a file as being written; None when nobody wants it any more."""
    row = session.get(ExportFile, export_id)
    if row is None or row.state not in UNDER_WAY:
        return None
    row.state, row.started_at, row.mark = ExportState.RUNNING, time.time(), mark(session)
    row.done, row.total, row.rate, row.measured_at = 0, 0, None, None
    return row


def progress(session: Session, export_id: int, done: int, total: int) -> bool:
    """Write down how far a file is; whether it is still wanted."""
    row = session.get(ExportFile, export_id)
    if row is None or row.state != ExportState.RUNNING:
        return False
    pace.measure(row, max(done - row.done, 0))
    row.done, row.total = done, total
    return True


def finish(session: Session, export_id: int, *, holds: str = "", path: Path | None = None, error: str = "") -> None:
    """Mark a file as written, or as failed; one that was cancelled stays so."""
    row = session.get(ExportFile, export_id)
    if row is None or row.state not in UNDER_WAY:
        return
    row.finished_at = time.time()
    if path is None:
        row.state, row.error = ExportState.FAILED, error
    else:
        row.state, row.file, row.holds, row.bytes = ExportState.DONE, path.name, holds, path.stat().st_size


def cancel(session: Session, export_id: int) -> None:
    """Let nobody write this file; the worker stops at its next step."""
    row = session.get(ExportFile, export_id)
    if row is not None and row.state in UNDER_WAY:
        row.state, row.finished_at = ExportState.CANCELLED, time.time()


def mark(session: Session) -> str:
    """Names the state of the survey, as far as files tell of it."""
    return f"{browse.change_mark(session)}-{rankings.decisions_stamp(session)}"


def unfinished(session: Session) -> list[int]:
    """Ids of the files that wait or are being written."""
    return list(session.scalars(sa.select(ExportFile.id).where(ExportFile.state.in_(UNDER_WAY))))


def outdated(session: Session) -> list[int]:
    """Ids of the files that are older than they are kept."""
    old = ExportFile.finished_at < time.time() - KEPT_DAYS * 24 * 3600
    return list(session.scalars(sa.select(ExportFile.id).where(ExportFile.state.not_in(UNDER_WAY), old)))


def remove(survey: Survey, export_ids: Sequence[int]) -> None:
    """Remove these files and their rows."""
    for number in export_ids:
        folder = files.export_folder(survey.data_dir, number)
        if (storage := shared.storage_of(survey.data_dir)) is not None:
            storage.drop(folder)
        shutil.rmtree(folder, ignore_errors=True)
    with survey.write() as session:
        session.execute(sa.delete(ExportFile).where(ExportFile.id.in_(export_ids)))


def recent(session: Session, data_dir: Path, limit: int = 40) -> list[ExportView]:
    """The latest files that were asked for and not cancelled, newest first."""
    query = sa.select(ExportFile).where(ExportFile.state != ExportState.CANCELLED)
    return [_view(row, data_dir) for row in session.scalars(query.order_by(ExportFile.id.desc()).limit(limit))]


def view(session: Session, data_dir: Path, export_id: int) -> ExportView | None:
    """One file, or None when it was removed."""
    row = session.get(ExportFile, export_id)
    return _view(row, data_dir) if row is not None else None


def _view(row: ExportFile, data_dir: Path) -> ExportView:
    path = files.export_folder(data_dir, row.id) / row.file if row.file else None
    there = path is not None and (path.is_file() or shared.storage_of(data_dir) is not None)
    seconds = (row.finished_at or time.time()) - row.started_at if row.started_at else 0.0
    return ExportView(
        row.id, row.format, row.settings, row.state, row.done, row.total, row.holds or "", row.error, row.bytes or 0,
        row.who, row.created_at, row.finished_at, seconds,
        pace.seconds_left(row, row.total - row.done), row.mark, path if there else None,
    )  # fmt: skip
