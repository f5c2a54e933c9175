"""How far an import has come, how fast it goes and how long it will take.

A file has come to its end when its media has been looked at, or when there is nothing to look at: refused, left out,
already here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.survey.detections.replaced import is_aside
from app.survey.media.imports import outcomes
from app.survey.tables.detections import Analysis
from app.survey.tables.media import OPEN_STAGES, ImportBatch, ImportState, ListedFile, Media, Outcome, Stage

UNFINISHED = (ImportState.RECEIVING, ImportState.QUEUED, ImportState.RUNNING)
RATE_WINDOW_SECONDS = 60.0
MOST_A_WINDOW = 6000


@dataclass(frozen=True, slots=True)
class Progress:
    """One import. rate is files a second over the last minute; eta_seconds is None while it is not known.

    looked_at counts media of the import that are still being looked at: they are listed, but not at their end.

    damaged to clock (a suspicious time) count files that were taken in, displaced those far from their deployment; they
    are 0 until the import has ended. unanalysed: files taken in whose analysis failed or was stopped.
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
    unanalysed: int
    rate: float | None
    eta_seconds: float | None
    seconds: float
    error: str | None
    created_at: float
    looked_at: int = 0

    @property
    def done(self) -> int:
        """Files that have come to their end."""
        return self.new + self.duplicate + self.refused + self.left_out - self.looked_at

    @property
    def running(self) -> bool:
        """Whether the import is still to be finished."""
        return self.state in UNFINISHED


def import_progress(session: Session, import_id: int) -> Progress:
    """The progress of one import."""
    batch = session.get_one(ImportBatch, import_id)
    now = time.time()
    counts = _counts(session, batch)
    running = batch.state == ImportState.RUNNING
    looked_at = _looked_at(session, batch.id) if running else 0
    done = sum(counts.values()) - looked_at
    rate = _rate(session, batch, done, now) if running else None
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
        unanalysed=session.scalar(sa.select(sa.func.count()).select_from(_unanalysed(import_id).subquery())) or 0,
        rate=rate,
        eta_seconds=left / rate if rate and batch.listed is not None else None,
        seconds=(batch.finished_at or now) - started,
        error=batch.error,
        created_at=batch.created_at,
        looked_at=looked_at,
    )


def recent_imports(session: Session, limit: int = 10) -> list[Progress]:
    """The progress of the latest imports, newest first."""
    ids = session.scalars(sa.select(ImportBatch.id).order_by(ImportBatch.id.desc()).limit(limit)).all()
    return [import_progress(session, import_id) for import_id in ids]


def has_sample(session: Session) -> bool:
    """Whether the sample survey is among the imports."""
    return session.scalar(sa.select(ImportBatch.id).where(ImportBatch.synthetic.is_(True)).limit(1)) is not None


def labels(session: Session, limit: int = 100) -> list[tuple[int, str]]:
    """Ids and labels of the latest imports, newest first."""
    latest = sa.select(ImportBatch.id, ImportBatch.label).order_by(ImportBatch.id.desc()).limit(limit)
    return [(row.id, row.label) for row in session.execute(latest)]


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


def unanalysed(session: Session, import_id: int) -> list[tuple[str, str]]:
    """Files of an import that were taken in and whose analysis failed or was stopped: (path, sentence)."""
    rows = session.execute(_unanalysed(import_id).order_by(ListedFile.path))
    return [(path, reason or "") for path, reason in rows]


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


def _unanalysed(import_id: int) -> sa.Select[str, str | None]:
    # What failed is little, an import may be large: the few are looked up among its files, not the reverse.
    failed = sa.select(Media.id, Media.failure).where(Media.stage == Stage.FAILED).cte("failed")
    failed = failed.prefix_with("MATERIALIZED")
    joined = failed.join(ListedFile, failed.c.id == ListedFile.media_id)
    return sa.select(ListedFile.path, failed.c.failure).select_from(joined).where(ListedFile.import_id == import_id)


def _looked_at(session: Session, import_id: int) -> int:
    """Media of an import that are stored and not analysed yet; few, as an import feeds them in windows."""
    waiting = sa.select(Media.id).where(Media.stage.in_(OPEN_STAGES))
    mine = sa.select(sa.func.count(sa.distinct(ListedFile.media_id))).where(
        ListedFile.import_id == import_id, ListedFile.outcome == Outcome.NEW, ListedFile.media_id.in_(waiting)
    )
    return session.scalar(mine) or 0


def _rate(session: Session, batch: ImportBatch, done: int, now: float) -> float | None:
    """Files a second that came to their end: of the last minute, or since the start of a shorter import."""
    started = batch.started_at or now
    if now - started < RATE_WINDOW_SECONDS:
        return done / (now - started) if done and now - started > 1 else None
    newest = sa.select(Analysis.media_id, Analysis.created_at).order_by(Analysis.id.desc()).limit(MOST_A_WINDOW)
    newest_ones = newest.subquery()
    mine = sa.select(ListedFile.media_id).where(ListedFile.import_id == batch.id)
    analysed = session.scalar(
        sa.select(sa.func.count())
        .select_from(newest_ones)
        .where(newest_ones.c.created_at >= now - RATE_WINDOW_SECONDS, newest_ones.c.media_id.in_(mine))
    )
    settled = session.scalar(
        sa.select(sa.func.count()).where(
            ListedFile.import_id == batch.id,
            ListedFile.outcome != Outcome.NEW,
            ListedFile.listed_at >= now - RATE_WINDOW_SECONDS,
        )
    )
    return ((analysed or 0) + (settled or 0)) / RATE_WINDOW_SECONDS or None


def latest_looked_at(session: Session, import_id: int, limit: int) -> list[int]:
    """The media of an import that were analysed last, the latest first."""
    mine = sa.select(ListedFile.media_id).where(ListedFile.import_id == import_id)
    return list(
        session.scalars(
            sa.select(Analysis.media_id)
            .where(Analysis.media_id.in_(mine), ~is_aside())
            .order_by(Analysis.id.desc())
            .limit(limit)
        )
    )
