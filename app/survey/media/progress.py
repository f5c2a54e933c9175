"""How far an import has come, how fast it goes and how long it will take."""

from __future__ import annotations

import time
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.survey.media.imports import outcomes
from app.survey.tables.media import ImportBatch, ImportState, ListedFile, Media, Outcome, Stage

RATE_WINDOW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Progress:
    """One import. rate is files a second over the last minute; eta_seconds is None while it cannot be told.

    damaged to clock (a suspicious time) count files that were taken in, displaced those far from their deployment; they
    are 0 until the import has ended.
    """

    id: int
    label: str
    kind: str
    state: str
    listed: int | None
    new: int
    duplicate: int
    refused: int
    left_out: int
    damaged: int
    untimed: int
    unplaced: int
    displaced: int
    clock: int
    rate: float | None
    eta_seconds: float | None
    seconds: float
    error: str | None
    created_at: float

    @property
    def done(self) -> int:
        """Files that have come to their end."""
        return self.new + self.duplicate + self.refused + self.left_out

    @property
    def running(self) -> bool:
        """Whether the import is still to be finished."""
        return self.state in (ImportState.RECEIVING, ImportState.QUEUED, ImportState.RUNNING)


def import_progress(session: Session, import_id: int) -> Progress:
    """The progress of one import."""
    batch = session.get_one(ImportBatch, import_id)
    now = time.time()
    counts = _counts(session, batch)
    done = sum(counts.values())
    rate = _rate(session, batch, now) if batch.state == ImportState.RUNNING else None
    left = max((batch.listed or 0) - done, 0)
    started = batch.started_at or batch.created_at
    return Progress(
        id=batch.id,
        label=batch.label,
        kind=batch.kind,
        state=batch.state,
        listed=batch.listed,
        new=counts[Outcome.NEW],
        duplicate=counts[Outcome.DUPLICATE],
        refused=counts[Outcome.REFUSED],
        left_out=counts[Outcome.LEFT_OUT],
        damaged=batch.damaged_files or 0,
        untimed=batch.untimed_files or 0,
        unplaced=batch.unplaced_files or 0,
        displaced=batch.displaced_files or 0,
        clock=batch.clock_files or 0,
        rate=rate,
        eta_seconds=left / rate if rate and batch.listed is not None else None,
        seconds=(batch.finished_at or now) - started,
        error=batch.error,
        created_at=batch.created_at,
    )


def recent_imports(session: Session, limit: int = 10) -> list[Progress]:
    """The progress of the latest imports, newest first."""
    ids = session.scalars(sa.select(ImportBatch.id).order_by(ImportBatch.id.desc()).limit(limit)).all()
    return [import_progress(session, import_id) for import_id in ids]


def refusals(
    session: Session, import_id: int, limit: int = 1000, *, outcome: Outcome = Outcome.REFUSED
) -> list[tuple[str, str]]:
    """Files of an import that were refused, or left out, with the reason: (path, sentence)."""
    rows = session.execute(
        sa.select(ListedFile.path, ListedFile.message)
        .where(ListedFile.import_id == import_id, ListedFile.outcome == outcome)
        .order_by(ListedFile.path)
        .limit(limit)
    )
    return [(path, message or "") for path, message in rows]


def duplicates(session: Session, import_id: int, limit: int = 1000) -> list[tuple[str, str]]:
    """Duplicate files of an import with the path that brought the same content first."""
    first = aliased(ListedFile)
    rows = session.execute(
        sa.select(ListedFile.path, sa.func.min(first.path))
        .join(first, sa.and_(first.media_id == ListedFile.media_id, first.outcome == Outcome.NEW))
        .where(ListedFile.import_id == import_id, ListedFile.outcome == Outcome.DUPLICATE)
        .group_by(ListedFile.path)
        .order_by(ListedFile.path)
        .limit(limit)
    )
    return [(path, other) for path, other in rows]


def stages(session: Session) -> dict[str, int]:
    """How many media stand at each stage; every stage is named."""
    rows = {row[0]: row[1] for row in session.execute(sa.select(Media.stage, sa.func.count()).group_by(Media.stage))}
    return {str(stage): rows.get(stage, 0) for stage in Stage}


def _counts(session: Session, batch: ImportBatch) -> dict[str, int]:
    if batch.state not in (ImportState.DONE, ImportState.FAILED) or batch.new_files is None:
        return outcomes(session, batch.id)
    return {
        Outcome.NEW: batch.new_files,
        Outcome.DUPLICATE: batch.duplicate_files or 0,
        Outcome.REFUSED: batch.refused_files or 0,
        Outcome.LEFT_OUT: batch.left_out_files or 0,
    }


def _rate(session: Session, batch: ImportBatch, now: float) -> float | None:
    since = max(batch.started_at or now, now - RATE_WINDOW_SECONDS)
    recent = session.scalar(
        sa.select(sa.func.count()).where(ListedFile.import_id == batch.id, ListedFile.listed_at >= since)
    )
    return recent / (now - since) if recent and now - since > 1 else None
