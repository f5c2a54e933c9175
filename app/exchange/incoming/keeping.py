"""Keep what a file says beside what people saw: the boxes of models, and lines that a job takes a slice at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.exchange.incoming import scratch
from app.exchange.incoming.bringing_in import BACKEND, TASK, place_of
from app.exchange.incoming.entries import Entry
from app.exchange.incoming.lines import Said
from app.exchange.incoming.megadetector import USUAL_THRESHOLD
from app.survey import pace
from app.survey.database import DATA_DIR, Survey
from app.survey.decisions import identities_file
from app.survey.decisions.identities_file import NamedImage
from app.survey.detections import results
from app.survey.results import stored
from app.survey.tables.decisions import Decision
from app.survey.tables.detections import ModelVersion
from app.survey.tables.results import ResultsFile, ResultsReview, ResultsState
from modal_backend.contracts import Provenance


def keep_boxes(session: Session, who: str, said: Said, found: Mapping[int, Entry], name: str) -> int:
    """Store the boxes of a file that says more than boxes, on images nobody has decided about; returns its id.

    found: the entries by image.
    """
    content = repr((said.model, sorted((number, entry.boxes, entry.species) for number, entry in found.items())))
    row = _row(session, who, said, [content], name, has_boxes=True)
    row.entries, row.matched = len(said.boxes), len(found)
    version = session.get_one(ModelVersion, row.model_version_id)
    wanted = stored.without_analysis(session, version.id, found)
    boxes = {number: found[number].boxes for number in sorted(wanted)}
    stored.store(session, version, boxes, {number: found[number].species for number in boxes})
    row.taken = len(found)
    return row.id


def keep_all(
    session: Session, who: str, said: Said, boxes: Sequence[tuple[int, Entry]], lines: Sequence[NamedImage], name: str
) -> int:
    """Keep a file that says much for the job that takes it; returns its id. What counts already stays as it is.

    Args:
        boxes: the entries with their images.
    """

    def content() -> Iterator[str]:
        yield said.model
        yield from (repr((number, entry.boxes, entry.species)) for number, entry in boxes)
        yield from map(repr, lines)

    row = _row(session, who, said, content(), name, has_boxes=bool(boxes))
    if session.get(ResultsReview, row.id) is None:
        row.entries, row.matched, row.taken = len(said.lines) + len(said.boxes), len(boxes) + len(lines), 0
        with scratch.opened(place_of(session.info[DATA_DIR], row.id)) as kept:
            kept.keep(boxes, slices_of(lines, scratch.AT_ONCE))
    return row.id


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
        head = _standing(session, results_id)
        if head is None:
            return None
        row = session.get_one(ResultsFile, results_id)
        taken = identities_file.take_part(session, head, lines)
        row.taken += taken
        pace.measure(row, taken)
    return after + 1


def _standing(session: Session, results_id: int) -> Decision | None:
    """The decision by which a file counts, held until this transaction ends; None for none."""
    mine = sa.and_(Decision.kind == "identities file", Decision.undone_at.is_(None), Decision.part_of.is_(None))
    views = session.execute(sa.select(Decision.id, Decision.view).where(mine))
    number = max((row.id for row in views if row.view.get("results_id") == results_id), default=None)
    return session.scalar(sa.select(Decision).where(mine, Decision.id == number).with_for_update())


def _row(session: Session, who: str, said: Said, content: Iterable[str], name: str, *, has_boxes: bool) -> ResultsFile:
    """The row of what a file says; the same content has the same one."""
    digest = hashlib.sha256()
    for text in content:
        digest.update(text.encode())
    sha256 = digest.hexdigest()
    row = session.scalar(sa.select(ResultsFile).where(ResultsFile.sha256 == sha256))
    if row is None:
        row = ResultsFile(sha256=sha256, who=who, path="", state=ResultsState.READY, name="")
        if has_boxes:
            provenance = Provenance(BACKEND, said.model[:64], "", "", f"brought in, file {sha256[:16]}")
            row.model_version_id = results.model_version(session, TASK, provenance, USUAL_THRESHOLD).id
        session.add(row)
    row.name, row.format = name[:255], said.format
    session.flush()
    return row
