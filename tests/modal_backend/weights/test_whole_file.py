"""A file is there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from modal_backend.weights.whole_file import first_content, whole_file


def test_a_file_appears_whole_and_an_error_leaves_the_old_one(tmp_path: Path):
    place = tmp_path / "folder" / "a.txt"
    with whole_file(place) as part:
        part.write_text("first")
        assert not place.exists()
    with pytest.raises(UnicodeEncodeError), whole_file(place) as part:
        part.write_text("second \ud800", encoding="utf-8")
    assert place.read_text() == "first"
    assert list(place.parent.iterdir()) == [place]


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


def test_a_file_that_is_written_once_keeps_what_the_first_process_wrote(tmp_path: Path, monkeypatch):
    place, real = tmp_path / "mark", os.link

    def beaten(part: Path, place: Path) -> None:
        place.write_bytes(b"theirs")
        real(part, place)

    monkeypatch.setattr("os.link", beaten)
    assert first_content(place, b"ours") == b"theirs"
    assert first_content(place, b"later") == b"theirs"
    assert list(tmp_path.iterdir()) == [place]


def test_a_file_system_without_hard_links_gets_it_too(tmp_path: Path, monkeypatch):
    def unknown(_part: Path, _place: Path) -> None:
        raise OSError(95, "not supported")

    monkeypatch.setattr("os.link", unknown)
    assert first_content(tmp_path / "mark", b"ours") == b"ours"
    assert list(tmp_path.iterdir()) == [tmp_path / "mark"]
