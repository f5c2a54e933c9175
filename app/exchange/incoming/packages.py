"""Who and what people saw on which image, of Camtrap DP packages and COCO Camera Traps.

Sources: camtrap-dp.tdwg.org (media.csv, observations.csv); the COCO Camera Traps format of agentmorris/MegaDetector.
Files that a package names are never opened, and nothing is fetched: their paths are compared as text.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from app.exchange.incoming.entries import NO_SPECIES, BrokenResults, UnknownResults
from app.exchange.incoming.json_files import Outline, entries, outline
from app.exchange.incoming.lines import MACHINE, MOST_LINES, Line

DESCRIPTOR = "datapackage.json"
LARGEST_TABLE = 500 * 1024**2
EVENT = "It is about an event, not about an image."


def is_package(path: Path) -> bool:
    """Whether a path is a Camtrap DP package: a folder or zip with its descriptor, or the descriptor itself."""
    if path.is_dir():
        return (path / DESCRIPTOR).is_file()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as package:
            return DESCRIPTOR in package.namelist()
    top = _top(path)
    return {"resources", "profile"} <= {*top.values, *top.first}


def is_coco(path: Path) -> bool:
    """Whether a file is COCO Camera Traps: images with names, and annotations with categories."""
    first = _top(path).first
    images, annotations = first.get("images"), first.get("annotations")
    return (
        isinstance(images, dict)
        and "file_name" in images
        and isinstance(annotations, dict)
        and {"image_id", "category_id"} <= annotations.keys()
    )


def read_package(path: Path) -> list[Line]:
    """The observations of a package about single images. Raises UnknownResults, BrokenResults."""
    media = _table(path, "media.csv", ("mediaID", "filePath"))
    observations = _table(path, "observations.csv", ("observationType", "mediaID"))
    if len(observations) > MOST_LINES:
        raise UnknownResults(f"It has {len(observations):,} observations; {MOST_LINES:,} can be taken at once.")
    names = {row["mediaID"]: _path(row) for row in _rows(media)}
    return [_observation(row, names) for row in _rows(observations)]


def _rows(table: pd.DataFrame) -> list[dict[str, str]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def read_coco(path: Path) -> list[Line]:
    """The categories of images that people gave. Raises UnknownResults, BrokenResults."""
    names = {str(one.get("id")): str(one.get("file_name")) for one in entries(path, "images.item")}
    categories = {str(one.get("id")): str(one.get("name")) for one in entries(path, "categories.item")}
    lines: dict[Line, None] = {}
    for one in entries(path, "annotations.item"):
        file, name = names.get(str(one.get("image_id")), ""), categories.get(str(one.get("category_id")), "")
        lines[_annotation(one, file, name)] = None
        if len(lines) > MOST_LINES:
            raise UnknownResults(f"It has more than {MOST_LINES:,} annotations; split it.")
    return list(lines)


def _annotation(one: Mapping[str, Any], file: str, category: str) -> Line:
    """One annotation; `attributes` as Pugmark's own export writes them."""
    given = one.get("attributes")
    about: Mapping[str, Any] = given if isinstance(given, dict) else {}
    problem = None
    if one.get("score") is not None or about.get("decided_by") == "machine":
        problem = MACHINE
    elif category.casefold() in NO_SPECIES and not about.get("individual"):
        problem = f"It says {category or 'nothing'}, not which animal."
    species = None if category.casefold() in NO_SPECIES else category
    flank = str(about["flank"]) if about.get("flank") in ("left", "right", "other") else None
    return Line(file, str(about.get("individual") or ""), species, flank, problem)


def _observation(row: Mapping[str, str], names: Mapping[str, str]) -> Line:
    """One row of observations.csv."""
    file, problem = names.get(row["mediaID"], ""), None
    if not row["mediaID"]:
        file, problem = row.get("eventID") or row.get("observationID") or "event", EVENT
    elif row["observationType"] != "animal":
        problem = f"It says {row['observationType'] or 'nothing'}, not animal."
    elif row.get("classificationMethod") == "machine":
        problem = MACHINE
    return Line(file, row.get("individualID") or "", row.get("scientificName") or None, None, problem)


def _path(row: Mapping[str, str]) -> str:
    """The path of a media; of one on a server its file name."""
    path = row["filePath"]
    return (row.get("fileName") or path) if "://" in path else path


def _table(path: Path, name: str, needed: tuple[str, ...]) -> pd.DataFrame:
    """A table of the package as texts, empty where nothing is."""
    try:
        content = _content(path, name)
        table = pd.read_csv(BytesIO(content), dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise BrokenResults(f"{name} of the package cannot be read: {error}.") from error
    if missing := [column for column in needed if column not in table.columns]:
        raise UnknownResults(f"{name} has no column {' and '.join(missing)}.")
    return table


def _content(path: Path, name: str) -> bytes:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as package:
            if package.getinfo(name).file_size > LARGEST_TABLE:
                raise UnknownResults(f"{name} is larger than {LARGEST_TABLE // 1024**2} MB.")
            with package.open(name) as file:
                return file.read(LARGEST_TABLE)
    place = (path if path.is_dir() else path.parent) / name
    if place.is_symlink() or place.stat().st_size > LARGEST_TABLE:
        raise UnknownResults(f"{name} is a link, or larger than {LARGEST_TABLE // 1024**2} MB.")
    return place.read_bytes()


def _top(path: Path) -> Outline:
    """What a file of JSON holds at its top; nothing of any other, or of a broken one."""
    if not path.is_file():
        return Outline()
    with path.open("rb") as file:
        if file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
            return Outline()
    try:
        return outline(path)
    except BrokenResults:
        return Outline()
