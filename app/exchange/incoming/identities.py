"""Who is on which image, as people keep it: a table, a package, or a folder for each individual."""

from __future__ import annotations

import zipfile
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.background import read_notes_apart
from app.exchange.incoming.coco import is_coco, read_coco
from app.exchange.incoming.entries import NO_SPECIES, BrokenResults, UnknownResults
from app.exchange.incoming.json_files import beginning
from app.exchange.incoming.lines import MACHINE, Contents, Line
from app.exchange.incoming.on_disk import Spooled
from app.exchange.incoming.packages import AGES, SEXES, is_package, is_sha256, read_package, seconds, top_of
from app.exchange.incoming.wildlife_insights import is_download, read_download
from app.exchange.safe_cells import original
from app.survey.decisions.identities_file import LONGEST_NAME
from app.survey.media.station_tables import StationRow, guess, plain
from app.survey.media.station_tables import rows as rows_of_stations
from app.survey.tables.media import ListedFile
from modal_backend.contracts import Flank
from modal_backend.notes.columns import BadNotes, NoNotes
from modal_backend.notes.table import Choices

LARGEST = 200 * 1024**2
ABOUT = "README"  # the sheet that says how Pugmark's own workbook was made
# What the columns are called by people, camtrapR, HotSpotter and Wildbook.
COLUMNS = {
    "path": ("file", "filename", "filepath", "path", "image", "imagename", "picture", "photo", "media", "mediaasset0",
             "encountermediaasset0", "datei", "bild", "archivo", "fichier"),
    "individual": ("individual", "individualid", "identity", "animalid", "markedindividual", "name", "animal", "id",
                   "encounterindividualid", "individuo", "individu", "tier"),
    "species": ("species", "scientificname", "taxon", "art", "especie", "espece"),
    "flank": ("flank", "side", "viewpoint", "flanke", "lado", "flanco", "cote"),
}  # fmt: skip
# Of Timelapse, of Wildlife Insights, and of our own table of sightings.
OTHERS = (
    "relativepath", "genus", "isblank", "identifiedby", "mediasha256", "decidedby", "decidedat", "sex", "ageclass",
    "deploymentid",
)  # fmt: skip
OWN = {"mediasha256", "decidedby", "decidedat"}
FLANKS = {"l": "left", "r": "right", "links": "left", "rechts": "right", "both": "other", "": "unknown"}


def reads(path: Path) -> bool:
    """Whether a path holds what people said about images: a package, COCO, or a table (text or Excel)."""
    return is_package(path) or is_download(path) or is_coco(top_of(path)) or _is_table(path)


def read(path: Path) -> Contents:
    """What such a path says. Raises UnknownResults, BrokenResults."""
    if is_package(path):
        return read_package(path)
    if is_download(path):
        return read_download(path, partial(read_table, in_deployments=True))
    top = top_of(path)
    return read_coco(path, top) if is_coco(top) else read_table(path)


def _is_table(path: Path) -> bool:
    if not path.is_file():
        return False
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as book:
            return "xl/workbook.xml" in book.namelist()
    head = beginning(path)
    if head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):  # as Excel writes "Unicode text"
        head = head.replace(b"\0", b"")
    is_text = b"\0" not in head and head[:1] not in (b"{", b"[")
    return is_text and any(sign in head for sign in (b",", b";", b"\t"))


def read_table(path: Path, *, in_deployments: bool = False) -> Contents:
    """The lines of a table (CSV or Excel), also Timelapse's and Wildlife Insights' images.csv and deployments.csv.

    Args:
        in_deployments: names of files hold within their deployment, whose folder is called as it is.

    Raises:
        UnknownResults: no column names the files, or none says what is on them. BrokenResults.
    """
    if path.stat().st_size > LARGEST:
        raise UnknownResults(f"The table is larger than {LARGEST // 1024**2} MB.")
    try:
        tables = list(_tables(path))
    except BadNotes as error:
        raise BrokenResults(str(error).replace("notes", "lines")) from error
    lines, deployments, read = Spooled[Line](), list[StationRow](), False
    for sheet, table in tables:
        if (wanted := _columns(table)) is not None:
            read = True
            lines.extend(_line(row, in_deployments) for row in _rows(table, wanted) if any(row.values()))
        elif (stations := _stations(table)) is not None:
            read, deployments = True, deployments + stations
        elif sheet != ABOUT:
            lines.append(Line(f"sheet {sheet}", problem="It has no column file, and individual or species."))
    if not read:
        there = ", ".join(map(str, tables[0][1].columns[:12]))
        raise UnknownResults(f"Such a table has a column file, and individual or species; this one has {there[:300]}.")
    return Contents(lines, stations=deployments)


