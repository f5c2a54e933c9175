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

from app.settings import Backend, Settings
from app.survey.database import Survey
from app.survey.individuals.rankings import Scope
from app.survey.media import imports
from app.survey.tables.media import ImportBatch, ListedFile, Media, Stage
from modal_backend.errors import QueueFull

APP_VERSION = "1"
FINISH = "finish-"
DESCRIBED_AT_ONCE = 24


class Queue(StrEnum):
    """Interactive work never waits behind bulk work: each has a queue of its own, here and on Modal.

    Jobs on the queues of Modal are asynchronous: waiting for an answer holds no thread.
    """

    INTERACTIVE = "interactive"
    BULK = "bulk"
    MODAL_INTERACTIVE = "modal-interactive"
    MODAL_BULK = "modal-bulk"
    MODAL_IMPORTS = "modal-imports"
    VIDEO_QUESTIONS = "video-questions"
    NOTES = "notes"


class Jobs:
    """Puts jobs into the queue. May be shared between threads."""

    def __init__(self, survey: Survey, settings: Settings) -> None:
        self.survey = survey
        self._url = settings.jobs_url
        self._remote = settings.active_backend is Backend.MODAL
        self._most_waiting = settings.modal_queue_max_size
        self._client: DBOSClient | None = None
        self._engine: sa.Engine | None = None
        self._schema = None if self._url.startswith("sqlite") else "dbos"

    def ready(self) -> bool:
        """Whether there is a queue to put work into; the first worker makes it. Imports wait for it by themselves."""
        return self._connect() is not None

    def run_import(self, import_id: int) -> None:
        """Take in, detect and describe everything an import lists."""
        with self.survey.read() as session:
            attempt = session.get_one(ImportBatch, import_id).attempt
        self._enqueue(Queue.BULK, "import_media", import_workflow_id(import_id, attempt), import_id)

    def describe(self, detection_ids: Sequence[int], *, bulk: bool = False) -> None:
        """Cut and describe crops of boxes a person drew, moved or opened below the threshold. Raises QueueFull.

        bulk: part of many, which must not hold up a single box somebody waits for.
        """
        if self._remote:
            queue, name = (Queue.MODAL_BULK if bulk else Queue.MODAL_INTERACTIVE), "describe_remotely"
        else:
            queue, name = (Queue.BULK if bulk else Queue.INTERACTIVE), "describe_boxes"
        self._refuse_when_full()
        self._enqueue(queue, name, f"describe-{uuid.uuid4().hex}", list(detection_ids))

    def describe_in_groups(self, detection_ids: Sequence[int]) -> None:
        """Describe these crops a few at a time, so that a worker never holds many pictures. Raises QueueFull.

        More than one group counts as bulk work.
        """
        for start in range(0, len(detection_ids), DESCRIBED_AT_ONCE):
            group = detection_ids[start : start + DESCRIBED_AT_ONCE]
            self.describe(group, bulk=len(detection_ids) > DESCRIBED_AT_ONCE)

    def rank(self, detection_ids: Sequence[int], scope: Scope, *, bulk: bool = False) -> None:
        """Rank candidates for these queries; the answers appear as rankings in the survey. Raises QueueFull.

        bulk: nobody waits for them.
        """
        if self._remote:
            queue, name = (Queue.MODAL_BULK if bulk else Queue.MODAL_INTERACTIVE), "rank_remotely"
        else:
            queue, name = (Queue.BULK if bulk else Queue.INTERACTIVE), "rank_queries"
        self._refuse_when_full()
        self._enqueue(queue, name, f"rank-{uuid.uuid4().hex}", list(detection_ids), scope.key())

    def describe_again(self, workflow_id: str) -> None:
        """Describe a slice of the crops that lack what a model in use makes of them."""
        queue, name = (
            (Queue.MODAL_IMPORTS, "describe_again_remotely") if self._remote else (Queue.BULK, "describe_again")
        )
        self._enqueue(queue, name, workflow_id)

    def ask_about_video(self, answer_id: int) -> None:
        """Ask a video language model the question in this row; asking twice starts one job. Raises QueueFull."""
        self._refuse_when_full()
        self._enqueue(Queue.VIDEO_QUESTIONS, "ask_about_video", video_workflow_id(answer_id), answer_id)

    def summarise_again(self, run_id: int) -> None:
        """Summarise a clip again as this row of its runs says; asking twice starts one job."""
        remote = (Queue.MODAL_IMPORTS, "summarise_again_remotely")
        queue, name = remote if self._remote else (Queue.BULK, "summarise_again")
        self._enqueue(queue, name, clip_run_workflow_id(run_id), run_id)

    def compare(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Compute the evidence of these pairs of crops; it appears in the survey pair by pair. Raises QueueFull."""
        self._refuse_when_full()
        self._enqueue(Queue.INTERACTIVE, "compare_pairs", f"compare-{uuid.uuid4().hex}", [list(pair) for pair in pairs])

    def read_crops(self, detection_ids: Sequence[int], measure: Sequence[int] = ()) -> None:
        """Find the animal in these crops, and measure the quality of others. Raises QueueFull."""
        self._refuse_when_full()
        name = f"read-{uuid.uuid4().hex}"
        self._enqueue(Queue.INTERACTIVE, "read_crops", name, list(detection_ids), list(measure))

    def run_notes(self, run_id: int, attempt: int) -> None:
        """Run the keyword graph as this row of the survey says."""
        self._enqueue(Queue.NOTES, "analyse_notes", notes_workflow_id(run_id, attempt), run_id)

    def retry_failed(self) -> None:
        """Look again at every media whose analysis failed."""
        self._enqueue(Queue.BULK, "retry_failed", f"retry-{uuid.uuid4().hex}")

    def cancel_import(self, import_id: int) -> None:
        """Stop an import and the calls it has under way on Modal; what is finished stays, what is not has failed."""
        told = "The import was cancelled."
        with self.survey.write() as session:
            attempt = session.get_one(ImportBatch, import_id).attempt
            imports.finish(session, import_id, error=told)
            mine = sa.select(ListedFile.media_id).where(ListedFile.import_id == import_id)
            unfinished = sa.and_(Media.id.in_(mine), Media.stage.in_([Stage.STORED, Stage.DETECTED]))
            session.execute(sa.update(Media).where(unfinished).values(stage=Stage.FAILED, failure=told))
        client = self._connect()
        if client is not None:
            client.cancel_workflow(import_workflow_id(import_id, attempt), cancel_children=True)
            if self._remote:
                give_up = f"give-up-{import_workflow_id(import_id, attempt)}"
                self._enqueue(Queue.MODAL_INTERACTIVE, "give_up_calls", give_up, import_id, attempt)

    def waiting(self) -> int:
        """Jobs in the queue that nobody has begun."""
        client = self._connect()
        if client is None:
            return 0
        if self._engine is None:
            self._engine = sa.create_engine(self._url)
        table = sa.table("workflow_status", sa.column("status"), schema=self._schema)
        with self._engine.connect() as connection:
            query = sa.select(sa.func.count()).select_from(table).where(table.c.status.in_(["ENQUEUED", "DELAYED"]))
            return connection.scalar(query) or 0

    def _refuse_when_full(self) -> None:
        waiting = self.waiting()
        if waiting >= self._most_waiting:
            raise QueueFull(
                f"{waiting} jobs wait already, as many as MODAL_QUEUE_MAX_SIZE allows.",
                remedy="Wait until some are done, or raise MODAL_QUEUE_MAX_SIZE.",
            )

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
        if self._engine is not None:
            self._engine.dispose()


def import_workflow_id(import_id: int, attempt: int) -> str:
    """The workflow of one attempt at an import; asking twice for the same attempt starts one workflow."""
    return f"import-{import_id}-{attempt}"


def clip_run_workflow_id(run_id: int) -> str:
    """The workflow of one run over a clip."""
    return f"clip-run-{run_id}"


def notes_workflow_id(run_id: int, attempt: int) -> str:
    """The workflow of one attempt at a run over field notes."""
    return f"notes-{run_id}-{attempt}"


def finish_workflow_id(import_id: int, attempt: int) -> str:
    """The workflow that waits for the windows of this attempt on Modal."""
    return FINISH + import_workflow_id(import_id, attempt)


def video_workflow_id(answer_id: int) -> str:
    """The workflow of one question about a clip."""
    return f"ask-{answer_id}"


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
