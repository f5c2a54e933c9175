"""Keep what a file says beside what people saw: the boxes of models, and lines that a job takes a slice at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.exchange.incoming import scratch
from app.exchange.incoming.bringing_in import BACKEND, TASK, place_of
from app.exchange.incoming.entries import Entry
from app.exchange.incoming.lines import Contents
from app.exchange.incoming.megadetector import USUAL_THRESHOLD
from app.files import results_folder
from app.survey import pace
from app.survey.database import DATA_DIR, Survey
from app.survey.decisions import identities_file, parts
from app.survey.decisions.identities_file import NamedImage
from app.survey.detections import results
from app.survey.results import stored
from app.survey.tables.detections import ModelVersion
from app.survey.tables.results import UNDER_WAY, ResultsFile, ResultsReview, ResultsState
from modal_backend.contracts import Provenance


@dataclass(frozen=True, slots=True)
class Aside:
    """What a job is to take of a file, kept beside the survey until somebody decides that it counts."""

    place: Path
    sha256: str
    boxes: int
    lines: int


def keep_boxes(session: Session, who: str, contents: Contents, found: Mapping[int, Entry], name: str) -> int:
    """Store the boxes of a file that says more than boxes, on images nobody has decided about; returns its id.

    found: the entries by image.
    """
    text = repr((contents.model, sorted((number, entry.boxes, entry.species) for number, entry in found.items())))
    row = _row(session, who, contents, hashlib.sha256(text.encode()).hexdigest(), name, has_boxes=True)
    row.entries, row.matched = len(contents.boxes), len(found)
    version = session.get_one(ModelVersion, row.model_version_id)
    wanted = stored.without_analysis(session, version.id, found)
    boxes = {number: found[number].boxes for number in sorted(wanted)}
    stored.store(session, version, boxes, {number: found[number].species for number in boxes})
    row.taken = len(found)
    return row.id


@contextmanager
def set_aside(
    data_dir: Path, model: str, boxes: Sequence[tuple[int, Entry]], lines: Sequence[NamedImage]
) -> Iterator[Aside]:
    """Keep what a job is to take of a file that says much; it is gone afterwards unless `keep_all` took it.

    Args:
        boxes: the entries with their images.
    """
    digest = hashlib.sha256(model.encode())
    for number, entry in boxes:
        digest.update(repr((number, entry.boxes, entry.species)).encode())
    for line in lines:
        digest.update(repr(line).encode())
    place = results_folder(data_dir) / f"{uuid4().hex}.aside"
    try:
        with scratch.opened(place) as kept:
            kept.keep(boxes, slices_of(lines, scratch.AT_ONCE))
        yield Aside(place, digest.hexdigest(), len(boxes), len(lines))
    finally:
        place.unlink(missing_ok=True)


def keep_all(session: Session, who: str, contents: Contents, aside: Aside, name: str) -> int:
    """Keep a file that says much for the job that takes it; returns its id. What counts already stays as it is."""
    row = _row(session, who, contents, aside.sha256, name, has_boxes=bool(aside.boxes))
    if session.get(ResultsReview, row.id) is None:
        row.entries, row.matched, row.taken = len(contents.lines) + len(contents.boxes), aside.boxes + aside.lines, 0
        aside.place.replace(place_of(session.info[DATA_DIR], row.id))
    return row.id


def under_way(session: Session, aside: Aside | None) -> ResultsFile | None:
    """The row of a file that a job is taking already; None where none is."""
    if aside is None:
        return None
    same = sa.and_(ResultsFile.sha256 == aside.sha256, ResultsFile.state.in_(UNDER_WAY))
    return session.scalar(sa.select(ResultsFile).join(ResultsReview).where(same))


def slices_of(lines: Sequence[NamedImage], size: int) -> Iterator[list[NamedImage]]:
    """All lines, those about one media in the same slice: together they say which box is whose."""
    first: dict[int, int] = {}
    order = sorted((first.setdefault(line.media_id, place), place) for place, line in enumerate(lines))
    some: list[NamedImage] = []
    for begins, place in order:
        if len(some) >= size and begins == place:
            yield some
            some = []
        some.append(lines[place])
    if some:
        yield some


def take_lines(survey: Survey, results_id: int, after: int) -> int | None:
    """Take the next slice of a file's lines, as a part of the decision that it counts.

    Args:
        after: number of the last slice that was taken, 0 at first.

    Returns:
        The number to go on after; None at the end, or when the file does not count any more.
    """
    with scratch.opened(place_of(survey.data_dir, results_id)) as kept:
        lines = kept.lines(after + 1)
    if not lines:
        return None
    with survey.write() as session:
        head = parts.head_of(session, results_id)
        if head is None or head.undone_at is not None:
            return None
        row = session.get_one(ResultsFile, results_id)
        taken = identities_file.take_part(session, head, lines)
        row.taken += taken
        pace.measure(row, taken)
    return after + 1


def _row(session: Session, who: str, contents: Contents, sha256: str, name: str, *, has_boxes: bool) -> ResultsFile:
    """The row of what a file says; the same content has the same one."""
    row = session.scalar(sa.select(ResultsFile).where(ResultsFile.sha256 == sha256))
    if row is None:
        row = ResultsFile(sha256=sha256, who=who, path="", state=ResultsState.READY, name="")
        if has_boxes:
            provenance = Provenance(BACKEND, contents.model[:64], "", "", f"brought in, file {sha256[:16]}")
            row.model_version_id = results.model_version(session, TASK, provenance, USUAL_THRESHOLD).id
        session.add(row)
    row.name, row.format = name[:255], contents.format
    session.flush()
    return row