def _tables(path: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    """The table of a file; of a workbook each sheet that holds something, with its name. Raises BadNotes."""
    is_tabbed = path.suffix.lower() == ".txt"  # as Excel saves a text; other texts are read as notes
    choices = Choices(trust_quotes=True, delimiter="\t" if is_tabbed else None)
    first = read_notes_apart(path, choices)
    yield first.sheet or "", first.table
    for name in first.sheets:
        if name == first.sheet:
            continue
        try:
            yield name, read_notes_apart(path, replace(choices, sheet=name)).table
        except NoNotes:
            continue


def _columns(table: pd.DataFrame) -> dict[str, str] | None:
    """The columns of a table by field; None where it does not name files, or nothing that is on them."""
    names = {plain(str(name)): str(name) for name in reversed(list(table.columns))}
    columns = {field: next((names[name] for name in usual if name in names), None) for field, usual in COLUMNS.items()}
    if columns["path"] is None or (columns["individual"] is None and columns["species"] is None):
        return None
    known = {field: name for field, name in columns.items() if name}
    return known | {field: names[field] for field in OTHERS if field in names}


def _rows(table: pd.DataFrame, wanted: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The rows as texts. wanted: the columns by field."""
    for row in table[list(wanted.values())].itertuples(index=False, name=None):
        yield dict(zip(wanted, (str(cell).strip() for cell in row), strict=True))


def _stations(table: pd.DataFrame) -> list[StationRow] | None:
    """The lines of a table of deployments, as Wildlife Insights writes them; None for another table."""
    sure, _ = guess([str(name) for name in table.columns])
    if "station" not in sure or not {"latitude", "easting", "first_day"} & sure.keys():
        return None
    return rows_of_stations(table, sure)


def _line(row: Mapping[str, str], in_deployments: bool) -> Line:
    """A row of a table: Timelapse parts the path, Wildlife Insights the name of the species."""
    path, species, name = row["path"], row.get("species", ""), row.get("individual", "")
    who, at = None, None
    if row.keys() >= OWN:
        path, species, name = original(path), original(species), original(name)
        who, at = original(row["decidedby"])[:LONGEST_NAME] or None, seconds(row["decidedat"])
    if folder := row.get("relativepath"):
        path = f"{folder}/{path}"
    if in_deployments and row.get("deploymentid") and "/" not in path:
        path = f"{row['deploymentid']}/{path}"
    if genus := row.get("genus"):
        species = f"{genus} {species}".strip()
    problem = None
    if row.get("isblank") in ("1", "true", "TRUE", "True") or species.casefold() in NO_SPECIES - {""}:
        problem = "It says that nothing is on it, or not what."
    if row.get("identifiedby", "").casefold().startswith("computer vision"):
        problem = MACHINE
    return Line(
        path,
        name,
        species or None,
        _flank(row.get("flank", "")),
        problem,
        who=who,
        at=at,
        sex=sex if (sex := row.get("sex", "").casefold()) in SEXES else None,
        age_class=row.get("ageclass") if row.get("ageclass") in AGES.values() else None,
        sha256=row.get("mediasha256") if is_sha256(row.get("mediasha256", "")) else None,
    )


def of_folders(session: Session, import_id: int) -> list[Line]:
    """The images of an import, each as the individual whose name its first folder bears."""
    paths = session.scalars(
        sa.select(ListedFile.path)
        .where(ListedFile.import_id == import_id, ListedFile.media_id.is_not(None))
        .order_by(ListedFile.path)
    )
    parted = (PurePosixPath(path) for path in paths)
    return [Line(str(path), path.parts[0]) for path in parted if len(path.parts) > 1]


def _flank(text: str) -> str | None:
    side = FLANKS.get(text.casefold(), text.casefold())
    return side if side in list(Flank) and side != Flank.UNKNOWN else None
