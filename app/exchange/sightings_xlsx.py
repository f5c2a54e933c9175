"""Sightings as an Excel workbook: the columns of the CSV table, split into sheets where Excel's rows end.

Texts follow the RULE of `safe_cells`, as in the table: pandas.read_excel takes a cell with NA for missing, 01 for 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from sqlalchemy.orm import Session

from app.exchange.progress import Report, unheard
from app.exchange.safe_cells import kept_cell
from app.exchange.sightings_csv import HEADER, rows

# Microsoft, "Excel specifications and limits".
MOST_ROWS = 1_048_576
LONGEST_TEXT = 32_767


def write(
    session: Session,
    out: Path,
    about: Sequence[str],
    individual_id: int | None = None,
    *,
    exact: bool,
    report: Report = unheard,
) -> int:
    """Write the workbook, a row at a time; returns the number of sightings. Coordinates follow `may_be_exact`."""
    book = Workbook(write_only=True)
    count = _sheets(book, rows(session, individual_id, exact=exact, report=report), MOST_ROWS)
    readme = book.create_sheet("README")
    readme.append(["A row a sighting. taken_at is the camera's time, clock corrections included."])
    for line in about:
        readme.append([_text(readme, line)])
    book.save(out)
    return count


def _sheets(book: Workbook, found: Iterable[Sequence[Any]], most_rows: int) -> int:
    """Sheets named Sightings, Sightings 2 and so on, each with the header; returns the number of rows under headers."""
    sheet, count = None, 0
    for count, row in enumerate(found, start=1):
        if sheet is None or (count - 1) % (most_rows - 1) == 0:
            number = (count - 1) // (most_rows - 1) + 1
            sheet = book.create_sheet("Sightings" if number == 1 else f"Sightings {number}")
            sheet.append(HEADER)
        sheet.append([_text(sheet, value) if isinstance(value, str) else value for value in map(kept_cell, row)])
    if sheet is None:
        book.create_sheet("Sightings").append(HEADER)
    return count


def _text(sheet: Any, value: str) -> Any:
    """A text as Excel may have it; one that starts like a formula is a cell that says it is text."""
    shown = ILLEGAL_CHARACTERS_RE.sub("", value)[:LONGEST_TEXT]
    if not shown.startswith("="):
        return shown
    cell = WriteOnlyCell(sheet, shown)
    cell.data_type = "s"
    return cell
