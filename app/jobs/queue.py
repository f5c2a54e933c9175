"""Ask for work: the dashboard and the command line only put jobs into the queue, a worker does them.

The row in the survey comes first and says what is wanted; a job that never reached the queue (the queue's database was
not there yet, the process died in between) is put there by the next worker that looks.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dbos import DBOSClient
from dbos._migration import get_migration_versions, get_sqlite_migration_versions
from sqlalchemy.exc import SQLAlchemyError

from app.jobs.order import Order
from app.jobs.queues import QUEUE_OF, Queue, queue_name
from app.settings import Settings
from app.survey.database import Survey
from app.survey.individuals.rankings import Scope
from app.survey.media import imports
from app.survey.roles import Role
from app.survey.tables.media import ImportBatch
from app.survey.tables.results import ResultsFile
from modal_backend.errors import QueueFull

UNDER_WAY = ("ENQUEUED", "DELAYED", "PENDING")
DESCRIBED_AT_ONCE = 24
# Looking takes at most a fiftieth of the time, also while an import changes the survey all the time.
REST = 50
# What a page has computed for somebody who only looks.
LOOKING = ("rank_queries", "match_queries", "compare_pairs", "compare_matched", "read_crops")
# What is written beside a job that nobody looks at any more.
LEFT = "left"


@dataclass(frozen=True, slots=True)
class Due:
    """A job that rows of the survey ask for. workflow_id: always the same for the same work."""

    workflow_id: str
    args: tuple[Any, ...]


class Rest:
    """Lets a look wait for REST times as long as the last one took."""

    def __init__(self) -> None:
        self.until = 0.0

    def over(self) -> bool:
        """Whether it is time for the next look."""
        return time.monotonic() >= self.until

    @contextmanager
    def after(self) -> Iterator[None]:
        """Times the look inside."""
        start = time.monotonic()
        yield
        self.until = time.monotonic() + REST * (time.monotonic() - start)


class Jobs:
    """Puts jobs into the queue. May be shared between threads."""

    def __init__(self, survey: Survey, settings: Settings) -> None:
        self.survey = survey
        self._url = settings.jobs_url
        self._settings = settings
        self._most_waiting = settings.modal_queue_max_size
        self._client: DBOSClient | None = None
        self._order: Order | None = None

    def ready(self) -> bool:
        """Whether there is a queue to put work into; the first worker makes it. Imports wait for it by themselves."""
        return self._connect() is not None

    def run_import(self, import_id: int) -> None:
        """Take in, detect and describe everything an import lists."""
        with self.survey.read() as session:
            attempt = session.get_one(ImportBatch, import_id).attempt
        self.put("import_media", import_workflow_id(import_id, attempt), import_id)

    def describe(self, detection_ids: Sequence[int], *, bulk: bool = False) -> None:
        """Cut and describe crops of boxes a person drew, moved or opened below the threshold. Raises QueueFull.

        bulk: part of many, which must not hold up a single box somebody waits for.
        """
        self._refuse_when_full()
        self.put("describe_boxes", f"describe-{uuid.uuid4().hex}", list(detection_ids), bulk=bulk)

    def describe_in_groups(self, detection_ids: Sequence[int]) -> None:
        """Describe these crops a few at a time, so that a worker never holds many pictures. Raises QueueFull.

        More than one group counts as bulk work.
        """
        for start in range(0, len(detection_ids), DESCRIBED_AT_ONCE):
            group = detection_ids[start : start + DESCRIBED_AT_ONCE]
            self.describe(group, bulk=len(detection_ids) > DESCRIBED_AT_ONCE)

    def rank(
        self, ids: Sequence[int], scope: Scope, *, bulk: bool = False, at_once: bool = True, hurried: bool = False
    ) -> str:
        """Rank candidates for these queries, the one on the screen first; the answers appear as rankings in the survey.

        bulk: nobody waits for them, nor for the matcher, which looks at them while no import is open. at_once: it
        begins without a pause while one is. hurried: the person turns from crop to crop, so it pauses in any case.
        Returns the job, which may be left. Raises QueueFull.
        """
        self._refuse_when_full()
        job = f"rank-{uuid.uuid4().hex}"
        self.put("rank_queries", job, list(ids), scope.key(), bulk, at_once, hurried, bulk=bulk)
        return job

    def leave(self, job: str) -> None:
        """Say that the person who had these queries ranked looks at others now: the matcher stops at them."""
        client = self._connect()
        if client is not None:
            client.update_workflow_attributes(job, {LEFT: True})

    def ask_about_video(self, answer_id: int) -> None:
        """Ask a video language model the question in this row; asking twice starts one job. Raises QueueFull."""
        self._refuse_when_full()
        self.put("ask_about_video", video_workflow_id(answer_id), answer_id)

    def summarise_again(self, run_id: int) -> None:
        """Summarise a video again as this row of its runs says; asking twice starts one job."""
        self.put("summarise_again", video_run_workflow_id(run_id), run_id)

    def compare(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Compute the evidence of these pairs of crops; it appears in the survey pair by pair. Raises QueueFull."""
        self._refuse_when_full()
        self.put("compare_pairs", f"compare-{uuid.uuid4().hex}", [list(pair) for pair in pairs])

    def compare_matched(self, query_id: int, candidate_ids: Sequence[int]) -> None:
        """Add the matcher's evidence to that of a query and candidates that it has matched. Raises QueueFull."""
        self._refuse_when_full()
        self.put("compare_matched", f"compare-{uuid.uuid4().hex}", query_id, list(candidate_ids))

    def read_crops(self, detection_ids: Sequence[int], measure: Sequence[int] = ()) -> None:
        """Find the animal in these crops, and measure the quality of others. Raises QueueFull."""
        self._refuse_when_full()
        self.put("read_crops", f"read-{uuid.uuid4().hex}", list(detection_ids), list(measure))

    def run_notes(self, run_id: int, attempt: int) -> None:
        """Run the keyword graph as this row of the survey says."""
        self.put("analyse_notes", notes_workflow_id(run_id, attempt), run_id)

    def bring_in_results(self, results_id: int) -> None:
        """Do what a file of results asks for: read it, store its boxes, or look again where they no longer count."""
        with self.survey.read() as session:
            attempt = session.get_one(ResultsFile, results_id).attempt
        self.put("bring_in_results", results_workflow_id(results_id, attempt), results_id)

    def write_export(self, export_id: int) -> None:
        """Write a file as its row says; asking twice starts one job."""
        self.put("write_export", export_workflow_id(export_id), export_id)

    def retry_failed(self) -> None:
        """Look again at every media whose analysis failed."""
        self.put("retry_failed", f"retry-{uuid.uuid4().hex}")

    def look_closer(self, media_id: int) -> None:
        """Look closer at one image for small and far animals. Raises QueueFull."""
        self._refuse_when_full()
        self.put("look_closer", f"closer-{uuid.uuid4().hex}", media_id)

    def cancel_import(self, import_id: int) -> None:
        """Stop an import and the calls it has under way; what is finished stays, what is not has failed."""
        reason = "The import was cancelled."
        with self.survey.write() as session:
            attempt = session.get_one(ImportBatch, import_id).attempt
            imports.finish(session, import_id, error=reason)
            imports.give_up(session, import_id, reason)
        client = self._connect()
        if client is not None:
            client.cancel_workflow(import_workflow_id(import_id, attempt), cancel_children=True)
            self.put("give_up_calls", f"give-up-{import_workflow_id(import_id, attempt)}", import_id, attempt)

    def waiting(self) -> int:
        """Jobs in the queue that nobody has begun."""
        order = self.order()
        return 0 if order is None else order.count()

    def order(self) -> Order | None:
        """What waits, in its order; None while there is no queue."""
        if self._connect() is None:
            return None
        if self._order is None:
            self._order = Order(self._url)
        return self._order

    def _refuse_when_full(self) -> None:
        waiting = self.waiting()
        if waiting >= self._most_waiting:
            raise QueueFull(
                f"{waiting} jobs wait already, as many as MODAL_QUEUE_MAX_SIZE allows.",
                remedy="Wait until some are done, or raise MODAL_QUEUE_MAX_SIZE.",
            )

    def put(self, workflow: str, workflow_id: str, *args: Any, bulk: bool = False) -> bool:
        """Put a job into its queue; a job with this id is put there once. False while there is no queue.

        bulk: nobody waits for it.
        """
        if workflow not in LOOKING:
            self.survey.require(Role.REVIEWER)
        client = self._connect()
        if client is None:
            return False
        queue = queue_name(Queue.BATCHES if bulk else QUEUE_OF[workflow], self._settings)
        client.enqueue({"queue_name": queue, "workflow_name": workflow, "workflow_id": workflow_id}, *args)
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
        if self._order is not None:
            self._order.close()


