"""What the survey of a dashboard holds while a browser works in it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any


def rows(data_dir: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(data_dir / "survey.sqlite", timeout=30) as connection:
        return connection.execute(query).fetchall()


def wait_for_rows(page: Any, data_dir: Path, query: str, expected: list[tuple[Any, ...]], seconds: int = 120) -> None:
    for _ in range(seconds * 5):
        if rows(data_dir, query) == expected:
            return
        page.wait_for_timeout(200)
    assert rows(data_dir, query) == expected
