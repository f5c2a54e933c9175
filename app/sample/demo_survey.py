"""The sample survey: synthetic media that ship with the program, taken in like any others."""

from __future__ import annotations

import shutil
from pathlib import Path

from app import files
from app.sample.shipped import FOLDER
from app.survey.database import Survey
from app.survey.media.imports import import_of_path

TEAM = "Sample team (synthetic)"  # signs the decisions that come with the sample


def sample_import(survey: Survey) -> int:
    """Write down the import of the sample survey; the job lays its files out when it runs. Returns the import's id."""
    with survey.write() as session:
        return import_of_path(session, files.sample_folder(survey.data_dir), synthetic=True).id


def lay_out(data_dir: Path) -> None:
    """Put the files of the sample survey into the data folder, unless they are there."""
    folder = files.sample_folder(data_dir)
    if not folder.exists():
        shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("truth.json"))
