"""Notes as JSON lines: an object a line, its keys are columns."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from modal_backend.notes.columns import MOST_CELLS, MOST_COLUMNS, MOST_NOTES, BadNotes, distinct

# Longer numbers are kept as they are written: Python refuses to convert very long ones.
LONGEST_NUMBER = 18


def json_lines(text: str, name: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table and what is doubtful about it. Raises BadNotes with the line."""
    rows: list[dict[str, str]] = []
    columns: dict[str, None] = {}
    halves = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        row, broken = _row(line, f"Line {number} of {name}")
        halves = halves or (number if broken else 0)
        rows.append(row)
        columns |= dict.fromkeys(row)
        if len(columns) > MOST_COLUMNS:
            raise BadNotes(f"{name} has more than {MOST_COLUMNS:,} different keys by line {number}.")
        if len(rows) > MOST_NOTES or len(columns) * len(rows) > MOST_CELLS:
            raise BadNotes(f"{name} goes beyond {MOST_NOTES:,} notes or {MOST_CELLS:,} cells on line {number}.")
    names = distinct(list(columns))
    values = {name: [row.get(key, "") for row in rows] for name, key in zip(names, columns, strict=True)}
    lost = (f"Line {halves} holds half a character; it is shown as �.",) if halves else ()
    return pd.DataFrame(values, dtype=str), lost


def _row(line: str, where: str) -> tuple[dict[str, str], bool]:
    try:
        value = json.loads(line, parse_int=_number)
        if not isinstance(value, dict):
            raise BadNotes(f'{where} is not an object like {{"text": "…"}}.')
        row = {str(key): _cell(cell) for key, cell in value.items()}
    except json.JSONDecodeError as error:
        raise BadNotes(f"{where} is not JSON ({error.msg}).") from error
    except RecursionError as error:
        raise BadNotes(f"{where} is nested too deeply.") from error
    whole = {_whole(key): _whole(cell) for key, cell in row.items()}
    return whole, whole != row


def _number(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_NUMBER else digits


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _whole(text: str) -> str:
    """A text without halves of characters, which no file or database can keep."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
