"""What the status strip, /metrics and /api/stats show: a handful of indexed queries."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey import team
from app.survey.database import Survey
from app.survey.detections.features import feature_version
from app.survey.detections.results import threshold_of
from app.survey.individuals import rankings
from app.survey.media import browse
from app.survey.media.browse import MediaFilter, Show
from app.survey.media.imports import open_imports
from app.survey.media.progress import import_progress
from app.survey.tables.calls import Call
from app.survey.tables.media import OPEN_STAGES, ListedFile, Media, Outcome, Stage
from modal_backend.registry import LOCAL, Task

WINDOW_SECONDS = 300
POINTS = 60
# A call over a whole file of notes or a whole video takes as long as that is large; it does not say how fast images go.
WHOLE: dict[str, str] = {Task.KEYWORDS: "notes", Task.CLUSTERS: "notes", Task.VIDEO: "videos"}


@dataclass(frozen=True, slots=True)
class StripSnapshot:
    """The figures of one moment.

    Attributes:
        queued, running, failed: media that wait, calls under way, media whose job failed.
        p50, p95: seconds per call finished within the last five minutes, None without any; without the calls of WHOLE.
        sparkline: 60 mean call durations in seconds, five seconds each, oldest first; None where no call finished.
        waits_for: what the call that is open longest waits for, as a sentence; else empty.
        seconds_left: of each import under way until it is done, by the pace of this moment; without those not known.
        longer: of the calls of WHOLE within these minutes, what they were about, how many, and their median in seconds.
    """

    backend: str
    queued: int
    running: int
    failed: int
    p50: float | None
    p95: float | None
    sparkline: list[float | None]
    longer: tuple[tuple[str, int, float], ...] = ()
    seconds_left: Mapping[int, float] = field(default_factory=dict)
    waits_for: str = ""


def snapshot(survey: Survey, backend: str = "embedded", now: float | None = None) -> StripSnapshot:
    """Read the figures. Reads only the calls of the last five minutes, however long the ledger is."""
    now = time.time() if now is None else now
    with survey.read() as session:
        waiting = session.scalar(sa.select(sa.func.count()).select_from(Media).where(Media.stage.in_(OPEN_STAGES)))
        failed = session.scalar(sa.select(sa.func.count()).select_from(Media).where(Media.stage == Stage.FAILED))
        running = session.scalar(
            sa.select(sa.func.count()).select_from(Call).where(Call.outcome.is_(None), Call.started_at.is_not(None))
        )
        noted = sa.select(Call.note).where(Call.outcome.is_(None), Call.note.is_not(None))
        waits_for = session.scalar(noted.order_by(Call.queued_at).limit(1)) or team.waits_for(session, now)
        left = {number: import_progress(session, number).eta_seconds for number in open_imports(session)}
        calls = session.execute(
            sa.select(Call.finished_at, Call.started_at, Call.task, Call.outcome).where(
                Call.finished_at >= now - WINDOW_SECONDS, Call.started_at.is_not(None)
            )
        ).all()
    finished: list[tuple[float, float]] = []
    whole: dict[str, list[float]] = {}
    for end, start, task, outcome in calls:
        # asked of the database, the outcome would make SQLite read all calls that are done
        if end is None or start is None or end > now or outcome != "done":
            continue
        if about := WHOLE.get(task):
            whole.setdefault(about, []).append(end - start)
        else:
            finished.append((end, end - start))
    seconds = sorted(duration for _, duration in finished)
    return StripSnapshot(
        backend=backend,
        queued=waiting or 0,
        running=running or 0,
        failed=failed or 0,
        p50=percentile(seconds, 0.50),
        p95=percentile(seconds, 0.95),
        sparkline=_sparkline(finished, now),
        waits_for=waits_for,
        seconds_left={number: seconds for number, seconds in left.items() if seconds is not None},
        longer=tuple((about, len(some), percentile(sorted(some), 0.5) or 0.0) for about, some in sorted(whole.items())),
    )


def percentile(ordered: list[float], share: float) -> float | None:
    """The value below which `share` of an ascending list lies (nearest rank), None for an empty list."""
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else None


def _sparkline(finished: list[tuple[float, float]], now: float) -> list[float | None]:
    totals, counts = [0.0] * POINTS, [0] * POINTS
    width = WINDOW_SECONDS / POINTS
    for end, duration in finished:
        place = min(max(int((end - (now - WINDOW_SECONDS)) / width), 0), POINTS - 1)
        totals[place] += duration
        counts[place] += 1
    return [total / count if count else None for total, count in zip(totals, counts, strict=True)]


@dataclass(frozen=True, slots=True)
class WaitingFigures:
    """What came in, what waits for a decision, what went wrong."""

    media: int
    animals: int
    unreviewed: int
    crops_to_identify: int
    failed: int
    refused: int


def waiting_figures(session: Session) -> WaitingFigures:
    """The figures of the Survey page, at the detector's own threshold."""
    threshold = threshold_of(browse.detector(session))
    local = feature_version(session, LOCAL)
    return WaitingFigures(
        media=browse.count(session, MediaFilter()),
        animals=browse.count(session, MediaFilter(Show.ANIMAL, threshold)),
        unreviewed=browse.count(session, MediaFilter(Show.UNREVIEWED, threshold)),
        crops_to_identify=rankings.waiting_count(session, local) if local else 0,
        failed=browse.count(session, MediaFilter(Show.FAILED, threshold)),
        refused=session.scalar(
            sa.select(sa.func.count()).select_from(ListedFile).where(ListedFile.outcome == Outcome.REFUSED)
        )
        or 0,
    )
