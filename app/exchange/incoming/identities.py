"""Who is on which image, as people keep it: a table of files and individuals, or a folder for each individual."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.exchange.incoming import scratch
from app.exchange.incoming.entries import BrokenResults, Entry, UnknownResults
from app.exchange.incoming.matching import parts
from app.survey.decisions.identities_file import NamedImage
from app.survey.individuals.naming import heard
from app.survey.media.station_tables import plain
from app.survey.tables.media import ListedFile
from modal_backend.contracts import Flank
from modal_backend.notes.columns import BadNotes
from modal_backend.notes.table import Choices, read_notes

MOST_LINES = 50_000
LARGEST = 50 * 1024**2
# What the columns are called by people, camtrapR, HotSpotter and Wildbook.
COLUMNS = {
    "path": ("file", "filename", "filepath", "path", "image", "imagename", "picture", "photo", "media", "mediaasset0",
             "encountermediaasset0", "datei", "bild", "archivo", "fichier"),
    "individual": ("individual", "individualid", "identity", "id", "name", "animal", "animalid", "markedindividual",
                   "encounterindividualid", "individuo", "individu", "tier"),
    "species": ("species", "scientificname", "taxon", "art", "especie", "espece"),
    "flank": ("flank", "side", "viewpoint", "flanke", "lado", "flanco", "cote"),
}  # fmt: skip
FLANKS = {"l": "left", "r": "right", "links": "left", "rechts": "right", "both": "other", "": "unknown"}


@dataclass(frozen=True, slots=True)
class Identities:
    """Lines whose image is in the survey, and those left out, each with the reason: (path, sentence)."""

    lines: list[NamedImage]
    left_out: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was read."""

    path: str
    individual: str
    species: str | None = None
    flank: str | None = None


def read_table(path: Path) -> list[Line]:
    """The lines of a table (CSV or Excel). Raises UnknownResults without the two columns, BrokenResults."""
    if path.stat().st_size > LARGEST:
        raise UnknownResults(f"The table is larger than {LARGEST // 1024**2} MB.")
    try:
        table = read_notes(path, Choices(trust_quotes=True)).table
    except BadNotes as error:
        raise BrokenResults(str(error).replace("notes", "lines")) from error
    names = {plain(str(name)): str(name) for name in reversed(list(table.columns))}
    columns = {field: next((names[name] for name in usual if name in names), None) for field, usual in COLUMNS.items()}
    if columns["path"] is None or columns["individual"] is None:
        there = ", ".join(map(str, table.columns[:12]))
        raise UnknownResults(f"A table of identities has the columns file and individual; this one has {there[:300]}.")
    if len(table) > MOST_LINES:
        raise UnknownResults(f"The table has {len(table):,} lines; {MOST_LINES:,} can be taken at once. Split it.")
    cells = {field: [str(cell).strip() for cell in table[name]] for field, name in columns.items() if name}
    empty = [""] * len(table)
    rows = zip(*(cells.get(field, empty) for field in COLUMNS), strict=True)
    return [Line(file, who, species or None, _flank(flank)) for file, who, species, flank in rows if file or who]


def of_folders(session: Session, import_id: int) -> list[Line]:
    """The images of an import, each as the individual whose name its first folder bears."""
    paths = session.scalars(
        sa.select(ListedFile.path)
        .where(ListedFile.import_id == import_id, ListedFile.media_id.is_not(None))
        .order_by(ListedFile.path)
    )
    parted = (PurePosixPath(path) for path in paths)
    return [Line(str(path), path.parts[0]) for path in parted if len(path.parts) > 1]


def match(session: Session, lines: Sequence[Line]) -> Identities:
    """Find the images of these lines in the survey, as `app.exchange.incoming.matching` says."""
    with tempfile.TemporaryDirectory() as folder, scratch.opened(Path(folder) / "lines.sqlite") as kept:
        kept.fill(_entries(lines))
        kept.match(session)
        found, last = list[NamedImage](), 0
        while group := kept.matched(last):
            last = group[-1].number
            for entry in group:
                line = lines[entry.number - 1]
                name = " ".join(line.individual.split())
                found.append(NamedImage(line.path, entry.media_id, name, line.species, line.flank))
        return Identities(found, kept.unmatched(MOST_LINES))


def _entries(lines: Sequence[Line]) -> Iterator[Entry]:
    named: dict[tuple[str, ...], set[str]] = {}
    for line in lines:
        named.setdefault(parts(line.path), set()).add(heard(line.individual))
    for line in lines:
        problem = None if line.path and line.individual else "The line names no file, or no individual."
        if len(named[parts(line.path)]) > 1:
            problem = "The table names several individuals on this image: name them in Identify."
        yield Entry(line.path, problem=problem)


def _flank(text: str) -> str | None:
    side = FLANKS.get(text.casefold(), text.casefold())
    return side if side in list(Flank) and side != Flank.UNKNOWN else None
