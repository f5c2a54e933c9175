"""Who is on which image, as people keep it: a table, a package, or a folder for each individual."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.background import read_notes_apart
from app.exchange.incoming import scratch
from app.exchange.incoming.entries import NO_SPECIES, BrokenResults, Entry, UnknownResults
from app.exchange.incoming.lines import MACHINE, MOST_LINES, Line
from app.exchange.incoming.matching import parts
from app.exchange.incoming.packages import is_coco, is_package, read_coco, read_package
from app.survey.decisions.identities_file import NamedImage
from app.survey.individuals.naming import heard
from app.survey.media.station_tables import plain
from app.survey.tables.media import ListedFile
from modal_backend.contracts import Flank
from modal_backend.notes.columns import BadNotes
from modal_backend.notes.table import Choices

LARGEST = 50 * 1024**2
# What the columns are called by people, camtrapR, HotSpotter and Wildbook.
COLUMNS = {
    "path": ("file", "filename", "filepath", "path", "image", "imagename", "picture", "photo", "media", "mediaasset0",
             "encountermediaasset0", "datei", "bild", "archivo", "fichier"),
    "individual": ("individual", "individualid", "identity", "animalid", "markedindividual", "name", "animal", "id",
                   "encounterindividualid", "individuo", "individu", "tier"),
    "species": ("species", "scientificname", "taxon", "art", "especie", "espece"),
    "flank": ("flank", "side", "viewpoint", "flanke", "lado", "flanco", "cote"),
}  # fmt: skip
# Of Timelapse and of Wildlife Insights.
OTHERS = ("relativepath", "genus", "isblank", "identifiedby")
FLANKS = {"l": "left", "r": "right", "links": "left", "rechts": "right", "both": "other", "": "unknown"}


@dataclass(frozen=True, slots=True)
class Identities:
    """Lines whose image is in the survey, and those left out, each with the reason: (path, sentence)."""

    lines: list[NamedImage]
    left_out: list[tuple[str, str]]


def reads(path: Path) -> bool:
    """Whether a path holds what people said about images: a package, COCO, or a table (text or Excel)."""
    return is_package(path) or is_coco(path) or _is_table(path)


def read(path: Path) -> list[Line]:
    """The lines of such a path. Raises UnknownResults, BrokenResults."""
    if is_package(path):
        return read_package(path)
    return read_coco(path) if is_coco(path) else read_table(path)


def _is_table(path: Path) -> bool:
    if not path.is_file():
        return False
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as book:
            return "xl/workbook.xml" in book.namelist()
    with path.open("rb") as file:
        head = file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
    is_text = b"\0" not in head and head[:1] not in (b"{", b"[")
    return is_text and any(sign in head for sign in (b",", b";", b"\t"))


def read_table(path: Path) -> list[Line]:
    """The lines of a table (CSV or Excel), also Timelapse's and Wildlife Insights' images.csv.

    Raises:
        UnknownResults: no column names the files, or none says what is on them. BrokenResults.
    """
    if path.stat().st_size > LARGEST:
        raise UnknownResults(f"The table is larger than {LARGEST // 1024**2} MB.")
    try:
        table = read_notes_apart(path, Choices(trust_quotes=True)).table
    except BadNotes as error:
        raise BrokenResults(str(error).replace("notes", "lines")) from error
    names = {plain(str(name)): str(name) for name in reversed(list(table.columns))}
    columns = {field: next((names[name] for name in usual if name in names), None) for field, usual in COLUMNS.items()}
    if columns["path"] is None or (columns["individual"] is None and columns["species"] is None):
        there = ", ".join(map(str, table.columns[:12]))
        raise UnknownResults(f"Such a table has a column file, and individual or species; this one has {there[:300]}.")
    if len(table) > MOST_LINES:
        raise UnknownResults(f"The table has {len(table):,} lines; {MOST_LINES:,} can be taken at once. Split it.")
    cells = {field: [str(cell).strip() for cell in table[name]] for field, name in columns.items() if name}
    others = {field: [str(cell).strip() for cell in table[names[field]]] for field in OTHERS if field in names}
    rows = [
        dict(zip([*cells, *others], row, strict=True)) for row in zip(*cells.values(), *others.values(), strict=True)
    ]
    return [_line(row) for row in rows if any(row.values())]


def _line(row: Mapping[str, str]) -> Line:
    """A row of a table: Timelapse parts the path, Wildlife Insights the name of the species."""
    path, species = row["path"], row.get("species", "")
    if folder := row.get("relativepath"):
        path = f"{folder}/{path}"
    if genus := row.get("genus"):
        species = f"{genus} {species}".strip()
    problem = None
    if row.get("isblank") in ("1", "true", "TRUE", "True") or species.casefold() in NO_SPECIES - {""}:
        problem = "It says that nothing is on it, or not what."
    if row.get("identifiedby", "").casefold().startswith("computer vision"):
        problem = MACHINE
    return Line(path, row.get("individual", ""), species or None, _flank(row.get("flank", "")), problem)


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
    named: dict[tuple[str, ...], set[tuple[str, str]]] = {}
    for line in lines:
        if line.problem is None:
            named.setdefault(parts(line.path), set()).add((heard(line.individual), line.species or ""))
    for line in lines:
        problem = line.problem
        if problem is None and not (line.path and (line.individual or line.species)):
            problem = "The line names no file, or nothing that is on it."
        elif problem is None and len(named[parts(line.path)]) > 1:
            problem = "Several animals are named on this image: name them in Identify."
        yield Entry(line.path, problem=problem)


def _flank(text: str) -> str | None:
    side = FLANKS.get(text.casefold(), text.casefold())
    return side if side in list(Flank) and side != Flank.UNKNOWN else None
