"""CSV tables hold what people and files named things; none of it is a formula where a spreadsheet opens it."""

from __future__ import annotations

import csv
import io

import pytest

from app.exchange.csv_text import csv_text


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-cmd", "@SUM(A1)", "\t=1", " =1", "＝1"])
def test_a_name_that_starts_a_formula_is_text_in_a_spreadsheet_and_the_same_in_every_cell(name):
    header, row = csv.reader(io.StringIO(csv_text(("station", name), [(name, -1.5)])))
    assert header[1] == row[0] == f"'{name}"
    assert row[1] == "-1.5"


def test_other_texts_and_numbers_are_written_as_they_are():
    assert csv_text(("a", "b"), [("T-01", None), (-0.25, "x, y")]) == 'a,b\nT-01,\n-0.25,"x, y"\n'
