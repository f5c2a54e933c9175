"""Read a file of notes as a table: CSV (any encoding and delimiter), Excel, JSON lines or plain text, one note a line
or paragraph. Every cell is text; no note is lost without an error that names its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from modal_backend.notes.columns import (
    FIELDS,
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_NOTES,
    BadNotes,
    NoNotes,
    distinct,
    extent,
    guess_columns,
    has_usual_name,
    header_at,
    like_a_note,
)
from modal_backend.notes.dates import from_serial
from modal_backend.notes.delimited import Row, delimiter, records, separator, swallowed, widened
from modal_backend.notes.encoding import decode
from modal_backend.notes.json_lines import json_lines
from modal_backend.notes.workbook import read_sheet

SUFFIXES = (".csv", ".tsv", ".xlsx", ".jsonl", ".ndjson", ".txt")
LARGEST_BYTES = 64 * 1024**2
MOST_LINES = 2_000_000


@dataclass(frozen=True)
class Choices:
    """What a person decides about a file; None is found out.

    Attributes:
        encoding: of modal_backend.notes.encoding.ENCODINGS.
        header: the line (or row of the sheet) with the names of the columns, from 1; 0 when there is none.
        trust_quotes: lines inside quotes belong to one note, even where they look like notes of their own.
        delimiter: the sign between the cells of a CSV, of modal_backend.notes.delimited.DELIMITERS.
    """

    encoding: str | None = None
    sheet: str | None = None
    header: int | None = None
    trust_quotes: bool = False
    delimiter: str | None = None


@dataclass(frozen=True)
class Reading:
    """A file of notes as a table of texts, and how it was read.

    Attributes:
        encoding: None where the file says it itself (Excel).
        header: the line or row with the names of the columns, from 1; 0 when there is none.
        lines: the last line or row of the file that holds anything.
        blank: lines without anything.
        spanning: notes that take more than one line.
        filled: merged cells that got the value of the first.
        doubts: sentences about what a person should look at.
    """

    table: pd.DataFrame
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    header: int = 0
    lines: int = 0
    blank: int = 0
    spanning: int = 0
    filled: int = 0
    doubts: tuple[str, ...] = ()


def read_table(path: Path) -> pd.DataFrame:
    """All rows as text, an empty string where a cell has no value. Raises BadNotes."""
    return read_notes(path).table


def read_notes(path: Path, choices: Choices | None = None) -> Reading:
    """A file as a table of texts, and how it was read. Raises BadNotes."""
    suffix, choices = path.suffix.lower(), choices or Choices()
    if suffix not in SUFFIXES:
        raise BadNotes(f"{path.name} is none of {', '.join(SUFFIXES)}. Save the notes as CSV or Excel (xlsx).")
    try:
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            raise BadNotes(f"{path.name} has {size / 1e6:,.0f} MB; the limit is {LARGEST_BYTES / 1e6:,.0f} MB.")
        excel = suffix == ".xlsx"
        reading = _excel(path, choices) if excel else _text(path.read_bytes(), suffix, path.name, choices)
    except OSError as error:
        raise BadNotes(f"{path.name} cannot be read ({error.strerror or error}).") from error
    except MemoryError as error:
        raise BadNotes(f"{path.name} is too large for the memory of this computer.") from error
    if reading.table.empty:
        raise NoNotes(f"{path.name} holds no notes.")
    return reading


def mapped(table: pd.DataFrame, columns: Mapping[str, str | None]) -> pd.DataFrame:
    """The table as notes: `row` (from 1) and FIELDS; fields without a column are empty. Raises BadNotes.

    Serial numbers of days, as Excel keeps them, become dates.
    """
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
    notes["date"] = from_serial(notes["date"].tolist())[0]
    return notes


def _text(data: bytes, suffix: str, name: str, choices: Choices) -> Reading:
    decoded = decode(data, choices.encoding)
    text = decoded.text.replace("\x00", "")
    if not text.strip():
        raise NoNotes(f"{name} is empty.")
    lines = max(text.count("\n"), text.count("\r")) + 1
    if lines > MOST_LINES:
        raise BadNotes(f"{name} has {lines:,} lines; the limit is {MOST_LINES:,}. Split the file.")
    lines = text.rstrip().count("\n") + 1
    if suffix in (".jsonl", ".ndjson"):
        table, doubts = json_lines(text, name)
        reading = Reading(table, lines=lines, doubts=doubts)
    elif suffix == ".txt" and choices.delimiter is None:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        sign = "\n\n" if "\n\n" in text.strip() else "\n"
        notes = [part.strip() for part in text.split(sign) if part.strip()]
        _limit(len(notes), 1, len(notes), name)
        reading = Reading(pd.DataFrame({"text": notes}, dtype=str), lines=lines)
    else:
        reading = _csv(text, suffix, name, choices)
    return replace(reading, encoding=decoded.encoding, doubts=(*decoded.doubts, *reading.doubts))


def _csv(text: str, suffix: str, name: str, choices: Choices) -> Reading:
    sign = choices.delimiter or separator(text) or ("\t" if suffix == ".tsv" else delimiter(text))
    rows: list[Row] = []
    cells = 0
    for row in records(text, sign, name):
        cells += len(row.cells)
        _limit(len(rows), len(row.cells), cells, f"Line {row.line} of {name}")
        rows.append(row)
    header, above, notes = _split(rows, name, choices.header)
    notes, again = _without_header(notes, header)
    names, doubts = widened(header.cells, notes, sign, name)
    odd, sure = swallowed(notes, len(names), sign, text)
    if odd:
        where = f"The note on line {odd[0].line} of {name} goes on to line {odd[0].last}"
        if sure and not choices.trust_quotes:
            raise BadNotes(f'{where}, over lines that look like notes. Take out the stray quotes (").')
        doubts.append(f'{where}, over lines that look like notes of their own. Is a quote (") there by mistake?')
    return Reading(
        _frame(names, notes),
        delimiter=sign,
        header=header.line,
        lines=rows[-1].last,
        blank=rows[-1].last - sum(row.last - row.line + 1 for row in rows) - bool(separator(text)),
        spanning=sum(row.last > row.line for row in notes),
        doubts=(*_about_header(header, above), *again, *doubts),
    )


def _excel(path: Path, choices: Choices) -> Reading:
    sheet = read_sheet(path, choices.sheet)
    if not sheet.rows:
        raise NoNotes(f"{path.name} holds no notes.")
    header, above, notes = _split(sheet.rows, path.name, choices.header)
    notes, again = _without_header(notes, header)
    width = max(len(row.cells) for row in [header, *notes])
    _limit(len(notes), width, width * len(notes), f"The sheet {sheet.name} of {path.name}")
    names = distinct([*header.cells, *[""] * (width - len(header.cells))])
    for row in notes:
        row.cells.extend([""] * (width - len(row.cells)))
    guessed = guess_columns(names)
    text_at = names.index(guessed["text"]) if guessed["text"] else -1
    filled = _fill_down(notes, sheet.merged, text_at)
    table = _frame(names, notes)
    if guessed["date"] and sheet.since_1904:
        table[guessed["date"]] = from_serial(table[guessed["date"]].tolist(), since_1904=True)[0]
    doubts = [*_about_header(header, above), *again]
    if sheet.others:
        doubts.append(f"Only the sheet {sheet.name} is read. These hold rows too: {', '.join(sheet.others)}.")
    return Reading(
        table, sheet=sheet.name, sheets=tuple(sheet.names), header=header.line, lines=sheet.rows[-1].last,
        filled=filled, doubts=tuple(doubts),
    )  # fmt: skip


def _limit(rows: int, width: int, cells: int, where: str) -> None:
    if width > MOST_COLUMNS:
        raise BadNotes(f"{where} has {width:,} columns; the limit is {MOST_COLUMNS:,}.")
    if rows > MOST_NOTES or cells > MOST_CELLS:
        raise BadNotes(f"{where} goes beyond {MOST_NOTES:,} notes or {MOST_CELLS:,} cells. Split the file.")


def _split(rows: list[Row], name: str, wanted: int | None) -> tuple[Row, list[Row], list[Row]]:
    """The header, the rows above it and those below it; line 0 for a header that is not there."""
    if not rows:
        raise NoNotes(f"{name} holds no notes.")
    if wanted == 0:
        width = max(extent(row.cells) for row in rows)
        return Row(0, [""] * width), [], rows
    at = header_at([row.cells for row in rows[:400]])
    if wanted is not None:
        at = next((at for at, row in enumerate(rows) if row.line == wanted), -1)
        if at < 0:
            raise BadNotes(f"Line {wanted} of {name} holds no names of columns: no row begins there.")
    return rows[at], rows[:at], rows[at + 1 :]


def _without_header(notes: list[Row], header: Row) -> tuple[list[Row], list[str]]:
    """The notes without lines that name the columns again, as files that were joined have, and a sentence if any."""
    names = [cell.strip() for cell in header.cells]
    again = [row for row in notes if [cell.strip() for cell in row.cells] == names]
    if not again or not has_usual_name(names):
        return notes, []
    where = f"line {again[0].line}" if len(again) == 1 else f"{len(again):,} lines, the first is line {again[0].line}"
    return [row for row in notes if row not in again], [f"Left out, because it names the columns again: {where}."]


def _about_header(header: Row, above: Sequence[Row]) -> list[str]:
    doubts = []
    if above:
        title = " ".join(" ".join(row.cells).strip() for row in above)[:80]
        doubts.append(f"Left out above the names of the columns in line {header.line}: {title}")
    if header.line and like_a_note(header.cells):
        doubts.append(f"Line {header.line} is taken for the names of the columns, but looks like a note.")
    return doubts


def _fill_down(notes: list[Row], merged: Sequence[tuple[int, int, int]], text_at: int) -> int:
    """Give every row of a merged cell its value, but never repeat a note; returns how many cells were filled."""
    by_line = {row.line: row for row in notes}
    count = 0
    filled_to: dict[int, int] = {}
    for first, last, column in sorted(merged):
        if first <= filled_to.get(column, 0):
            continue
        filled_to[column] = last
        if column - 1 == text_at or first not in by_line or column > len(by_line[first].cells):
            continue
        value = by_line[first].cells[column - 1]
        for line in range(first + 1, min(last, notes[-1].line) + 1):
            if line in by_line and not by_line[line].cells[column - 1].strip():
                by_line[line].cells[column - 1] = value
                count += 1
    return count


def _frame(names: Sequence[str], notes: Sequence[Row]) -> pd.DataFrame:
    return pd.DataFrame([row.cells for row in notes], columns=list(names), dtype=str)
