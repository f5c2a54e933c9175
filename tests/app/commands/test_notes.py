"""python -m app notes: a file that does not add up stops before any model is loaded."""

from __future__ import annotations

from argparse import ArgumentParser

import pytest

from app.commands import notes
from app.commands.output import CommandFailed
from app.settings import load_settings


@pytest.mark.parametrize(
    ("content", "more", "message"),
    [
        (b'site,note\nRidge,"Tiger, heard only\nRiver,nothing\n', [], "line 2 of notes.csv is never closed"),
        (b"site,note\nRidge,x\n", ["--encoding", "cp9999"], "cp9999 is no encoding"),
        (b"site,note\nRidge,x\n", ["--header", "9"], "Line 9 of notes.csv"),
        (b"site,note\nRidge,x\n", ["--delimiter", ",,"], "cannot be the sign between cells"),
    ],
)
def test_a_file_that_does_not_add_up_stops_with_its_line(tmp_path, content, more, message):
    (tmp_path / "notes.csv").write_bytes(content)
    parser = ArgumentParser()
    notes.add_arguments(parser)
    given = ["--text", "note", "--category", "site", "--out", str(tmp_path / "out"), *more]
    options = parser.parse_args([str(tmp_path / "notes.csv"), *given])
    with pytest.raises(CommandFailed, match=message) as failed:
        notes.run(load_settings(), options)
    assert failed.value.code == 2
