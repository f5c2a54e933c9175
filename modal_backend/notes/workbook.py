"""Sheets of an Excel workbook, read row by row; what would cost too much is refused before it is read."""

from __future__ import annotations

import datetime
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from xml.etree.ElementTree import ParseError
from xml.parsers import expat

import openpyxl
from openpyxl.utils.cell import coordinate_to_tuple, get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._reader import WorkSheetParser

from modal_backend.notes.columns import MOST_COLUMNS, BadNotes, guess_columns, header_at
from modal_backend.notes.delimited import LONGEST_CELL, Row

LARGEST_PART = 48 * 1024**2
LARGEST_OTHER_PART = 8 * 1024**2
MOST_PARTS = 2_000
# openpyxl keeps the small parts whole in memory, and takes about 15 microseconds a cell.
MOST_ELEMENTS = 1_500_000
MOST_OTHER_ELEMENTS = 100_000
MOST_CELLS = 300_000
LONGEST_TAG = 1024**2
BLOCK = 256 * 1024
# Excel's own limit.
LAST_ROW = 1_048_576
DEEPEST = 60
MOST_SHEETS = 60
GLANCE = 40
COUNTED = {"c": "cells", "row": "rows", "si": "texts", "mergeCell": "merged cells"}
EXCEL_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
OLD_OR_LOCKED = b"\xd0\xcf\x11\xe0"
# What openpyxl and the libraries below it raise for a damaged workbook: it promises no error of its own.
DAMAGED = (ValueError, LookupError, TypeError, EOFError, AttributeError, OverflowError, AssertionError, RuntimeError,
           zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, ParseError, expat.ExpatError,
           InvalidFileException)  # fmt: skip


@dataclass
class Sheet:
    """A sheet as rows of text.

    Attributes:
        merged: first row, last row and column (from 1) of cells that are merged downwards.
        names: every sheet of the workbook.
        others: other sheets that seem to hold notes too.
        since_1904: days are counted from 1904, not from 1900.
    """

    name: str
    rows: list[Row]
    merged: list[tuple[int, int, int]]
    names: list[str]
    others: list[str] = field(default_factory=list)
    since_1904: bool = False


def read_sheet(path: Path, wanted: str | None = None) -> Sheet:
    """A sheet of a workbook: the wanted, else the first with a column that is called like notes. Raises BadNotes."""
    with path.open("rb") as file:
        if file.read(4) == OLD_OR_LOCKED:
            raise BadNotes(f"{path.name} is locked with a password, or an old xls. Save it as xlsx without a password.")
    try:
        with zipfile.ZipFile(path) as archive:
            _check(archive, path.name)
        with closing(openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)) as book:
            return _choose(book, path.name, wanted)
    except DAMAGED as error:
        raise BadNotes(f"{path.name} is not a readable Excel file. Save it again as xlsx or CSV.") from error


def _choose(book: Any, name: str, wanted: str | None) -> Sheet:
    sheets = {sheet.title: sheet for sheet in book.worksheets[:MOST_SHEETS]}
    if wanted is not None and wanted not in sheets:
        raise BadNotes(f"{name} has no sheet named {wanted}. There are: {', '.join(sheets)}.")
    visible = [title for title, sheet in sheets.items() if sheet.sheet_state == "visible"]
    glances = {title: _glance(book, sheets[title]) for title in visible}
    likely = [title for title in visible if _holds_notes(glances[title])]
    filled = [title for title in visible if len(glances[title]) > 1]
    chosen = wanted or next(iter([*likely, *filled, *visible, *sheets]), None)
    if chosen is None:
        raise BadNotes(f"{name} has no sheet.")
    with _parser(book, sheets[chosen]) as parser:
        rows = list(_rows(parser))
        merged = [
            (area.min_row, area.max_row, area.min_col)
            for area in (parser.merged_cells.mergeCell if parser.merged_cells else ())
            if area.max_row > area.min_row
        ]
    others = [title for title in likely or filled if title != chosen]
    return Sheet(chosen, rows, merged, list(sheets), others, book.epoch.year == 1904)


@contextmanager
def _parser(book: Any, sheet: Any) -> Iterator[Any]:
    """openpyxl's parser of a sheet, which yields rows as they stand and does not fill gaps between them."""
    with sheet._get_source() as source:
        yield WorkSheetParser(
            source, sheet._shared_strings, data_only=True, epoch=book.epoch,
            date_formats=book._date_formats, timedelta_formats=book._timedelta_formats,
        )  # fmt: skip


