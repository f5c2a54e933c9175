"""Awkward files of notes: read whole, or refused in a sentence with the line; never fewer notes without a word."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from contextlib import suppress
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modal_backend.notes import delimited, table
from modal_backend.notes.categories import describe_joined, join_names
from modal_backend.notes.columns import BadNotes, guess_columns
from modal_backend.notes.graph import cleaned, joined_categories
from modal_backend.notes.table import Choices, mapped, read_notes, read_table

LETTERS = {
    "cp1252": "abz äöüéñ,;\t|\"'\n", "cp1251": "abz абвгд,;\t|\"'\n", "utf-8": "abz äжλ中🐅,;\t|\"'\n",
    "utf-8-sig": "abz äжλ中🐅,;\t|\"'\n", "utf-16": "abz äжλ中🐅,;\t|\"'\n",
}  # fmt: skip


def written(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def workbook(path: Path, rows: list[list], title: str = "Sheet", merged: tuple[str, ...] = ()) -> Path:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    for area in merged:
        book.active.merge_cells(area)
    book.save(path)
    return path


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str, list[list[str]]]:
    encoding = draw(st.sampled_from(sorted(LETTERS)))
    cell = st.text(st.sampled_from(LETTERS[encoding]), max_size=12)
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=8))
    return encoding, draw(st.sampled_from(",;\t|")), [row for row in rows if any(text.strip() for text in row)]


@given(files(), st.sampled_from(["\r\n", "\n"]), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_any_table_written_as_csv_comes_back_equal(tmp_path_factory, file, line_end, quoting):
    encoding, sign, rows = file
    if not rows:
        return
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=sign, lineterminator=line_end, quoting=quoting)
    writer.writerows([["site", "note", "date", "animal"][-len(rows[0]) :], *rows])
    chosen = encoding.removesuffix("-sig") if encoding.startswith("cp") else None
    path = written(tmp_path_factory.getbasetemp(), "property.csv", stream.getvalue().encode(encoding))
    choices = Choices(encoding=chosen, trust_quotes=True)
    assert read_notes(path, choices).table.to_numpy().tolist() == rows


NOTES = "\n".join(f"{'Ridge' if at % 2 else 'River'},visit {at} at dusk" for at in range(30))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f'site,note\nRidge,"Tiger, heard only\n{NOTES}', "line 2 .* never closed"),
        (f'site,note\n{NOTES}\nRidge,"Tiger\n{NOTES}\nRiver,"seen" twice', "line 32 .* never closed"),
        (f'site,note\nRidge,"Tiger\n{NOTES}\nRiver,heard it"\nRidge,x', "line 2 .* line 33, over lines that look"),
        (
            'date;note;site\n1.3.24;"Tiger;Ford\n2.3.24;none";Ridge\n3.3.24;x;Ford',
            "line 2 .* line 3, over lines that look",
        ),
        ("note,site\nTiger, alone,Ridge\nnone, quiet,River", r"Line 2 .* 3 cells, .* 2 names"),
        ("site,note,height\nRidge,Tiger,3\nRidge,Tiger, alone,3", r"Line 3 .* 4 cells, .* 3 names"),
        (
            "site,date,note\nRidge,1.3.24,Tiger seen\nat dusk\nRiver,1.3.24,none",
            "Line 3 .* ends before the column note",
        ),
        (",", "holds no notes"),
        ('""', "holds no notes"),
        ("\n" * 65536, "is empty"),
        ("\n" * 2_000_001 + "note\nx", "2,000,003 lines"),
        (",,,\n" * 30000, "holds no notes"),
        ("note\n" + "x" * (16 * 1024**2 + 1), "A cell on line 2"),
        (",".join(f"c{at}" for at in range(4000)) + "\n" + "1," * 3999 + "1", "4,000 columns"),
    ],
    ids=[
        "quote",
        "quote_later",
        "two_quotes",
        "two_quotes_next",
        "comma_each",
        "comma",
        "broken",
        "sign",
        "empty",
        "blank",
        "lines",
        "signs",
        "cell",
        "columns",
    ],
)
def test_a_csv_that_does_not_add_up_is_refused_with_its_line(tmp_path, content, message):
    with pytest.raises(BadNotes, match=message):
        read_table(written(tmp_path, "notes.csv", content.encode()))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[" * 100_000, "Line 2 .* (nested|JSON)"),
        ('{"text": ' + '{"a":' * 50_000 + "1" + "}" * 50_001, "Line 2 .* nested"),
        ("\n".join(json.dumps({f"key {at}": "x"}) for at in range(6000)), "more than 1,000 different keys"),
    ],
    ids=["brackets", "objects", "keys"],
)
def test_json_lines_that_cost_too_much_are_refused(tmp_path, line, message):
    with pytest.raises(BadNotes, match=message):
        read_table(written(tmp_path, "notes.jsonl", b'{"text": "a"}\n' + line.encode()))


def test_long_numbers_half_characters_and_names_like_none_stay_text(tmp_path):
    names = ["NA", "None", "null", "nan", "TRUE", "1", ""]
    lines = [*({"text": "x", "station": name} for name in names), {"text": "\ud800", "station": True}]
    content = "\n".join(json.dumps(line) for line in lines) + '\n{"text": ' + "1" * 5000 + "}"
    reading = read_notes(written(tmp_path, "notes.jsonl", content.encode()))
    assert reading.table["station"].tolist() == [*names, "true", ""]
    assert reading.table["text"].tolist()[-2:] == ["�", "1" * 5000]
    assert "Line 8" in reading.doubts[0]
    text = "station,note\n" + "\n".join(f"{name},x" for name in names)
    assert read_table(written(tmp_path, "notes.csv", text.encode()))["station"].tolist() == names
    rows = [["station", "note"], *([name, "x"] for name in names), [True, 1], [1, 2.5]]
    path = workbook(tmp_path / "notes.xlsx", rows)
    assert read_table(path)["station"].tolist() == [*names, "TRUE", "1"]


def test_columns_with_the_same_name_and_its_twin_are_told_apart(tmp_path):
    read = read_table(written(tmp_path, "notes.csv", b"note,note,note (2)\na,b,c\n"))
    assert list(read.columns) == ["note", "note (3)", "note (2)"]
    assert read.to_numpy().tolist() == [["a", "b", "c"]]


def test_a_text_with_commas_and_no_quotes_is_kept_whole(tmp_path):
    content = b'site,note\nRidge,Tiger, alone, at dusk\nRiver,none\nRidge,"Shy" one, seen\n'
    reading = read_notes(written(tmp_path, "notes.csv", content))
    assert reading.table["note"].tolist() == ["Tiger, alone, at dusk", "none", '"Shy" one, seen']
    assert "On 2 lines (the first is 2)" in reading.doubts[0]


def test_a_column_without_a_name_is_kept_and_asked_about(tmp_path):
    reading = read_notes(written(tmp_path, "notes.csv", b"note,site\nTiger,Ridge,3\nnone,River,4\n"))
    assert reading.table.to_numpy().tolist() == [["Tiger", "Ridge", "3"], ["none", "River", "4"]]
    assert "All lines have 3 cells, but there are 2 names" in reading.doubts[0]


def test_names_of_columns_that_stand_again_in_joined_files_are_no_notes(tmp_path):
    rows = [["Site", "Note"], ["Ridge", "tiger"], ["Site", "Note"], ["River", "none"]]
    content = "\n".join(",".join(row) for row in rows).encode()
    for path in (written(tmp_path, "notes.csv", content), workbook(tmp_path / "notes.xlsx", rows)):
        reading = read_notes(path)
        assert reading.table.to_numpy().tolist() == [rows[1], rows[3]]
        assert "again: line 3" in reading.doubts[0]


def test_lines_with_fewer_cells_than_the_others_are_named(tmp_path):
    content = b"site,note,height\nA,x,1\nB,snare\nfound,it,2\nA,y,3\nA,z,3\n"
    assert "the first is line 3" in read_notes(written(tmp_path, "notes.csv", content)).doubts[0]


def test_notes_over_several_lines_are_counted_against_the_lines(tmp_path):
    reading = read_notes(written(tmp_path, "notes.csv", b'site,note\n\nA,"one\ntwo"\n\nB,three\n'))
    assert (len(reading.table), reading.lines, reading.blank, reading.spanning) == (2, 6, 2, 1)


@pytest.mark.parametrize("first", ["sep=;\n", "sep=;\r\n", "Ranger notes, season 2024\n\n", "Report;;\n"])
def test_a_separator_line_and_titles_are_no_notes(tmp_path, first):
    reading = read_notes(written(tmp_path, "notes.csv", f"{first}Site;Date;Note\nA;1;x, y\nB;2;z\n".encode()))
    assert reading.table.to_numpy().tolist() == [["A", "1", "x, y"], ["B", "2", "z"]]
    assert first.startswith("sep") or "Left out above" in reading.doubts[0]


def test_a_person_names_the_header_or_that_there_is_none(tmp_path):
    path = written(tmp_path, "notes.csv", b"12.3.2024,tiger seen\n13.3.2024,nothing\n")
    assert "looks like a note" in read_notes(path).doubts[0]
    assert len(read_notes(path, Choices(header=0)).table) == 2
    with pytest.raises(BadNotes, match="Line 9"):
        read_notes(path, Choices(header=9))


def test_merged_cells_are_filled_but_no_note_is_repeated(tmp_path):
    rows = [["Site", "Date", "Note"], *([["Ridge", "River"][at // 3], at, f"n{at}"] for at in range(6))]
    path = workbook(tmp_path / "notes.xlsx", rows, merged=("A2:A4", "A5:A7", "C6:C7"))
    reading = read_notes(path)
    assert reading.table["Site"].tolist() == ["Ridge"] * 3 + ["River"] * 3
    assert reading.table["Note"].tolist() == ["n0", "n1", "n2", "n3", "n4", ""]
    assert reading.filled == 4


def test_the_sheet_with_the_notes_is_read_and_the_others_are_named(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["About this file"])
    for title in ("Ridge", "River"):
        book.create_sheet(title).append(["Site", "Note"])
        book[title].append([title, "tiger"])
    book.save(tmp_path / "notes.xlsx")
    reading = read_notes(tmp_path / "notes.xlsx")
    assert (reading.sheet, reading.table["Site"].tolist()) == ("Ridge", ["Ridge"])
    assert "River" in reading.doubts[0]
    assert read_notes(tmp_path / "notes.xlsx", Choices(sheet="River")).table["Site"].tolist() == ["River"]
    with pytest.raises(BadNotes, match="no sheet named Lake"):
        read_notes(tmp_path / "notes.xlsx", Choices(sheet="Lake"))


def test_serial_numbers_of_days_become_dates(tmp_path):
    path = workbook(tmp_path / "notes.xlsx", [["Date", "Note"], [45352, "a"], [45382.25, "b"]])
    read = read_table(path)
    dates = mapped(read, guess_columns(list(read.columns)))["date"].tolist()
    assert dates == ["2024-03-01", "2024-03-31 06:00:00"]


def sheet_with(path: Path, rows: str, *, method: int = zipfile.ZIP_DEFLATED, stated: int | None = None) -> Path:
    """A workbook with these rows as XML; stated: the method that the file claims."""
    workbook(path, [["text"]])
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts["xl/worksheets/sheet1.xml"] = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        f"{rows}</sheetData></worksheet>"
    ).encode()
    with zipfile.ZipFile(path, "w", method) as new:
        for name, content in parts.items():
            new.writestr(name, content)
    if stated is not None:
        data = bytearray(path.read_bytes())
        for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
            at = data.find(mark)
            while at >= 0:
                data[at + offset] = stated
                at = data.find(mark, at + 4)
        path.write_bytes(data)
    return path


def cell(place: str, text: str = "x") -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (f'<row r="1">{cell("A1")}</row><row r="99999999999">{cell("A99999999999")}</row>', {}, "row numbered"),
        (f'<row r="2">{cell("XFD2")}</row><row r="20000">{cell("A20000")}</row>', {}, "column XFD, row 2"),
        (f'<row r="1">{cell("A1", "x" * (16 * 1024**2 + 1))}</row>', {}, "more than 16 MB"),
        ('<row r="1">' + "<c/>" * 600_000 + "</row>", {}, "300,000 cells"),
        ("<x>" * 10_000 + "</x>" * 10_000, {}, "nested"),
        ("<row/>" * 300_001, {}, "300,000 rows"),
        ('<row r="1"><c ' + " ".join(f'a{at}="1"' for at in range(200_000)) + "/></row>", {}, "tag of more than 1 MB"),
        ("", {"method": zipfile.ZIP_LZMA}, "packed in a way"),
        ("", {"stated": 9}, "packed in a way"),
        ("", {"stated": 99}, "packed in a way"),
        ('<row r="1"><c r="A1" t="s"><v>7</v></c></row>', {}, "not a readable Excel file"),
        ("", {}, "holds no notes"),
    ],
    ids=["row", "column", "cell", "cells", "nested", "rows", "tag", "lzma", "method_9", "method_99", "string", "empty"],
)
def test_a_workbook_that_costs_too_much_or_is_damaged_is_refused(tmp_path, rows, options, message):
    with pytest.raises(BadNotes, match=message):
        read_table(sheet_with(tmp_path / "notes.xlsx", rows, **options))


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_workbook_ends_in_a_sentence(tmp_path, seed):
    path = workbook(tmp_path / "notes.xlsx", [["Site", "Note"], ["A", "tiger " * 50]])
    data = bytearray(path.read_bytes())
    data[seed * len(data) // 40] ^= 0xFF
    path.write_bytes(data)
    with suppress(BadNotes):
        assert list(read_table(path).columns) == ["Site", "Note"]


def test_a_locked_workbook_says_so(tmp_path):
    with pytest.raises(BadNotes, match="password"):
        read_table(written(tmp_path, "notes.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600))


def test_names_that_differ_only_by_capitals_spaces_or_accents_are_joined():
    joined = join_names(["River", "RIVER", "River", "river ", "Ridge", "T 01", "T-01", "José", "Jose", "José", ""])
    assert joined == {"RIVER": "River", "river ": "River", "Jose": "José"}
    assert describe_joined(joined)[0] == "“River” (also “RIVER”, “river ”)"


@pytest.mark.parametrize(("join", "names"), [(True, {"River"}), (False, {"River", "RIVER", "Rivér"})])
def test_categories_are_joined_unless_a_person_keeps_them_apart(join, names):
    texts = pd.DataFrame({"t": list("abcd"), "c": ["River", "RIVER", "Rivér", "River "]})
    notes = mapped(texts, {"text": "t", "category": "c"})
    joined = joined_categories(notes, join)
    assert joined == ({"RIVER": "River", "Rivér": "River"} if join else {})
    assert set(cleaned(notes, joined)["category"]) == names


def test_limits_of_notes_and_cells_hold(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "MOST_NOTES", 3)
    with pytest.raises(BadNotes, match=r"Line 5 .* 3 notes"):
        read_table(written(tmp_path, "notes.csv", b"note\n1\n2\n3\n4\n5\n"))
    assert delimited.LONGEST_CELL == 16 * 1024**2
