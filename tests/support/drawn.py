"""A few drawn scenes with animals on them, for tests that need boxes without real pictures."""

from __future__ import annotations

from pathlib import Path


def two_tigers(folder: Path) -> None:
    """Four synthetic pictures in one folder a station."""
    from app.sample.survey import generate

    generate(folder, seed=11, individuals=2, stations=1, events=2, pictures_per_event=2, blanks=0)
    for answer in [path for path in folder.iterdir() if path.is_file()]:
        answer.unlink()
