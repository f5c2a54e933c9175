"""A survey whose models run on the local control plane, its worker process, and what to ask of both."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from app.jobs.queue import Jobs
from app.settings import Settings
from app.survey.database import Survey
from app.survey.media import imports
from app.survey.tables.calls import Call
from app.survey.tables.detections import Feature, Ranking
from app.survey.tables.media import ImportBatch, Media
from tests.modal.local_modal import ROOT
from tests.modal.modal_server import LocalModal, client_env
from tests.support.pictures import encoded, noisy

PICTURES = 6


@contextmanager
def worker(settings: Settings, plane: LocalModal, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process on this survey; killed at the end."""
    environment = {
        **os.environ,
        **client_env(plane.port),
        "PUGMARK_DATA_DIR": str(settings.data_dir),
        "PUGMARK_BACKEND": "modal",
        "MODAL_TIMEOUT": "5",
        "MODAL_RETRY_DELAY": "0.2",
        **more,
    }
    process = subprocess.Popen([sys.executable, "-m", "app", "worker"], cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def ask_for_import(survey: Survey, folder: Path, pictures: int = PICTURES, width: int = 320) -> int:
    """An import of generated pictures, left to the next worker."""
    folder.mkdir()
    for number in range(pictures):
        (folder / f"{number}.jpg").write_bytes(encoded(noisy(width, width * 3 // 4, seed=number)))
    with survey.write() as session:
        return imports.import_of_path(session, folder).id


def state(survey: Survey, import_id: int) -> tuple[str, str | None]:
    with survey.read() as session:
        batch = session.get_one(ImportBatch, import_id)
        return batch.state, batch.error


def calls(survey: Survey) -> list[Call]:
    with survey.read() as session:
        return list(session.scalars(sa.select(Call).order_by(Call.id)))


def stages(survey: Survey) -> set[str]:
    with survey.read() as session:
        return set(session.scalars(sa.select(Media.stage)))


def first_described(survey: Survey) -> int:
    with survey.read() as session:
        return session.scalars(sa.select(Feature.detection_id).order_by(Feature.id)).first() or 0


def ranked(survey: Survey, query: int) -> bool:
    with survey.read() as session:
        return session.scalar(sa.select(Ranking.id).where(Ranking.detection_id == query)) is not None


def ask(settings: Settings, survey: Survey, what: Callable[[Jobs], None]) -> None:
    jobs = Jobs(survey, settings)
    what(jobs)
    jobs.close()


def sent_to(plane: LocalModal) -> set[str]:
    return set(plane.state()["calls"])
