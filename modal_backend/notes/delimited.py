"""Rows of a CSV with the lines they stand on."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from modal_backend.notes.columns import BadNotes, distinct, extent, guess_columns, has_usual_name, header_at

DELIMITERS = ",;\t|"
LONGEST_CELL = 16 * 1024**2
LONGEST_USUAL = 40
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
            return has_usual_name(rows[at]), 0.0, False, len(rows), -sample.count(sign)
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


def swallowed(rows: Sequence[Row], width: int, sign: str, text: str) -> tuple[list[Row], bool]:
    """Rows with a note over several lines which look like notes of their own, and whether all lines of one do.

    Two stray quotes do that: the first opens, the other closes lines later.

    Args:
        width: how many cells the header has.
        sign: the delimiter.
        text: of the whole file. A line end unlike that of most rows was put inside quotes on purpose.
    """
    spanning = [row for row in rows if row.last > row.line]
    if not spanning or width < 2:
        return [], False
    lines = list(_lines(text))
    line_end = "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"
    usual = [_usual(row.cells[at] for row in rows if at < len(row.cells)) for at in range(width)]
    found, sure = [], False
    for row in spanning:
        parts = "".join(lines[row.line - 1 : row.last]).rstrip("\r\n").split(line_end)
        if any(_like_a_row(part, sign, usual) for part in parts[1:]):
            found.append(row)
            sure |= all(part.count(sign) == width - 1 for part in parts)
    return found, sure


def _usual(cells: Iterable[str]) -> set[str]:
    """The short texts that a column holds more than once, and the shapes of those with digits."""
    counts = Counter(cell.strip() for cell in cells if 0 < len(cell.strip()) <= LONGEST_USUAL)
    return {text for text, count in counts.items() if count > 1} | {_shape(text) for text in counts if _dated(text)}


def _like_a_row(line: str, sign: str, usual: Sequence[set[str]]) -> bool:
    cells = [cell.strip().strip('"') for cell in line.split(sign)]
    if len(cells) != len(usual):
        return False
    return any(cell in known or _shape(cell) in known for cell, known in zip(cells, usual, strict=True) if cell)


def _dated(text: str) -> bool:
    return any(sign.isdigit() for sign in text)


def _shape(text: str) -> str:
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "0", text))


def _lines(text: str) -> Iterator[str]:
    return (found[0] for found in LINE.finditer(text))


def widened(header: Sequence[str], notes: list[Row], sign: str, name: str) -> tuple[list[str], list[str]]:
    """Make every row as wide as the header, or raise BadNotes with the line that does not add up."""
    width = extent(header) or len(header)
    lengths = {extent(row.cells) for row in notes}
    more = [row for row in notes if extent(row.cells) > width]
    if more and len(header) >= max(lengths):
        width, more = len(header), []
    names, doubts = distinct(header[:width]), []
    text = guess_columns(names)["text"]
    joins = text is not None and names[-1] == text
    if more and not joins and len(lengths) == 1 and not _cut(more):
        doubts.append(
            f"All lines have {max(lengths)} cells, but there are {width} names of columns. Look whether a text is cut "
            f"at “{sign}”."
        )
        width, more = max(lengths), []
        names = distinct([*header[:width], *[""] * (width - len(header))])
    if more and not joins:
        raise BadNotes(
            f"Line {more[0].line} of {name} has {extent(more[0].cells)} cells, but there are {width} names of columns "
            f"(on {_count_lines(more)}). A text that holds “{sign}” needs quotes around it."
        )
    if more:
        doubts.append(
            f"On {_count_lines(more)} (the first is {more[0].line}) the text holds “{sign}” without quotes; all that "
            f"follows is taken as the text."
        )
    short = [row for row in notes if len(row.cells) < width]
    if short and 2 * len(short) < len(notes):
        doubts.append(f"Fewer cells than columns: {_count_lines(short)}; the first is line {short[0].line}.")
    least = names.index(text) if text else 0
    for row in notes:
        if least and len(row.cells) <= least:
            raise BadNotes(
                f"Line {row.line} of {name} ends before the column {text}. Is a note broken over lines without quotes?"
            )
        if extent(row.cells) > width:
            row.cells[width - 1 :] = [sign.join(row.cells[width - 1 :])]
        row.cells[:] = (row.cells + [""] * (width - len(row.cells)))[:width]
    return names, doubts


def _cut(rows: Sequence[Row]) -> bool:
    """Whether a text goes on in a cell of its own: a cell begins with a space in most of the rows."""
    starts = Counter(at for row in rows for at, cell in enumerate(row.cells) if cell.startswith(" "))
    return max(starts.values(), default=0) * 2 > len(rows)


def _count_lines(rows: Sequence[Row]) -> str:
    return "1 line" if len(rows) == 1 else f"{len(rows):,} lines"
