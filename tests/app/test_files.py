"""Files of the data folder have names that every operating system can store."""

from __future__ import annotations

import pytest

from app import files


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