def _rows(parser: Any) -> Iterator[Row]:
    for number, cells in parser.parse():
        values = {cell["column"]: _text(cell["value"]) for cell in cells if cell["value"] is not None}
        if values and max(map(len, values.values())) > LONGEST_CELL:
            raise BadNotes(f"A cell in row {number} holds more than {LONGEST_CELL / 1024**2:.0f} MB.")
        if any(text.strip() for text in values.values()):
            yield Row(number, [values.get(at, "") for at in range(1, max(values) + 1)], number)


def _glance(book: Any, sheet: Any) -> list[list[str]]:
    with _parser(book, sheet) as parser:
        rows = _rows(parser)
        return [row.cells for row, _ in zip(rows, range(GLANCE), strict=False)]


def _holds_notes(rows: list[list[str]]) -> bool:
    at = header_at(rows) if rows else 0
    return len(rows) > at + 1 and guess_columns(rows[at])["text"] is not None


def _text(value: Any) -> str:
    """A cell as a person reads it."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ", "seconds").removesuffix(" 00:00:00")
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _check(archive: zipfile.ZipFile, name: str) -> None:
    """Raise BadNotes for what a spreadsheet program does not write or what is too much to read."""
    parts = archive.infolist()
    if len(parts) > MOST_PARTS:
        raise BadNotes(f"{name} has {len(parts):,} parts; the limit is {MOST_PARTS:,}.")
    for part in parts:
        if part.flag_bits & 1:
            raise BadNotes(f"{name} is locked with a password. Save it without one.")
        if part.compress_type not in EXCEL_METHODS:
            raise BadNotes(f"{name} is packed in a way that Excel does not use. Save it again as xlsx or CSV.")
        if not part.filename.endswith((".xml", ".rels")):
            continue
        large = "worksheets/" in part.filename or part.filename.endswith("sharedStrings.xml")
        limit = LARGEST_PART if large else LARGEST_OTHER_PART
        if part.file_size > limit:
            raise BadNotes(
                f"{name} holds {part.file_size / 1e6:,.0f} MB unpacked in one part; the limit is "
                f"{limit / 1e6:,.0f} MB. Save the sheet with the notes as CSV."
            )
        with archive.open(part) as source:
            _count(source, name, MOST_ELEMENTS if large else MOST_OTHER_ELEMENTS)


def _count(source: IO[bytes], name: str, most: int) -> None:
    """Count the elements of a part, which is far cheaper than keeping them."""
    counts = dict.fromkeys(COUNTED, 0)
    elements = depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal elements, depth
        elements, depth = elements + 1, depth + 1
        if depth > DEEPEST or elements > most:
            raise BadNotes(f"{name} is nested too deeply or has too many parts to read. Save it as CSV.")
        kind = tag.rpartition(":")[2]
        if kind in COUNTED:
            counts[kind] += 1
            if counts[kind] > MOST_CELLS:
                raise BadNotes(f"{name} has a sheet of more than {MOST_CELLS:,} {COUNTED[kind]}. Save it as CSV.")
        if kind == "c":
            _place(attributes.get("r", ""), name)
        elif kind == "row" and attributes.get("r", "1").isdigit() and int(attributes.get("r", "1")[:20]) > LAST_ROW:
            raise BadNotes(f"{name} has a row numbered {attributes['r'][:20]}; a sheet ends at row {LAST_ROW:,}.")

    def end(_tag: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    fed = 0
    while block := source.read(BLOCK):
        parser.Parse(block, False)
        fed += len(block)
        if fed - parser.CurrentByteIndex > LONGEST_TAG:
            raise BadNotes(f"{name} has a tag of more than 1 MB, which no spreadsheet program writes.")
    parser.Parse(b"", True)


def _place(cell: str, name: str) -> None:
    if len(cell) > 6 or (len(cell) > 3 and cell[2].isalpha()):
        row, column = coordinate_to_tuple(cell)
        if column > MOST_COLUMNS or row > LAST_ROW:
            edge = get_column_letter(column) if column < 18278 else "beyond ZZZ"
            raise BadNotes(
                f"{name} has a cell in column {edge}, row {row:,}; the limits are {MOST_COLUMNS:,} columns and "
                f"{LAST_ROW:,} rows. Clear it, or save the columns of the notes alone."
            )
