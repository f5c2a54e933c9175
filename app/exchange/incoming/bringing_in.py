"""Bring a file of results in: read it, say what it would do, and store its boxes a slice at a time."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.exchange.incoming import scratch, video_boxes
from app.exchange.incoming.entries import BadEntry, BrokenResults, UnknownResults
from app.exchange.incoming.recognise import recognise
from app.exchange.incoming.scratch import Matched, relative
from app.files import results_folder
from app.survey import pace
from app.survey.database import Survey
from app.survey.decisions.parts import named_images
from app.survey.detections import results
from app.survey.results import stored
from app.survey.tables.detections import Analysis, ModelVersion
from app.survey.tables.media import ImportBatch, ListedFile, Media, Stage
from app.survey.tables.results import UNDER_WAY, ResultsFile, ResultsReview, ResultsState
from app.survey.tables.videos import Video
from modal_backend.contracts import Detection, Provenance
from modal_backend.weights.whole_file import whole_file

BACKEND = "file"
TASK = "detect"
MOST_SHOWN = 1000
Report = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What bringing a file in would do.

    Args:
        entries: images that the file names.
        matched: those that are in the survey.
        kept: those of the matched about which somebody has decided: they stay as they are.
        reasons: of the others, how many for which reason.
        unmatched: their first thousand, each with its reason.
    """

    name: str
    format: str
    model: str
    version: str
    threshold: float
    entries: int
    matched: int
    kept: int
    reasons: dict[str, int]
    unmatched: list[tuple[str, str]]

    @property
    def detector(self) -> str:
        """The model with its version, which some names hold already."""
        return self.model if self.version in self.model else f"{self.model} {self.version}"


def register(survey: Survey, path: Path, name: str, who: str, state: ResultsState = ResultsState.READING) -> int:
    """A row for a file of results; the same content has the same row, as it is while a job is at it. Raises OSError.

    Args:
        state: READING lets a job read it; READY where the caller does.
    """
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    with survey.write() as session:
        row = session.scalar(sa.select(ResultsFile).where(ResultsFile.sha256 == sha256))
        if row is None:
            row = ResultsFile(sha256=sha256, who=who, name="", path="")
            session.add(row)
        elif row.state in UNDER_WAY:
            _forget(survey, path)
            return row.id
        row.name, row.path = name[:255], str(path)
        row.state, row.error, row.attempt = state, None, (row.attempt or 0) + 1
        row.started_at, row.finished_at = time.time(), None
        session.flush()
        return row.id


def place_of(data_dir: Path, results_id: int) -> Path:
    """Where what was read of a file of results lies."""
    return results_folder(data_dir) / f"{results_id}.sqlite"


def read_in(survey: Survey, results_id: int, report: Report = lambda _count: None) -> None:
    """Read a registered file and find its images in the survey. A file that cannot be read has failed, with the reason.

    Args:
        report: hears how many entries have been read.
    """
    with survey.read() as session:
        row = session.get_one(ResultsFile, results_id)
    try:
        source = recognise(Path(row.path))
        with scratch.opened(place_of(survey.data_dir, results_id)) as kept:
            entries = kept.fill(source.entries(), report)
            with survey.read() as session:
                matched = kept.match(session)
    except (UnknownResults, BrokenResults, OSError) as error:
        finish(survey, results_id, str(error))
        return
    finally:
        _forget(survey, Path(row.path))
    mark = f"brought in, file {row.sha256[:16]}"
    provenance = Provenance(BACKEND, source.model[:64], source.version[:32], "", mark)
    with survey.write() as session:
        row = session.get_one(ResultsFile, results_id)
        row.model_version_id = results.model_version(session, TASK, provenance, source.threshold).id
        row.format, row.entries, row.matched = source.format, entries, matched
        row.state = ResultsState.READY


def plan(survey: Survey, results_id: int) -> Plan:
    """What bringing in a file that has been read would do."""
    with survey.read() as session, scratch.opened(place_of(survey.data_dir, results_id)) as kept:
        row = session.get_one(ResultsFile, results_id)
        version = session.get_one(ModelVersion, row.model_version_id)
        held, last = 0, 0
        while group := kept.matched(last):
            last = group[-1].number
            held += len(stored.decided(session, [image.media_id for image in group]))
        return Plan(
            row.name,
            row.format,
            version.model,
            version.version,
            version.threshold or 0.0,
            row.entries or 0,
            row.matched or 0,
            held,
            kept.reasons(),
            kept.unmatched(MOST_SHOWN),
        )


def match_again(survey: Survey, results_id: int) -> None:
    """Find the images of a file that counts in the survey as it is now; a job is due when some are new."""
    with survey.read() as session, scratch.opened(place_of(survey.data_dir, results_id)) as kept:
        version_id = session.get_one(ResultsFile, results_id).model_version_id
        matched, last, new = kept.match(session), 0, False
        while version_id is not None and not new and (group := kept.matched(last)):
            last = group[-1].number
            without = stored.without_analysis(session, version_id, [image.media_id for image in group])
            new = bool(without - stored.decided(session, without))
    with survey.write() as session:
        row = session.get_one(ResultsFile, results_id)
        row.matched = matched
        if session.get(ResultsReview, results_id) is not None and row.state not in UNDER_WAY:
            row.state, row.error = ResultsState.TAKING if new else ResultsState.DONE, None
            row.attempt += new


