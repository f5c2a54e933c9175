"""Take over what a file says as one decision: who and what people saw, boxes of a model, deployments."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.exchange.incoming import bringing_in, scratch
from app.exchange.incoming.entries import Entry
from app.exchange.incoming.lines import Line, Said
from app.exchange.incoming.matching import parts
from app.survey.database import slices
from app.survey.decisions import identities_file, stations_file
from app.survey.decisions.identities_file import NamedImage
from app.survey.individuals.naming import heard
from app.survey.results import stored
from app.survey.tables.decisions import Decision
from app.survey.tables.media import Media

PASSED_ON = ("species", "flank", "box", "category", "verdict", "who", "at", "sex", "age_class")
TWICE = "The file says this more than once."
DECIDED = "Somebody has decided about this image: its boxes stay as they are."


@dataclass(frozen=True, slots=True)
class Identities:
    """Lines whose image is in the survey, and those left out, each with the reason: (path, sentence).

    boxes: what a model found on the images of the survey that nobody has decided about.
    """

    lines: list[NamedImage]
    left_out: list[tuple[str, str]]
    boxes: dict[int, Entry]


@dataclass(frozen=True, slots=True)
class Plan:
    """What taking a file over would do.

    Args:
        lines: how many there are; good: those that are taken.
        left_out: what is not taken, with the reason: (path or name, sentence).
        images: how many get boxes of a model.
        deployments: how many the file names; stations: those that are new or change.
    """

    lines: int
    good: list[identities_file.Planned]
    left_out: list[tuple[str, str]]
    images: int
    deployments: int
    stations: list[stations_file.Planned]

    @property
    def does_something(self) -> bool:
        """Whether anything would change."""
        return bool(self.good or self.images or self.stations)

    @property
    def words(self) -> str:
        """A sentence without its point."""
        new = len({one.line.individual for one in self.good if one.individual_id is None} - {""})
        said = (
            [f"{len(self.good):,} of {_many(self.lines, 'line')}, {_many(new, 'new individual')}"] if self.lines else []
        )
        said += [f"boxes of a model on {_many(self.images, 'image')}"] if self.images else []
        if self.deployments:
            said.append(f"{len(self.stations):,} of {_many(self.deployments, 'deployment')} new or changed")
        return "; ".join(said) or "It says nothing"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def match(session: Session, said: Said) -> Identities:
    """Find the images of a file in the survey: by their content, else as `app.exchange.incoming.matching` says."""
    wanted = [line for line in said.lines if line.problem is None]
    hashes = {line.path: line.sha256 for line in wanted if line.sha256} | said.hashes
    paths = dict.fromkeys([*(line.path for line in wanted), *(entry.path for entry in said.boxes)])
    media, reasons = _media(session, list(paths), hashes)
    found, left_out, seen = list[NamedImage](), list[tuple[str, str]](), set[Line]()
    problems = _problems(said.lines)
    for line, problem in zip(said.lines, problems, strict=True):
        problem = problem or reasons.get(line.path) or (TWICE if line in seen else None)
        seen.add(line)
        if problem is None:
            found.append(_named(line, media[line.path]))
        else:
            left_out.append((line.path, problem))
    boxes = {media[entry.path]: entry for entry in said.boxes if entry.path in media}
    left_out += [(entry.path, reasons[entry.path]) for entry in said.boxes if entry.path not in media]
    held = stored.decided(session, boxes)
    left_out += [(boxes[number].path, DECIDED) for number in sorted(held)]
    return Identities(found, left_out, {number: boxes[number] for number in boxes if number not in held})


def take(session: Session, who: str, said: Said, file: str) -> Decision:
    """Take a file over as one decision: its boxes, what people said, its deployments. Raises BadDecision."""
    found = match(session, said)
    results_id = bringing_in.keep_boxes(session, who, said, found.boxes, file) if found.boxes else None
    stations = stations_file.plan(session, said.stations, keep=True)
    return identities_file.take(session, who, found.lines, file, stations, results_id)


def plan(session: Session, said: Said) -> Plan:
    """What taking a file over would do."""
    found = match(session, said)
    planned = identities_file.plan(session, found.lines, found.boxes)
    stations = stations_file.plan(session, said.stations, keep=True)
    left_out = found.left_out + [(one.line.path, one.problem) for one in planned if one.problem is not None]
    left_out += [(one.name or one.station, one.problem) for one in stations if one.problem is not None]
    left_out += [(one.name, sentence) for one in stations for sentence in one.stays]
    changed = [one for one in stations if one.problem is None and (one.changes or one.deployment_id is None)]
    good = [one for one in planned if one.problem is None]
    return Plan(len(said.lines), good, left_out, len(found.boxes), len(said.stations), changed)


def _named(line: Line, media_id: int) -> NamedImage:
    fields = {name: getattr(line, name) for name in PASSED_ON}
    return NamedImage(line.path, media_id, " ".join(line.individual.split()), **fields)


def _media(session: Session, paths: Sequence[str], hashes: Mapping[str, str]) -> tuple[dict[str, int], dict[str, str]]:
    """The images that paths mean, and why the others mean none."""
    known: dict[str, int] = {}
    for chunk in slices(sorted(set(hashes.values()))):
        rows = session.execute(sa.select(Media.sha256, Media.id).where(Media.sha256.in_(chunk)))
        known.update({row.sha256: row.id for row in rows})
    media = {path: known[hashes[path]] for path in paths if hashes.get(path) in known}
    others = [path for path in paths if path not in media]
    with tempfile.TemporaryDirectory() as folder, scratch.opened(Path(folder) / "lines.sqlite") as kept:
        kept.fill(Entry(path) for path in others)
        kept.match(session)
        last = 0
        while group := kept.matched(last):
            last = group[-1].number
            media.update({others[entry.number - 1]: entry.media_id for entry in group})
        return media, dict(kept.unmatched(max(len(others), 1)))


def _problems(lines: Sequence[Line]) -> list[str | None]:
    """Why nothing can be taken of each line, whatever is in the survey."""
    named: dict[tuple[str, ...], set[tuple[str, str]]] = {}
    blank = {parts(line.path) for line in lines if line.verdict == "blank" and line.problem is None}
    for line in lines:
        if line.problem is None and line.box is None and not line.verdict:
            named.setdefault(parts(line.path), set()).add((heard(line.individual), line.species or ""))
    problems: list[str | None] = []
    for line in lines:
        problem = line.problem
        if problem is None and not (line.path and line.says_something):
            problem = "The line names no file, or nothing that is on it."
        elif problem is None and line.box is None and len(named.get(parts(line.path), ())) > 1:
            problem = "Several animals are named on this image: name them in Identify."
        elif problem is None and line.verdict != "blank" and parts(line.path) in blank:
            problem = "Another line says that nothing is on this image."
        problems.append(problem)
    return problems
