"""Files that a person gives: as a file to be read, and which were left out and why."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import streamlit as st


@contextmanager
def on_disk(name: str, content: bytes | memoryview) -> Iterator[Path]:
    """What a browser sent as a file with the ending of its name, for as long as it is read."""
    with tempfile.TemporaryDirectory(prefix="pugmark-") as folder:
        path = Path(folder) / f"given{Path(name).suffix.lower()}"
        path.write_bytes(content)
        yield path


def reasons_table(files: Sequence[tuple[str, str]], why: str = "reason") -> None:
    """A table of files, each with why it is in it. why: heading of that column."""
    st.dataframe({"file": [path for path, _ in files], why: [reason for _, reason in files]}, hide_index=True)
