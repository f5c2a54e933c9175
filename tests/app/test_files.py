"""Files of the data folder are whole or not there, under names that every operating system can store."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app import files
from modal_backend.weights.whole_file import whole_file


def test_a_file_appears_whole_and_an_error_leaves_the_old_one(tmp_path: Path):
    place = tmp_path / "folder" / "a.txt"
    with whole_file(place) as part:
        part.write_text("first")
        assert not place.exists()
    with pytest.raises(UnicodeEncodeError), whole_file(place) as part:
        part.write_text("second \ud800", encoding="utf-8")
    assert place.read_text() == "first"
    assert list(place.parent.iterdir()) == [place]


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("IMG 1 é.JPG", "IMG 1 é.JPG"),
        (".hidden", ".hidden"),
        ("12:30.jpg", "12%3A30.jpg"),
        ('what? "a|b" <c>*', "what%3F %22a%7Cb%22 %3Cc%3E%2A"),
        ("CON", "%43ON"),
        ("aux.jpg", "%61ux.jpg"),
        ("com1.tar.gz", "%63om1.tar.gz"),
        ("console.jpg", "console.jpg"),
        ("dots.", "dots%2E"),
        ("space ", "space%20"),
    ],
)
def test_what_windows_forbids_in_a_name_is_escaped_and_other_names_stay(name: str, stored: str):
    assert files.stored_name(name) == stored
    assert files.stored_name(stored) == stored


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("A 1", "A-1"),
        ("CON", "individual-CON"),
        ("nul.txt", "individual-nul.txt"),
        ("..", "individual"),
        ("a:b.", "a-b"),
    ],
)
def test_a_text_of_a_person_becomes_a_file_name(text: str, name: str):
    assert files.name_of_text(text, "individual") == name


def test_a_file_that_somebody_reads_on_windows_is_replaced_when_it_is_closed(tmp_path: Path, monkeypatch):
    real, refused = os.replace, [PermissionError(13, "in use"), PermissionError(13, "in use")]

    def busy(part: Path, place: Path) -> None:
        if refused:
            raise refused.pop()
        real(part, place)

    monkeypatch.setattr("os.replace", busy)
    with whole_file(tmp_path / "a.txt") as part:
        part.write_text("new")
    assert (tmp_path / "a.txt").read_text() == "new"
    assert refused == []


def test_a_place_that_stays_in_use_is_told_and_leaves_nothing_behind(tmp_path: Path, monkeypatch):
    def busy(_part: Path, _place: Path) -> None:
        raise PermissionError(13, "in use")

    monkeypatch.setattr("os.replace", busy)
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _seconds: None)
    with pytest.raises(PermissionError), whole_file(tmp_path / "a.txt") as part:
        part.write_text("new")
    assert list(tmp_path.iterdir()) == []
