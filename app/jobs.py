"""Ask for work: the dashboard and the command line only put jobs into the queue, a worker does them.

The row in the survey comes first and says what is wanted; a job that never reached the queue (the queue's database was
not there yet, the process died in between) is put there by the next worker that looks.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dbos import DBOSClient
from sqlalchemy.exc import SQLAlchemyError

from app.settings import Settings
from app.survey.database import Survey
from app.survey.media import ImportBatch
from app.survey.rankings import Scope

APP_VERSION = "1"


class Queue(StrEnum):
    """Interactive work never waits behind bulk work: each has a queue and a thread of its own."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


class Jobs:
    """Puts jobs into the queue. May be shared between threads."""

    def __init__(self, survey: Survey, settings: Settings) -> None:
        self.survey = survey
        self._url = settings.jobs_url
        self._client: DBOSClient | None = None

    def run_import(self, import_id: int) -> None:
        """Take in, detect and describe everything an import lists."""
        with self.survey.read() as session:
            attempt = session.get_one(ImportBatch, import_id).attempt
        self._enqueue(Queue.BULK, "import_media", import_workflow_id(import_id, attempt), import_id)

    def describe(self, detection_ids: Sequence[int]) -> None:
        """Cut and describe crops of boxes a person drew, moved or opened below the threshold."""
        self._enqueue(Queue.INTERACTIVE, "describe_boxes", f"describe-{uuid.uuid4().hex}", list(detection_ids))

    def rank(self, detection_ids: Sequence[int], scope: Scope) -> None:
        """Rank candidates for these queries; the answers appear as rankings in the survey."""
        self._enqueue(Queue.INTERACTIVE, "rank_queries", f"rank-{uuid.uuid4().hex}", list(detection_ids), scope.key())

    def retry_failed(self) -> None:
        """Look again at every media whose analysis failed."""
        self._enqueue(Queue.BULK, "retry_failed", f"retry-{uuid.uuid4().hex}")

    def _enqueue(self, queue: Queue, workflow: str, workflow_id: str, *args: Any) -> bool:
        client = self._connect()
        if client is None:
            return False
        client.enqueue(
            {
                "queue_name": queue,
                "workflow_name": workflow,
                "workflow_id": workflow_id,
                "app_version": APP_VERSION,
            },
            *args,
        )
        return True

    def _connect(self) -> DBOSClient | None:
        """The queue's client, or None while no worker has made the queue's database yet."""
        if self._client is None and _has_queue(self._url):
            self._client = DBOSClient(system_database_url=self._url)
        return self._client

    def close(self) -> None:
        """Give back the connections."""
        if self._client is not None:
            self._client.destroy()


def import_workflow_id(import_id: int, attempt: int) -> str:
    """The workflow of one attempt at an import; asking twice for the same attempt starts one workflow."""
    return f"import-{import_id}-{attempt}"


def _has_queue(url: str) -> bool:
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return False
    engine = sa.create_engine(url)
    try:
        return any("workflow_status" in sa.inspect(engine).get_table_names(schema) for schema in (None, "dbos"))
    except SQLAlchemyError:
        return False
    finally:
        engine.dispose()
