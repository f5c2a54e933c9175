"""What a Camtrap DP package says: who and what people saw, the boxes of models, and the deployments.

Source: camtrap-dp.tdwg.org, 1.0 (deployments.csv, media.csv, observations.csv). Files that a package names are never
opened, and nothing is fetched: their paths are compared as text.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pandas as pd

from app.exchange.incoming.entries import (
    NO_SPECIES,
    BadEntry,
    BrokenResults,
    Found,
    Species,
    UnknownResults,
    category_of,
    detection,
    entry_of,
)
from app.exchange.incoming.json_files import Outline, beginning, outline
from app.exchange.incoming.lines import MACHINE, Contents, Line
from app.exchange.incoming.on_disk import Shelf, Spooled
from app.exchange.safe_cells import original
from app.survey.media import station_tables
from modal_backend.contracts import Box

if TYPE_CHECKING:
    from pandas.io.parsers import TextFileReader

DESCRIPTOR = "datapackage.json"
LARGEST_TABLE = 500 * 1024**2
ROWS_AT_ONCE = 5000
EVENT = "It is about an event, not about an image."
VERDICTS = {"blank": "blank", "unknown": "unsure"}
CATEGORIES = ("animal", "human", "vehicle")
SEXES = ("female", "male")
AGES = {"juvenile": "cub", "subadult": "subadult", "adult": "adult"}
BOX = ("bboxX", "bboxY", "bboxWidth", "bboxHeight")
OF_ITS_MEDIA = "start and end are those of its media"
Row = Mapping[str, str]


def is_package(path: Path) -> bool:
    """Whether a path is a Camtrap DP package: a folder or zip with its descriptor, or the descriptor itself."""
    if path.is_dir():
        return (path / DESCRIPTOR).is_file()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as package:
            return _inside(package, DESCRIPTOR) is not None
    top = top_of(path)
    return {"resources", "profile"} <= {*top.values, *top.first}


def read_package(path: Path) -> Contents:
    """All that a package says. Raises UnknownResults, BrokenResults."""
    names, hashes = Shelf(), Spooled[tuple[str, str]]()
    for row in _rows(path, "media.csv", ("mediaID", "filePath")):
        names.add(row["mediaID"], _path(row))
        if is_sha256(row["mediaID"]):
            hashes.append((_path(row), row["mediaID"]))
    own = _is_own(path)
    lines, found, models = Spooled[Line](), Shelf(), Counter[str]()
    for row in _rows(path, "observations.csv", ("observationType", "mediaID")):
        if own and not row["mediaID"]:  # its rows about events are sums of those about images
            continue
        file = names.last(row["mediaID"]) or ""
        try:
            boxes = _of_model(row) if file and row.get("classificationMethod") == "machine" else None
            if boxes is None:
                lines.append(_observation(row, file, own))
                continue
            found.add(file, boxes)
            models[row.get("classifiedBy") or ""] += 1
        except BadEntry as problem:
            lines.append(Line(file, problem=problem.sentence))
    entries = Spooled(entry_of(file, [box for boxes in some for box in boxes]) for file, some in found.groups())
    try:
        stations = _stations(path, own)
    except (UnknownResults, BrokenResults) as problem:
        stations = []
        lines.append(Line("deployments.csv", problem=str(problem)))
    model = ", ".join(sorted(filter(None, models))) or "Camtrap DP"
    return Contents(lines, entries, hashes, model[:64], "Camtrap DP", stations)


def top_of(path: Path) -> Outline:
    """What a file of JSON holds at its top; nothing of any other, or of a broken one."""
    if not path.is_file():
        return Outline()
    if beginning(path)[:1] != b"{":
        return Outline()
    try:
        return outline(path)
    except BrokenResults:
        return Outline()


def _rows(path: Path, name: str, needed: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """The rows of a table of the package, a part of it in memory. Raises UnknownResults, BrokenResults."""
    for table in _tables(path, name, needed):
        names = [str(column) for column in table.columns]
        for row in table.itertuples(index=False, name=None):
            yield dict(zip(names, row, strict=True))


def _of_model(row: Row) -> list[Found] | None:
    """The box of a model's observation, none for a blank image; None where it is not about a box. Raises BadEntry."""
    box, kind = _box(row), row["observationType"]
    if box is None or kind not in CATEGORIES:
        return [] if kind == "blank" and box is None else None
    probability = row.get("classificationProbability") or "1"
    found = detection(category_of(kind), _number(probability), [box.x, box.y, box.width, box.height])
    name = row.get("scientificName") or ""
    species = None if name.casefold() in NO_SPECIES else Species(name, found.confidence, row.get("classifiedBy") or "")
    return [(found, species if kind == "animal" else None)]


def _observation(row: Row, file: str, own: bool) -> Line:
    """One row of observations.csv that is a person's. Raises BadEntry for a box that cannot be.

    own: names are written as Pugmark writes them.
    """
    problem, kind, box = None, row["observationType"], _box(row)
    if not row["mediaID"]:
        file, problem = row.get("eventID") or row.get("observationID") or "event", EVENT
    elif not file:
        file, problem = row["mediaID"], "media.csv does not name it."
    elif row.get("classificationMethod") == "machine":
        problem = MACHINE
    elif kind not in VERDICTS and kind != "animal" and (kind not in CATEGORIES or box is None):
        problem = f"It says {kind or 'nothing'}, not animal."
    elif kind == "animal" and box is None and not (row.get("individualID") or row.get("scientificName")):
        problem = "It says animal, not which, and not where."
    name = row.get("individualID") or ""
    species = row.get("scientificName") or None
    return Line(
        file,
        original(name) if own else name,
        species if kind == "animal" and (species or "").casefold() not in NO_SPECIES else None,
        None,
        problem,
        box,
        category_of(kind),
        VERDICTS.get(kind),
        (row.get("classifiedBy") or None) and row["classifiedBy"][:80],
        seconds(row.get("classificationTimestamp") or ""),
        row.get("sex") if row.get("sex") in SEXES else None,
        AGES.get(row.get("lifeStage") or ""),
        row["mediaID"] if is_sha256(row["mediaID"]) else None,
    )


