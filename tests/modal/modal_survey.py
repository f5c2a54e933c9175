"""A survey whose models run on the local control plane, its worker process, and what to ask of both."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import sqlalchemy as sa

from app.jobs.queue import Jobs
from app.settings import Settings
from app.survey.database import Survey
from app.survey.media import imports
from app.survey.tables.calls import Call
from app.survey.tables.detections import Feature, Ranking
from app.survey.tables.media import ImportBatch, Media
from tests.modal.modal_server import LocalModal, client_env
from tests.support import workers
from tests.support.forked import Process
from tests.support.pictures import encoded, noisy

PICTURES = 6


def worker(settings: Settings, plane: LocalModal, **more: str) -> AbstractContextManager[Process]:
    """A worker process on this survey; killed at the end."""
    impatient = {"PUGMARK_BACKEND": "modal", "MODAL_TIMEOUT": "5", "MODAL_RETRY_DELAY": "0.2"}
    return workers.worker(settings.data_dir, **client_env(plane.port) | impatient | more)


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
