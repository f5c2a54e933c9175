"""Which queue a job waits in when only media are shared."""

from __future__ import annotations

from pathlib import Path

from app.jobs.imports import is_here
from app.jobs.queues import Queue, queue_name
from app.settings import Settings
from app.storage import shared
from app.survey.database import open_survey
from app.survey.media import imports


def settings_of(folder: Path, media_url: str | None = None) -> Settings:
    folder.mkdir(exist_ok=True)
    return Settings(PUGMARK_DATA_DIR=folder, PUGMARK_MEDIA_URL=media_url, PUGMARK_REVIEWER="ana", _env_file=None)


def test_an_import_waits_for_a_worker_of_the_data_folder_that_asked_and_analysis_for_any(tmp_path: Path):
    a, b = (settings_of(tmp_path / name, "memory://queues") for name in "ab")
    assert queue_name(Queue.IMPORTS, a) == queue_name(Queue.IMPORTS, a) != queue_name(Queue.IMPORTS, b)
    assert queue_name(Queue.BATCHES, a) == queue_name(Queue.BATCHES, b) == "batches"
    assert queue_name(Queue.IMPORTS, settings_of(tmp_path / "a")) == "imports"


def test_upkeep_leaves_an_import_whose_files_lie_on_another_machine(tmp_path: Path):
    (tmp_path / "card").mkdir()
    survey = open_survey(settings_of(tmp_path / "a", "memory://queues"))
    with survey.write() as session:
        mine, other = (
            imports.start_import(session, kind="folder", root=str(tmp_path / name), label=name).id
            for name in ("card", "card of another machine")
        )
    assert is_here(survey, mine)
    assert not is_here(survey, other)
    shared.connect(survey.data_dir, None)
    assert is_here(survey, other)
