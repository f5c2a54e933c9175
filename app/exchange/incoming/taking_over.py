"""Take over what a file says as one decision: who and what people saw, boxes of a model, deployments.

Its images are found before anything is written (`prepared`). A file that says much is taken by a job, a slice at a time
(see `keeping` and `app.jobs.results`): each slice is a part of the same decision, and memory holds one at a time.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.exchange.incoming import keeping, scratch
from app.exchange.incoming.entries import Entry
from app.exchange.incoming.lines import Contents, Line
from app.exchange.incoming.matching import parts
from app.exchange.incoming.on_disk import Spooled
from app.survey.database import Survey, slices
from app.survey.decisions import identities_file, stations_file
from app.survey.decisions.identities_file import NamedImage
from app.survey.decisions.refusals import BadDecision
from app.survey.individuals.naming import heard
from app.survey.results import stored
from app.survey.tables.decisions import Decision
from app.survey.tables.media import Media
from app.survey.tables.results import ResultsReview

PASSED_ON = ("species", "flank", "box", "category", "verdict", "who", "at", "sex", "age_class")
TWICE = "The file says this more than once."
DECIDED = "Somebody has decided about this image: its boxes stay as they are."
MOST_IN_ONE = 1000  # lines and images with boxes; a file with more is taken by a job
MOST_LISTED = 50_000


@dataclass(frozen=True, slots=True)
class Identities:
    """Lines whose image is in the survey, and those left out, each with the reason: (path, sentence).

    boxes: what a model found on the images of the survey that nobody has decided about, by media id.
    """

    lines: Sequence[NamedImage]
    left_out: Spooled[tuple[str, str]]
    boxes: Sequence[tuple[int, Entry]]

    @property
    def is_much(self) -> bool:
        """Whether a job takes it."""
        return len(self.lines) + len(self.boxes) > MOST_IN_ONE


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file whose images are found. aside: what a job is to take of it; None where nothing is left to a job."""

    contents: Contents
    found: Identities
    aside: keeping.Aside | None


@dataclass(slots=True)
class Plan:
    """What taking a file over would do.

    Args:
        found: the images it is about.
        lines: how many there are; taken: how many of them are taken; good: the first of these.
        left_out: what is not taken, with the reason: (path or name, sentence); the first of them.
        reasons: how many are left out for which reason.
        individuals: new ones, as they are heard.
        images: how many get boxes of a model.
        deployments: how many the file names; stations: those that are new or change.
    """

    found: Identities
    lines: int
    images: int
    deployments: int
    stations: list[stations_file.Planned]
    taken: int = 0
    good: list[identities_file.Planned] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    individuals: set[str] = field(default_factory=set)

    @property
    def does_something(self) -> bool:
        """Whether anything would change."""
        return bool(self.taken or self.images or self.stations)

    @property
    def words(self) -> str:
        """A sentence without its point."""
        new = len(self.individuals)
        clauses = (
            [f"{self.taken:,} of {_many(self.lines, 'line')}, {_many(new, 'new individual')}"] if self.lines else []
        )
        clauses += [f"boxes of a model on {_many(self.images, 'image')}"] if self.images else []
        if self.deployments:
            clauses.append(f"{len(self.stations):,} of {_many(self.deployments, 'deployment')} new or changed")
        return "; ".join(clauses) or "It says nothing"

    def take(self, some: Iterable[identities_file.Planned]) -> None:
        """Add what some lines would do."""
        for planned in some:
            if planned.problem is not None:
                self.leave_out(planned.line.path, planned.problem)
                continue
            self.taken += 1
            if planned.individual_id is None and planned.line.individual:
                self.individuals.add(heard(planned.line.individual))
            if len(self.good) < MOST_LISTED:
                self.good.append(planned)

    def leave_out(self, name: str, reason: str) -> None:
        """Add something that is not taken."""
        self.reasons[reason] += 1
        if len(self.left_out) < MOST_LISTED:
            self.left_out.append((name, reason))


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def match(session: Session, contents: Contents) -> Identities:
    """Find the images of a file in the survey: by their content, else as `app.exchange.incoming.matching` says."""
    media, reasons = _media(session, contents)
    found, left_out, seen = Spooled[NamedImage](), Spooled[tuple[str, str]](), set[int]()
    for line, problem in zip(contents.lines, _problems(contents.lines), strict=True):
        key = hash(line)  # of 64 bits: two lines never share one
        problem = problem or reasons.get(line.path) or (TWICE if key in seen else None)
        seen.add(key)
        if problem is None:
            found.append(_named(line, media[line.path]))
        else:
            left_out.append((line.path, problem))
    left_out.extend((entry.path, reasons[entry.path]) for entry in contents.boxes if entry.path not in media)
    held = stored.decided(session, {media[entry.path] for entry in contents.boxes if entry.path in media})
    boxes, given = Spooled[tuple[int, Entry]](), set(held)
    for entry in contents.boxes:
        number = media.get(entry.path)
        if number in held:
            left_out.append((entry.path, DECIDED))
        elif number in given:
            left_out.append((entry.path, scratch.TWICE))
        elif number is not None:
            given.add(number)
            boxes.append((number, entry))
    return Identities(found, left_out, boxes)


