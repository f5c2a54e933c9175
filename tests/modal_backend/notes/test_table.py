"""Files of notes as people have them: encodings, delimiters, Excel, JSON lines, text, and files that are none."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from app.notes.safe_csv import safe_csv
from app.notes.sources import grouped, year_month
from modal_backend.models.text.languages import languages
from modal_backend.notes.counts import count_notes
from modal_backend.notes.graph import cleaned
from modal_backend.notes.table import BadNotes, Choices, guess_columns, mapped, read_notes, read_table

ROWS = [["Gauri", "Tigre près du gué"], ["Ana", 'Said "no sign", left; early'], ["Ana", "two\nlines"]]


def written(tmp_path, name: str, content: bytes):
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_csv_is_read_whatever_its_encoding_and_delimiter(tmp_path, encoding, sign):
    text = pd.DataFrame(ROWS, columns=["observer", "note"]).to_csv(index=False, sep=sign)
    table = read_table(written(tmp_path, "notes.csv", text.encode(encoding)))
    assert table.to_numpy().tolist() == ROWS
    assert guess_columns(list(table.columns)) == {
        "text": "note", "category": "observer", "date": None, "station": None, "individual": None
    }  # fmt: skip


def test_excel_and_json_lines_are_read_as_text(tmp_path):
    frame = pd.DataFrame({"note": ["=1+2", "007"], "site": ["A", None]})
    frame.to_excel(tmp_path / "notes.xlsx", index=False)
    assert read_table(tmp_path / "notes.xlsx")["site"].tolist() == ["A", ""]
    lines = "\n".join(json.dumps(note) for note in ({"note": "007", "n": 3}, {"note": None, "extra": [1]}))
    table = read_table(written(tmp_path, "notes.jsonl", lines.encode()))
    assert table["note"].tolist() == ["007", ""]
    assert table["extra"].tolist() == ["", "[1]"]


def test_plain_text_is_one_note_a_paragraph_or_a_line(tmp_path):
    assert len(read_table(written(tmp_path, "a.txt", b"one\ntwo\n\nthree"))) == 2
    table = read_table(written(tmp_path, "b.txt", b"one\ntwo\n"))
    assert table["text"].tolist() == ["one", "two"]
    assert guess_columns(list(table.columns))["text"] == "text"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("notes.csv", b"", "is empty"),
        ("notes.csv", b"text,category\n", "holds no notes"),
        ("notes.jsonl", b'{"text": "a"}\nnot json', "Line 2"),
        ("notes.jsonl", b"[1, 2]", "Line 1"),
        ("notes.xlsx", b"PK not a workbook", "not a readable Excel file"),
        ("notes.docx", b"x", "none of"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path, name, content, message):
    with pytest.raises(BadNotes, match=message):
        read_table(written(tmp_path, name, content))


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path):
    table = read_table(written(tmp_path, "notes.csv", b"a,b\n1,2\n"))
    with pytest.raises(BadNotes, match=r"no column named remark\. There are: a, b"):
        mapped(table, {"text": "remark"})


def test_headings_that_repeat_or_are_missing_get_names(tmp_path):
    table = read_table(written(tmp_path, "notes.csv", b"note,note,\nx,y,z\n"))
    assert list(table.columns) == ["note", "note (2)", "column 3"]


def test_empty_notes_and_exact_repetitions_are_counted_and_left_out_once():
    notes = mapped(
        pd.DataFrame({"t": ["a tiger", "a tiger", "<i></i>", "a  tiger", ""], "c": ["x", "x", "x", "y", "y"]}),
        {"text": "t", "category": "c"},
    )
    kept = cleaned(notes)
    assert kept["row"].tolist() == [1, 4]
    counts = count_notes(notes, kept)
    assert (counts["rows"], counts["empty"], counts["repeated"], counts["used"]) == (5, 2, 1, 2)
    assert counts["categories"] == {"x": 1, "y": 1}


def test_languages_other_than_english_are_named():
    german = "Heute keine Spuren am Bach gefunden, Batterien gewechselt und Laub entfernt."
    english = "No tracks at the stream today, changed the batteries and cleared the leaves."
    assert set(languages([german] * 5 + [english] * 15)) == {"en", "de"}
    assert languages(["ok"]) == {}


@pytest.mark.parametrize("cell", ["=cmd|'/C calc'!A0", "+1", "-2+3", "@SUM(A1)", "\t=1", " =1", "＝1"])
def test_no_cell_of_a_csv_starts_a_formula(cell):
    lines = safe_csv(pd.DataFrame({"keyword": [cell], "z": [-1.5]}))
    assert pd.read_csv(pd.io.common.StringIO(lines)).iloc[0].tolist() == ["'" + cell, -1.5]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2024-03-12 05:41", "2024-03"), ("12.03.2024", "2024-03"), ("2024/3", "2024-03"), ("March", ""), ("99", "")],
)
def test_months_are_found_in_dates_as_people_write_them(text, expected):
    assert year_month(text)[1] == expected
    assert grouped({"date": text, "station": " Ford "}, "station") == "Ford"
    assert grouped({"date": text, "station": " Ford "}, "station+month") == (f"Ford · {expected}" if expected else "")


def test_a_delimiter_chosen_by_hand_is_used_where_the_guess_is_wrong(tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text("site|remark\nRidge, upper|pug marks, fresh\nFord, lower|snare, removed\n", encoding="utf-8")
    reading = read_notes(path, Choices(delimiter="|"))
    assert reading.delimiter == "|"
    assert reading.table["remark"].tolist() == ["pug marks, fresh", "snare, removed"]
    path.write_text("sep=;\nsite,remark\nRidge,pug marks; fresh\n", encoding="utf-8")
    assert read_notes(path, Choices(delimiter=",")).table["remark"].tolist() == ["pug marks; fresh"]
