"""Read a file of notes as a table: CSV (any encoding and delimiter), Excel, JSON lines or plain text, one note a line
or paragraph. Every cell is text; nothing is guessed to be a number or a date."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

SUFFIXES = (".csv", ".tsv", ".xlsx", ".jsonl", ".ndjson", ".txt")
FIELDS = ("text", "category", "date", "station", "individual")
DELIMITERS = ",;\t|"
LARGEST_BYTES = 200 * 1024**2
WINDOWS = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254")
# Near relatives that a short text cannot tell apart.
OF_WINDOWS = {"mac_cyrillic": "cp1251", "mac_greek": "cp1253", "mac_latin2": "cp1250", "mac_turkish": "cp1254"}
SNIFFED = 64 * 1024
# What the columns of field forms and of Camtrap DP are called; the first that is there is offered.
USUAL_NAMES: Mapping[str, tuple[str, ...]] = {
    "text": ("text", "processed_text", "note", "notes", "comment", "comments", "remark", "remarks",
             "observationcomments", "description", "deploymentcomments", "summary", "observation"),
    "category": ("category", "site", "season", "species", "scientificname", "habitat", "group", "label", "station",
                 "location", "locationname", "observer", "ranger", "individual", "individualid"),
    "date": ("date", "day", "datetime", "timestamp", "eventstart", "observed", "time"),
    "station": ("station", "camera", "location", "locationname", "deployment", "deploymentid", "place", "site"),
    "individual": ("individual", "individualid", "animal", "animal_id", "tiger", "name", "id_animal"),
}  # fmt: skip


class BadNotes(Exception):
    """The notes cannot be used; the text says why and what to do."""


def read_table(path: Path) -> pd.DataFrame:
    """All rows as text, an empty string where a cell has no value. Raises BadNotes."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise BadNotes(f"{path.name} is none of {', '.join(SUFFIXES)}. Save the notes as CSV or Excel (xlsx).")
    try:
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            raise BadNotes(f"{path.name} has {size / 1e6:,.0f} MB; the limit is {LARGEST_BYTES / 1e6:,.0f} MB.")
        table = _excel(path) if suffix == ".xlsx" else _from_text(decoded(path), suffix, path.name)
    except OSError as error:
        raise BadNotes(f"{path.name} cannot be read ({error.strerror or error}).") from error
    if table.empty:
        raise BadNotes(f"{path.name} holds no notes.")
    table.columns = _distinct([str(name).strip() or f"column {at + 1}" for at, name in enumerate(table.columns)])
    return table.fillna("").astype(str)


def decoded(path: Path) -> str:
    """A file as text; UTF-8 and UTF-16 by their marks or their validity, others by what fits best."""
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "utf-16") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode(_encoding(data[: 1024 * 1024]), errors="replace")


def _encoding(data: bytes) -> str:
    """A Windows code page, which is what spreadsheets write, unless another encoding makes plainly less of a mess."""
    from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    for name in WINDOWS:
        match = from_bytes(data, cp_isolation=[name]).best()
        if best is None or (match is not None and match.chaos <= best.chaos and match.coherence >= best.coherence):
            return name
    return OF_WINDOWS.get(best.encoding, str(best.encoding)) if best else WINDOWS[0]


def guess_columns(columns: Sequence[str]) -> dict[str, str | None]:
    """For each of FIELDS the column that is probably meant, or None; no column is offered for text and another."""
    by_name = {str(name).strip().lower().replace(" ", ""): str(name) for name in columns}
    found: dict[str, str | None] = {}
    for field in FIELDS:
        usual = [by_name[name] for name in USUAL_NAMES[field] if name in by_name]
        found[field] = next((name for name in usual if name != found.get("text")), None)
    if found["text"] is None and len(columns) == 1:
        found["text"] = str(columns[0])
    return found


def mapped(table: pd.DataFrame, columns: Mapping[str, str | None]) -> pd.DataFrame:
    """The table as notes: `row` (from 1) and FIELDS; fields without a column are empty. Raises BadNotes."""
    missing = [name for name in columns.values() if name and name not in table.columns]
    if missing:
        there = ", ".join(map(str, table.columns))
        raise BadNotes(f"There is no column named {missing[0]}. There are: {there}.")
    if not columns.get("text"):
        raise BadNotes("Say which column holds the text of the notes.")
    notes = pd.DataFrame({"row": range(1, len(table) + 1)})
    for field in FIELDS:
        name = columns.get(field)
        notes[field] = table[name].astype(str).str.strip().to_numpy() if name else ""
    return notes


def _excel(path: Path) -> pd.DataFrame:
    try:
        return pd.read_excel(path, dtype=str, engine="openpyxl", na_filter=False)
    except (ValueError, KeyError, TypeError, EOFError) as error:
        raise BadNotes(f"{path.name} is not a readable Excel file ({error}). Save it again as xlsx or CSV.") from error
    except Exception as error:
        if type(error).__name__ not in ("BadZipFile", "InvalidFileException", "XMLSyntaxError", "ParseError"):
            raise
        raise BadNotes(f"{path.name} is not a readable Excel file. Save it again as xlsx or CSV.") from error


def _from_text(text: str, suffix: str, name: str) -> pd.DataFrame:
    text = text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise BadNotes(f"{name} is empty.")
    if suffix in (".jsonl", ".ndjson"):
        return _json_lines(text, name)
    if suffix == ".txt":
        separator = "\n\n" if "\n\n" in text.strip() else "\n"
        return pd.DataFrame({"text": [part.strip() for part in text.split(separator) if part.strip()]})
    csv.field_size_limit(16 * 1024**2)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter="\t" if suffix == ".tsv" else delimiter(text)))
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    width = len(rows[0])
    return pd.DataFrame([(row + [""] * width)[:width] for row in rows[1:]], columns=rows[0], dtype=str)


def delimiter(text: str) -> str:
    """The delimiter that splits the heading and the rows after it into the same number of cells, most of all."""
    sample = text[:SNIFFED]

    def fit(sign: str) -> tuple[float, int]:
        rows = [row for row in csv.reader(io.StringIO(sample, newline=""), delimiter=sign) if row][:50]
        width = len(rows[0])
        return (sum(len(row) == width for row in rows) / len(rows) if width > 1 else 0.0), width

    return max(DELIMITERS, key=fit)


def _json_lines(text: str, name: str) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise BadNotes(f"Line {number} of {name} is not JSON ({error.msg}).") from error
        if not isinstance(value, dict):
            raise BadNotes(f'Line {number} of {name} is not an object like {{"text": "…"}}.')
        rows.append({str(key): "" if cell is None else str(cell) for key, cell in value.items()})
    return pd.DataFrame(rows)


def _distinct(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    described = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        described.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return described
