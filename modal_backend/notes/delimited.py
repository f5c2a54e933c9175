"""Rows of a CSV with the lines they stand on."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from modal_backend.notes.columns import BadNotes, extent, has_usual_name, header_at

DELIMITERS = ",;\t|"
LONGEST_CELL = 16 * 1024**2
SNIFFED_ROWS = 60
SNIFFED = 256 * 1024
FIRST_FILLED = re.compile(r"[^\s,;|]")
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
# What Excel reads as the delimiter of the lines below.
SEPARATOR_LINE = re.compile(r'"?sep=([^\r\n"])"?[,;\t| ]*(?:\r\n|\r|\n)', re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """Cells and the line of the file (or row of the sheet) where they begin, from 1."""

    line: int
    cells: list[str]
    last: int = 0


def separator(text: str) -> str | None:
    """The delimiter that a first line such as sep=; names, or None."""
    found = SEPARATOR_LINE.match(text)
    return found[1] if found else None


def delimiter(text: str) -> str:
    """The delimiter under which the header has usual names and the rows below it as many cells as it, most of all."""

    def fit(sign: str) -> tuple[bool, float, bool, int, int]:
        reader = csv.reader(_lines(sample), delimiter=sign)
        try:
            rows = list(islice((row for row in reader if extent(row)), SNIFFED_ROWS))
        except csv.Error:
            return False, 0.0, False, 0, 0
        if not rows:
            return False, 1.0, False, 0, 0
        at = header_at(rows)
        width = len(rows[at])
        if width < 2:
            return False, 0.0, False, width, -sample.count(sign)
        share = sum(len(row) == width for row in rows[at:]) / len(rows[at:])
        return has_usual_name(rows[at]), share, at == 0, width, 0

    csv.field_size_limit(LONGEST_CELL)
    begins = FIRST_FILLED.search(text)
    start = text.rfind("\n", 0, begins.start()) + 1 if begins else 0
    sample = text[start : start + SNIFFED]
    return max(DELIMITERS, key=fit)


def records(text: str, sign: str, name: str) -> Iterator[Row]:
    """The rows of a CSV that hold anything. Raises BadNotes with the line where a quote is never closed.

    Args:
        sign: the delimiter.
        name: the file, for the error.
    """
    csv.field_size_limit(LONGEST_CELL)
    latest = ""

    def lines() -> Iterator[str]:
        nonlocal latest
        for line in _lines(text):
            latest = line
            yield line

    reader = csv.reader(lines(), delimiter=sign, strict=True)
    if separator(text):
        next(reader)
    while True:
        first = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "field larger" in str(error):
                limit = f"{LONGEST_CELL / 1024**2:.0f} MB"
                raise BadNotes(f"A cell on line {first} of {name} has more than {limit}.") from error
            if reader.line_num > first or "end of data" in str(error):
                raise BadNotes(
                    f'A quote (") on line {first} of {name} is never closed, so the lines below it would be read as '
                    "one note. Close it or take it out."
                ) from error
            # Quotes inside an unquoted text, or text after a closed quote: every sign counts as written.
            cells = next(csv.reader([latest], delimiter=sign, quoting=csv.QUOTE_NONE))
        if extent(cells):
            yield Row(first, cells, reader.line_num)


def swallowed(rows: Iterable[Row], width: int, sign: str, line_end: str) -> tuple[list[Row], bool]:
    """Rows with a note over several lines which look like notes of their own, and whether three or more in one do.

    Two stray quotes do that: the first opens, the other closes many lines later.

    Args:
        width: how many cells the header has.
        line_end: what ends most rows; other line ends inside quotes were put there on purpose.
    """
    rows = list(rows)
    starts = {row.cells[0].strip() for row in rows if row.cells[0].strip()}
    shapes = {_shape(start) for start in starts if re.search(r"\d", start)}
    found, sure = [], False
    for row in rows:
        if row.last <= row.line or width < 2:
            continue
        parts = [part for cell in row.cells for part in cell.split(line_end)[1:]]
        like = [part for part in parts if _like_a_row(part, width, sign, starts, shapes)]
        if like:
            found.append(row)
            sure |= len(like) > 2 and all(part.count(sign) == width - 1 for part in parts)
    return found, sure


def _like_a_row(line: str, width: int, sign: str, starts: set[str], shapes: set[str]) -> bool:
    cells = line.split(sign)
    return len(cells) == width and (cells[0].strip() in starts or _shape(cells[0].strip()) in shapes)


def _shape(text: str) -> str:
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "0", text))


def _lines(text: str) -> Iterator[str]:
    return (found[0] for found in LINE.finditer(text))
