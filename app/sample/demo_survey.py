"""The sample survey: synthetic pictures, drawn once into the data directory and taken in like any others."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from app import files
from app.survey.database import Survey
from app.survey.media.imports import import_of_path

SEED = 7


def sample_import(survey: Survey) -> int:
    """Write down the import of the sample survey; the job draws it when it runs. Returns the import's id."""
    with survey.write() as session:
        return import_of_path(session, files.sample_folder(survey.data_dir), synthetic=True).id


def draw_sample(data_dir: Path, drawn: Callable[[int, int], None] | None = None) -> None:
    """Draw the pictures unless they are there; truth.json goes beside their folder, as it is not one of them."""
    from app.sample.survey import generate

    folder = files.sample_folder(data_dir)
    if (folder.parent / "truth.json").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    generate(folder, seed=SEED, progress=drawn)
    for answer in (path for path in folder.iterdir() if path.is_file()):
        answer.replace(folder.parent / answer.name)