def import_workflow_id(import_id: int, attempt: int) -> str:
    """The workflow of one attempt at an import; asking twice for the same attempt starts one workflow."""
    return f"import-{import_id}-{attempt}"


def results_workflow_id(results_id: int, attempt: int) -> str:
    """The workflow of one attempt at a file of results."""
    return f"results-{results_id}-{attempt}"


def export_workflow_id(export_id: int) -> str:
    """The workflow of one export."""
    return f"export-{export_id}"


def video_run_workflow_id(run_id: int) -> str:
    """The workflow of one run over a video."""
    return f"clip-run-{run_id}"


def notes_workflow_id(run_id: int, attempt: int) -> str:
    """The workflow of one attempt at a run over field notes."""
    return f"notes-{run_id}-{attempt}"


def video_workflow_id(answer_id: int) -> str:
    """The workflow of one question about a video."""
    return f"ask-{answer_id}"


def _has_queue(url: str) -> bool:
    """Whether a worker has made the queue's database, all of it."""
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return False
    engine = sa.create_engine(url)
    try:
        here, wanted = (
            get_sqlite_migration_versions(engine)
            if engine.dialect.name == "sqlite"
            else get_migration_versions(engine, "dbos", use_listen_notify=True)
        )
        return here >= wanted
    except SQLAlchemyError:
        return False
    finally:
        engine.dispose()