def count_some(survey: Survey, results_id: int, after: int) -> int | None:
    """Let the boxes of a file count on its next images, or no longer; see `stored.count_some`."""
    with survey.write() as session:
        row = session.get_one(ResultsFile, results_id)
        last = stored.count_some(session, row, after, named_images(session, results_id))
        if last is None:
            row.state = ResultsState.TAKING
    return last


def take_some(survey: Survey, results_id: int, after: int) -> int | None:
    """Store the boxes of the next images.

    Args:
        after: number of the last entry that was taken, 0 at first.

    Returns:
        The number to go on after; None at the end, or when the file does not count any more.
    """
    with scratch.opened(place_of(survey.data_dir, results_id)) as kept:
        group = kept.matched(after)
    if not group:
        return None
    with survey.write() as session:
        if session.get(ResultsReview, results_id) is None:
            return None
        row = session.get_one(ResultsFile, results_id)
        before = row.taken
        _store(session, results_id, {image.media_id: image for image in group})
        pace.measure(row, row.taken - before)
    return group[-1].number


def waiting_videos(survey: Survey, results_id: int) -> list[int]:
    """Videos of a file whose animals still have to be described."""
    with survey.read() as session:
        version_id = session.get_one(ResultsFile, results_id).model_version_id
        mine = sa.select(Analysis.id).where(Analysis.model_version_id == version_id)
        where = (Media.kind == "video", Media.stage == Stage.DETECTED, Media.analysis_id.in_(mine))
        return list(session.scalars(sa.select(Media.id).where(*where).order_by(Media.id)))


def waiting(survey: Survey, results_id: int, after: int, limit: int) -> list[int]:
    """Images of a file, by id after this one, that still have to be described, or looked at anew after an undo."""
    with survey.read() as session:
        version_id = session.get_one(ResultsFile, results_id).model_version_id
        return stored.unfinished(session, version_id, after, limit) if version_id is not None else []


def take_for(survey: Survey, import_id: int, media_ids: list[int]) -> None:
    """Give images that an import has just taken in the boxes of the file of results that comes with it."""
    with survey.read() as session:
        batch = session.get_one(ImportBatch, import_id)
        mine = sa.and_(ListedFile.import_id == import_id, ListedFile.media_id.in_(media_ids))
        listed = session.execute(sa.select(ListedFile.media_id, ListedFile.path).where(mine)).all()
    if batch.results_id is None or not listed:
        return
    label = Path(batch.root).name
    with scratch.opened(place_of(survey.data_dir, batch.results_id)) as kept:
        found = {
            media_id: entry
            for media_id, path in listed
            if media_id is not None and (entry := kept.of_file(label, path)) is not None
        }
    with survey.write() as session:
        if session.get(ResultsReview, batch.results_id) is not None:
            _store(session, batch.results_id, found)


def finish(survey: Survey, results_id: int, error: str | None = None, attempt: int | None = None) -> None:
    """Mark a file as brought in, or as failed with the reason; in a later attempt than this one nothing happens."""
    with survey.write() as session:
        row = session.get_one(ResultsFile, results_id)
        if attempt not in (None, row.attempt):
            return
        error = error or row.error
        row.state = ResultsState.FAILED if error else ResultsState.DONE
        row.error, row.finished_at = error, time.time()


def receive(survey: Survey, file: BinaryIO) -> Path:
    """Keep a file that a browser has sent until it has been read. Raises OSError."""
    place = results_folder(survey.data_dir) / f"{uuid4().hex}.received"
    place.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(place) as part, part.open("wb") as kept:
        shutil.copyfileobj(file, kept)
    return place


def _forget(survey: Survey, path: Path) -> None:
    """Remove a file that a browser has sent."""
    if path.parent == results_folder(survey.data_dir):
        path.unlink(missing_ok=True)


def _store(session: Session, results_id: int, found: dict[int, Matched]) -> None:
    row = session.get_one(ResultsFile, results_id)
    version = session.get_one(ModelVersion, row.model_version_id)
    wanted = stored.without_analysis(session, version.id, found) - stored.decided(session, found)
    sizes = {}
    if any(found[media_id].pixels for media_id in wanted):
        rows = session.execute(sa.select(Media.id, Media.width, Media.height).where(Media.id.in_(wanted)))
        sizes = {media_id: (width, height) for media_id, width, height in rows}
    videos = set(session.scalars(sa.select(Video.media_id).where(Video.media_id.in_(wanted))))
    boxes: dict[int, list[Detection]] = {}
    for media_id in sorted(wanted):
        entry = found[media_id]
        if (entry.frames is not None) != (media_id in videos):
            continue
        if entry.frames is not None:
            video_boxes.store(session, media_id, version, row.who, entry.boxes, entry.frames, entry.species)
            row.taken += 1
            continue
        try:
            boxes[media_id] = relative(entry.boxes, *sizes[media_id]) if entry.pixels else list(entry.boxes)
        except BadEntry:
            continue
    row.taken += len(boxes)
    stored.store(session, version, boxes, {media_id: found[media_id].species for media_id in boxes})
