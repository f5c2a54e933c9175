"""The runs of one video: each summary that was computed of it, with which detector, and which of them counts.

A run is never changed once it has ended, and none is thrown away. The one that counts is the one a person chose; else,
where people have decided about boxes, the newest run they decided on; else the newest. Its boxes and tracklets are what
Detections, Identify and Export show.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.detections.replaced import put_aside
from app.survey.tables.detections import Analysis, Detection, DetectionReview, ModelVersion
from app.survey.tables.individuals import Sighting
from app.survey.tables.media import Media
from app.survey.tables.results import ResultsFile, ResultsReview
from app.survey.tables.videos import Video, VideoRunChoice, VideoRunRow
from modal_backend.models.video.summary import Count


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a run found besides its counts and tracklets.

    Attributes:
        lost: what could not be decoded, as a sentence.
        looked: [frame number, second] of each frame the detector looked at.
        compared: how many frames were compared for motion.
        unlooked: [from, to] in seconds of each stretch without a look.
        night: the frames have no colour; None where that is not known.
        carried: the camera itself moves.
        sentences, uncertainty: [text, first second, last second, [frame numbers]] of each sentence.
        counts: [most at once, its frame, its second, lowest, highest number of different ones] by category.
    """

    lost: str = ""
    looked: list[Any] = field(default_factory=list)
    compared: int = 0
    unlooked: list[Any] = field(default_factory=list)
    night: bool | None = None
    carried: bool = False
    sentences: list[Any] = field(default_factory=list)
    uncertainty: list[Any] = field(default_factory=list)
    counts: dict[str, list[Any]] = field(default_factory=dict)


def facts_of(row: VideoRunRow | None) -> RunFacts:
    """The facts of a run; empty ones where there is none."""
    return RunFacts(**row.facts) if row is not None and row.facts else RunFacts()


def counting_run(session: Session, media_id: int) -> VideoRunRow | None:
    """The run of a video that counts; None before there is one with a result."""
    mine = sa.select(VideoRunRow).join(Video, Video.run_id == VideoRunRow.id).where(Video.media_id == media_id)
    return session.scalar(mine)


def begin(session: Session, media_id: int, who: str | None) -> VideoRunRow:
    """A new run of a video.

    Args:
        who: the person who asked for it, None for the run of the import.
    """
    row = VideoRunRow(media_id=media_id, asked_by=who, asked_at=time.time(), facts={})
    session.add(row)
    session.flush()
    return row


def open_run(session: Session, media_id: int) -> VideoRunRow | None:
    """The run of a video that is waiting or under way."""
    mine = sa.select(VideoRunRow).where(VideoRunRow.media_id == media_id, *_open())
    return session.scalar(mine.order_by(VideoRunRow.id).limit(1))


def open_runs(session: Session) -> list[int]:
    """Ids of the runs that people asked for and that are waiting or under way, oldest first."""
    asked = sa.select(VideoRunRow.id).where(VideoRunRow.asked_by.is_not(None), *_open())
    return list(session.scalars(asked.order_by(VideoRunRow.id)))


def finished(session: Session, media_id: int) -> list[tuple[VideoRunRow, ModelVersion]]:
    """The runs of a video that have a result, newest first, with the detector that gave it.

    Those of a file of results that does not count are left out.
    """
    rows = session.execute(
        sa.select(VideoRunRow, ModelVersion)
        .join(Analysis, Analysis.id == VideoRunRow.analysis_id)
        .join(ModelVersion, ModelVersion.id == Analysis.model_version_id)
        .where(VideoRunRow.media_id == media_id, VideoRunRow.summarised_at.is_not(None))
        .where(ModelVersion.id.not_in(not_counting()))
        .order_by(VideoRunRow.id.desc())
    )
    return [(row, version) for row, version in rows]


def not_counting() -> sa.Select[Any]:
    """Versions of the files of results that do not count, as a query."""
    files = sa.select(ResultsFile.model_version_id).outerjoin(ResultsReview, ResultsReview.results_id == ResultsFile.id)
    return files.where(ResultsFile.model_version_id.is_not(None), ResultsReview.results_id.is_(None))


def last_failure(session: Session, media_id: int) -> VideoRunRow | None:
    """The video's newest run when that ended without a result."""
    newest = session.scalar(
        sa.select(VideoRunRow).where(VideoRunRow.media_id == media_id).order_by(VideoRunRow.id.desc()).limit(1)
    )
    return newest if newest is not None and newest.failure else None


def finish(
    session: Session, row: VideoRunRow, version_id: int, animals: Count, unidentified: bool, facts: RunFacts
) -> None:
    """Write the result of a run down and let the right run count; its boxes are those of this version's analysis."""
    mine = sa.and_(Analysis.media_id == row.media_id, Analysis.model_version_id == version_id)
    row.analysis_id = session.scalars(sa.select(Analysis.id).where(mine)).one()
    row.animals, row.distinct_low, row.distinct_high = animals.at_once, animals.low, animals.high
    row.unidentified, row.facts = unidentified, asdict(facts)
    row.progress, row.summarised_at = 1.0, time.time()
    session.flush()
    settle(session, row.media_id)


def fail(session: Session, run_id: int, reason: str) -> None:
    """Write down why a run has no result of its own; one that has ended stays as it is."""
    session.execute(sa.update(VideoRunRow).where(VideoRunRow.id == run_id, *_open()).values(failure=reason[:2000]))


def decided_on(session: Session, row: VideoRunRow) -> int:
    """How many boxes of a run a person has decided about: corrected, judged, or said who it is."""
    reviewed = sa.select(DetectionReview.detection_id).union(sa.select(Sighting.detection_id))
    mine = sa.select(sa.func.count(Detection.id)).where(
        Detection.analysis_id == row.analysis_id, Detection.media_id == row.media_id, Detection.id.in_(reviewed)
    )
    return session.scalar(mine) or 0


def settle(session: Session, media_id: int) -> None:
    """Let the right run of a video count: its boxes, tracklets and sentences are the video's."""
    runs = [row for row, _ in finished(session, media_id)]
    if not runs:
        return
    choice = session.get(VideoRunChoice, media_id)
    chosen = next((row for row in runs if choice is not None and row.id == choice.run_id), None)
    row = chosen or next((row for row in runs if decided_on(session, row)), runs[0])
    session.get_one(Video, media_id).run_id = row.id
    session.flush()
    session.execute(sa.update(Media).where(Media.id == media_id).values(analysis_id=row.analysis_id))
    session.expire(session.get_one(Media, media_id), ["analysis_id"])
    put_aside(session, [media_id])


def settle_chosen(session: Session, changes: Iterable[dict[str, Any]]) -> None:
    """Settle every video whose choice of run is among these changed rows."""
    for change in changes:
        if change["table"] == VideoRunChoice.__tablename__:
            settle(session, (change["after"] or change["before"])["media_id"])


def _open() -> tuple[sa.ColumnElement[bool], ...]:
    return VideoRunRow.summarised_at.is_(None), VideoRunRow.failure.is_(None)
