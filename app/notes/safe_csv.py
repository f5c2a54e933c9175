"""CSV that a spreadsheet opens as text: a cell that would be taken for a formula gets an apostrophe in front."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from app.exchange.safe_cells import safe_cell
from modal_backend.weights.whole_file import whole_file


def safe_csv(table: pd.DataFrame) -> str:
    """A table as CSV, UTF-8, no formulas; numbers with at most six significant digits after the point."""
    shown = table.apply(lambda column: column.map(safe_cell) if column.dtype.kind not in "biuf" else column)
    shown.columns = [str(safe_cell(str(name))) for name in shown.columns]
    return str(shown.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def write_safe_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table so that it appears whole or not at all."""
    with whole_file(path) as part:
        part.write_text(safe_csv(table), encoding="utf-8", newline="")