def _box(row: Row) -> Box | None:
    texts = [row.get(name) or "" for name in BOX]
    if not any(texts):
        return None
    return detection(category_of("animal"), 1.0, [_number(text) for text in texts]).box


def _number(text: str) -> Any:
    """A number; the text itself where it is none."""
    try:
        return float(text)
    except ValueError:
        return text


def seconds(text: str) -> float | None:
    """Seconds since 1970 of a moment with its offset from UTC; None for another text."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo else None


def is_sha256(text: str) -> bool:
    """Whether a text is a SHA-256 in hexadecimal."""
    return len(text) == 64 and all(sign in "0123456789abcdef" for sign in text)


def _is_own(path: Path) -> bool:
    """Whether Pugmark wrote the package."""
    try:
        with _opened(path, DESCRIPTOR) as file:
            value = json.load(file)
    except (OSError, KeyError, ValueError):
        return False
    sources = value.get("sources") if isinstance(value, dict) else None
    return isinstance(sources, list) and any(
        isinstance(source, dict) and source.get("title") == "Pugmark" for source in sources
    )


def _stations(path: Path, own: bool) -> list[station_tables.StationRow]:
    """The deployments. Their days are those of the cameras' clocks, which differ from UTC as the dates say."""
    table = pd.concat(_tables(path, "deployments.csv", ("deploymentID",)))
    there = {name: [str(cell).strip() for cell in table[name]] for name in table.columns}
    empty = [""] * len(table)
    comments = there.get("deploymentComments", empty)
    named = zip(there.get("locationName", empty), there.get("locationID", empty), there["deploymentID"], strict=True)
    starts, ends = there.get("deploymentStart", empty), there.get("deploymentEnd", empty)
    fields = {
        "deployment": there["deploymentID"],
        "station": [name or number or deployment for name, number, deployment in named],
        "camera": there.get("cameraID", empty),
        "latitude": there.get("latitude", empty),
        "longitude": there.get("longitude", empty),
        "first_day": ["" if why == OF_ITS_MEDIA else day for day, why in zip(starts, comments, strict=True)],
        "last_day": ["" if why == OF_ITS_MEDIA else day for day, why in zip(ends, comments, strict=True)],
        "time_zone": [day[-6:] if day[-6:-5] in ("+", "-") and day[-3:-2] == ":" else "" for day in starts],
        "bait": ["yes" if cell.lower() == "true" else "" for cell in there.get("baitUse", empty)],
        "notes": ["" if why == OF_ITS_MEDIA else why for why in comments],
    }
    if own:
        fields |= {name: [original(cell) for cell in fields[name]] for name in ("deployment", "station")}
    uncertain = [_number(text) for text in there.get("coordinateUncertainty", empty)]
    rounded = frozenset(
        place for place, metres in enumerate(uncertain) if isinstance(metres, float) and metres >= station_tables.ROUGH
    )
    return station_tables.rows(pd.DataFrame(fields), {name: name for name in fields}, rounded)


def _path(row: Row) -> str:
    """The path of a media; of one on a server its file name."""
    path = row["filePath"]
    return (row.get("fileName") or path) if "://" in path else path


def _tables(path: Path, name: str, needed: tuple[str, ...]) -> Iterator[pd.DataFrame]:
    """A table of the package as texts, empty where nothing is; a part of its rows at a time, at least one part."""
    try:
        with _opened(path, name) as file, _parts(file) as parts:
            for table in parts:
                if missing := [column for column in needed if column not in table.columns]:
                    raise UnknownResults(f"{name} has no column {' and '.join(missing)}.")
                yield table
    except (KeyError, FileNotFoundError) as error:
        raise BrokenResults(f"{name} is missing from the package.") from error
    except pd.errors.EmptyDataError as error:
        raise BrokenResults(f"{name} of the package is empty.") from error
    except (OSError, ValueError, zlib.error, zipfile.BadZipFile) as error:
        raise BrokenResults(f"{name} of the package cannot be read: {error}.") from error


def _parts(file: IO[bytes]) -> TextFileReader:
    return pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig", chunksize=ROWS_AT_ONCE)


@contextmanager
def _opened(path: Path, name: str) -> Iterator[IO[bytes]]:
    """A file of the package."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as package:
            place = package.getinfo(_inside(package, name) or name)
            if place.file_size > LARGEST_TABLE:
                raise UnknownResults(f"{name} is larger than {LARGEST_TABLE // 1024**2} MB.")
            with package.open(place) as file:
                yield file
        return
    table = (path if path.is_dir() else path.parent) / name
    if table.is_symlink() or table.stat().st_size > LARGEST_TABLE:
        raise UnknownResults(f"{name} is a link, or larger than {LARGEST_TABLE // 1024**2} MB.")
    with table.open("rb") as file:
        yield file


def _inside(package: zipfile.ZipFile, name: str) -> str | None:
    """The file of this name in a zip, also of one that holds the package's folder; None for none."""
    found = [place for place in package.namelist() if place.rpartition("/")[2] == name]
    return min(found, key=lambda place: (place.count("/"), place), default=None)