@contextmanager
def prepared(survey: Survey, contents: Contents, found: Identities | None = None) -> Iterator[Prepared]:
    """Find the images of a file and keep what a job is to take of it, before anything is written to the survey.

    found: its images, where they are known from its plan.
    """
    if found is None:
        with survey.read() as session:
            found = match(session, contents)
    if not found.is_much:
        yield Prepared(contents, found, None)
        return
    with keeping.set_aside(survey.data_dir, contents.model, found.boxes, found.lines) as aside:
        yield Prepared(contents, found, aside)


def take(session: Session, who: str, ready: Prepared, file: str) -> Decision:
    """Take a file over as one decision: its boxes, what people said, its deployments. Raises BadDecision.

    Of a file that says much this decides that it counts, and takes its deployments; a job does the rest.
    """
    contents, found = ready.contents, ready.found
    stations = stations_file.plan(session, contents.stations, keep=True)
    if ready.aside is None:
        boxes = dict(found.boxes)
        for number in stored.decided(session, boxes):  # since its images were found
            del boxes[number]
        results_id = keeping.keep_boxes(session, who, contents, boxes, file) if boxes else None
        return identities_file.take(session, who, found.lines, file, stations, results_id)
    if (row := keeping.under_way(session, ready.aside)) is not None:
        done = f"{row.taken:,} of {_many(row.matched or 0, 'line')}"
        raise BadDecision(f"{file} is being taken over already: {done}. Upload shows how far it is.")
    results_id = keeping.keep_all(session, who, contents, ready.aside, file)
    if session.get(ResultsReview, results_id) is not None:
        raise BadDecision(f"{file} is in the survey already. Take it back in History to take it anew.")
    return identities_file.take(session, who, (), file, stations, results_id)


def plan(session: Session, contents: Contents) -> Plan:
    """What taking a file over would do."""
    found = match(session, contents)
    stations = stations_file.plan(session, contents.stations, keep=True)
    changed = [
        deployment
        for deployment in stations
        if deployment.problem is None and (deployment.changes or deployment.deployment_id is None)
    ]
    planned = Plan(found, len(contents.lines), len(found.boxes), len(contents.stations), changed)
    for path, problem in found.left_out:
        planned.leave_out(path, problem)
    coming = {number for number, _ in found.boxes}
    for some in keeping.slices_of(found.lines, scratch.AT_ONCE):
        planned.take(identities_file.plan(session, some, coming))
        session.expire_all()
    for deployment in stations:
        if deployment.problem is not None:
            planned.leave_out(deployment.name or deployment.station, deployment.problem)
        for sentence in deployment.stays:
            planned.leave_out(deployment.name, sentence)
    return planned


def _named(line: Line, media_id: int) -> NamedImage:
    fields = {name: getattr(line, name) for name in PASSED_ON}
    return NamedImage(line.path, media_id, " ".join(line.individual.split()), **fields)


def _media(session: Session, contents: Contents) -> tuple[dict[str, int], dict[str, str]]:
    """The images that paths mean, and why the others mean none."""
    wanted = (line for line in contents.lines if line.problem is None)
    paths = dict.fromkeys([*(line.path for line in wanted), *(entry.path for entry in contents.boxes)])
    media: dict[str, int] = {}
    hashes = [
        *contents.hashes,
        *((line.path, line.sha256) for line in contents.lines if line.sha256 and not line.problem),
    ]
    for chunk in slices(hashes):
        rows = session.execute(
            sa.select(Media.sha256, Media.id).where(Media.sha256.in_({number for _, number in chunk}))
        )
        known = {row.sha256: row.id for row in rows}
        media.update({path: known[number] for path, number in chunk if number in known and path in paths})
    del hashes
    others = [path for path in paths if path not in media]
    with tempfile.TemporaryDirectory() as folder, scratch.opened(Path(folder) / "lines.sqlite") as kept:
        kept.fill(Entry(path) for path in others)
        kept.match(session)
        last = 0
        while group := kept.matched(last):
            last = group[-1].number
            media.update({others[entry.number - 1]: entry.media_id for entry in group})
        return media, dict(kept.unmatched(max(len(others), 1)))


def _problems(lines: Sequence[Line]) -> Iterator[str | None]:
    """Why nothing can be taken of each line, whatever is in the survey."""
    named: dict[int, int] = {}
    several, blank = set[int](), set[int]()
    for line in lines:
        image = hash(parts(line.path))
        if line.problem is None and line.verdict == "blank":
            blank.add(image)
        elif line.problem is None and line.box is None and not line.verdict:
            animal = hash((heard(line.individual), line.species or ""))
            if named.setdefault(image, animal) != animal:
                several.add(image)
    for line in lines:
        problem, image = line.problem, hash(parts(line.path))
        if problem is None and (not line.path or line.is_empty):
            problem = "The line names no file, or nothing that is on it."
        elif problem is None and line.box is None and image in several:
            problem = "Several animals are named on this image: name them in Identify."
        elif problem is None and line.verdict != "blank" and image in blank:
            problem = "Another line says that nothing is on this image."
        yield problem
