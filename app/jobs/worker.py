"""The worker: runs the jobs as durable workflows (DBOS) and takes over what a stopped worker left.

What has been computed is decided by the rows of the survey: every workflow may be run again from its start and then
does only what is missing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, SetWorkflowID, WorkflowStatus
from sqlalchemy.orm import Session

from app.analysis import evidence, pictures
from app.analysis import videos as clips
from app.analysis.backends import open_backend
from app.analysis.context import open_workshop
from app.analysis.model_choice import Chooser, usual_profile
from app.ingest.intake import source_files
from app.ingest.store import StoreError
from app.jobs import describe, import_end, video_questions, videos
from app.jobs.current import Bench, set_up
from app.jobs.imports import hand_out, hand_out_failed
from app.jobs.notes import put_forgotten_runs
from app.jobs.presence import HEARTBEAT_SECONDS, Presence
from app.jobs.queue import APP_VERSION, Jobs, Queue, finish_workflow_id, import_workflow_id
from app.jobs.remote_cancel import give_up_calls  # noqa: F401 (a workflow of this worker)
from app.matching import calibrate
from app.matching.gallery import Gallery, NotDescribed
from app.sample.demo_survey import draw_sample
from app.settings import Backend, Settings
from app.survey.calls.ledger import abandon
from app.survey.database import Survey
from app.survey.detections import rapid_profile
from app.survey.individuals import calibrations
from app.survey.individuals.rankings import Scope
from app.survey.media import imports
from app.survey.tables.media import ImportBatch, ImportState
from modal_backend.errors import BackendError

log = logging.getLogger("pugmark.worker")
POLL_SECONDS = 0.1
INTERACTIVE_AT_ONCE = 2
QUESTIONS_AT_ONCE = 4


@DBOS.workflow(name="import_media")
def import_media(import_id: int) -> str:
    """Take in, detect, describe and group everything an import lists."""
    try:
        draw_if_synthetic(import_id)
        count_files(import_id)
        if runs_remotely():
            hand_out(import_id)
            return "handed out"
        take_in_files(import_id)
        summarise_clips(import_id)
        group_events(import_id)
    except (BackendError, StoreError, OSError) as error:
        remedy = getattr(error, "remedy", "")
        return finish_import(import_id, f"{error} {remedy}".strip())
    return finish_import(import_id, None)


@DBOS.step()
def runs_remotely() -> bool:
    """Whether the models of this import run on Modal."""
    return Bench.shop.backend.name == "modal"


@DBOS.step()
def draw_if_synthetic(import_id: int) -> None:
    """Draw the sample survey when this import is of it."""
    with Bench.shop.survey.write() as session:
        synthetic = imports.begin(session, import_id).synthetic
    if synthetic:
        draw_sample(Bench.shop.survey.data_dir)


@DBOS.step()
def count_files(import_id: int) -> int:
    """Write down how many files the import lists, for the progress."""
    with Bench.shop.survey.write() as session:
        root = Path(imports.begin(session, import_id).root)
    total = sum(1 for _ in source_files(root, limits=Bench.shop.limits))
    with Bench.shop.survey.write() as session:
        session.get_one(ImportBatch, import_id).listed = total
        session.flush()
        _settle_profile(session, Bench.settings, importing=True)
    return total


@DBOS.step()
def take_in_files(import_id: int) -> None:
    """Bring every file to its end; files that are settled already are passed over."""
    with Bench.shop.survey.read() as session:
        root = Path(session.get_one(ImportBatch, import_id).root)
    pictures.take_in_all(Bench.shop, import_id, source_files(root, limits=Bench.shop.limits))
    pictures.describe_pending(Bench.shop)


@DBOS.step()
def summarise_clips(import_id: int) -> None:
    """Summarise the clips of the import; those that are summarised already are passed over."""
    clips.summarise_pending(Bench.shop, import_id)


@DBOS.step()
def group_events(import_id: int) -> None:
    """Assign the media of the import's deployments to events."""
    import_end.group(import_id)


@DBOS.step()
def finish_import(import_id: int, error: str | None) -> str:
    """Mark the import as done or failed."""
    return import_end.close(import_id, error)


@DBOS.workflow(name="describe_boxes")
def describe_boxes(detection_ids: list[int]) -> None:
    """Describe the crops of these boxes as they stand now."""
    pictures.describe_boxes(Bench.shop, detection_ids)


@DBOS.workflow(name="describe_again")
def describe_again() -> int:
    """Describe a slice of the crops that lack what a model in use makes of them."""
    done = describe.describe_slice(Bench.shop)
    Bench.gallery.warm_up()
    return done


@DBOS.workflow(name="describe_finer")
def describe_finer() -> int:
    """What a queue of an earlier version of this program may still hold."""
    return describe.describe_slice(Bench.shop)


@DBOS.workflow(name="retry_failed")
def retry_failed() -> None:
    """Detect and describe again where it failed."""
    if runs_remotely():
        hand_out_failed()
    else:
        pictures.retry_failed(Bench.shop)
    clips.retry_failed(Bench.shop)


@DBOS.workflow(name="rank_queries")
def rank_queries(detection_ids: list[int], scope_key: str) -> None:
    """Rank candidates for these queries; crops without features are described first."""
    scope = Scope.from_key(scope_key)
    for detection_id in detection_ids:
        try:
            Bench.gallery.rank(detection_id, scope)
        except NotDescribed:
            pictures.describe_boxes(Bench.shop, [detection_id])
            Bench.gallery.rank(detection_id, scope)


@DBOS.workflow(name="compare_pairs")
def compare_pairs(pairs: list[list[int]]) -> None:
    """Compute and keep the evidence of these pairs of crops."""
    evidence.compare_pairs(Bench.shop, pairs)


@DBOS.workflow(name="read_crops")
def read_crops(detection_ids: list[int], measure: list[int]) -> None:
    """Find the animal in these crops, and measure the quality of others."""
    evidence.measure_crops(Bench.shop, measure)
    evidence.read_crops(Bench.shop, detection_ids)


@DBOS.workflow(name="calibrate")
def calibrate_models() -> None:
    """Fit what the models' scores mean to the decisions made so far."""
    calibrate.calibrate(Bench.shop.survey)


def run_worker(survey: Survey, settings: Settings, stop: threading.Event, until: Callable[[], bool]) -> None:
    """Work until `stop` is set or `until()` is true. Raises what keeps the queue from opening."""
    presence = Presence(survey)
    backend = open_backend(settings)
    with open_workshop(survey, presence.executor_id, backend, Chooser(settings, backend.runnable, survey)) as shop:
        set_up(shop, Gallery(survey), settings)
        with survey.write() as session:
            _settle_profile(session, settings)
        lookout = describe.Lookout(shop)
        _open_queue(settings, presence.executor_id)
        threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()
        try:
            last_beat = 0.0
            while not stop.is_set() and not until():
                if time.monotonic() - last_beat > HEARTBEAT_SECONDS:
                    presence.beat()
                    _take_over(survey, presence)
                    _put_forgotten(survey, settings)
                    _put_descriptions(survey, settings, lookout)
                    video_questions.put_forgotten(survey, settings)
                    videos.put_forgotten(survey, settings)
                    put_forgotten_runs(survey, settings)
                    _put_calibration(survey)
                    last_beat = time.monotonic()
                stop.wait(0.2)
        finally:
            presence.leave()
            DBOS.destroy()


def _open_queue(settings: Settings, executor_id: str) -> None:
    config: DBOSConfig = {
        "name": "pugmark",
        "system_database_url": settings.jobs_url,
        "executor_id": executor_id,
        "application_version": APP_VERSION,
        "log_level": "WARNING",
        "enable_otlp": False,
    }
    DBOS(config=config)
    DBOS.launch()
    DBOS.register_queue(Queue.INTERACTIVE, worker_concurrency=INTERACTIVE_AT_ONCE, polling_interval_sec=POLL_SECONDS)
    DBOS.register_queue(Queue.BULK, worker_concurrency=1, polling_interval_sec=POLL_SECONDS * 5)
    DBOS.register_queue(
        Queue.VIDEO_QUESTIONS, worker_concurrency=QUESTIONS_AT_ONCE, polling_interval_sec=POLL_SECONDS * 5
    )
    DBOS.register_queue(Queue.NOTES, worker_concurrency=1, polling_interval_sec=POLL_SECONDS * 5)
    # What was put there for Modal is done on the embedded backend when that is what the settings say now.
    often = 2 if settings.active_backend is Backend.MODAL else 20
    for queue in (Queue.MODAL_INTERACTIVE, Queue.MODAL_BULK, Queue.MODAL_IMPORTS):
        DBOS.register_queue(
            queue, worker_concurrency=settings.modal_max_in_flight, polling_interval_sec=POLL_SECONDS * often
        )


def _take_over(survey: Survey, presence: Presence) -> None:
    gone = presence.gone()
    if gone:
        log.warning("Taking over the work of %s", ", ".join(gone))
        abandon(survey, gone)
        DBOS._recover_pending_workflows(gone)


def _put_forgotten(survey: Survey, settings: Settings) -> None:
    """Put imports into the queue that it does not know; close those whose workflow ended without saying so."""
    open_states = [ImportState.QUEUED, ImportState.RUNNING]
    with survey.read() as session:
        batches = list(session.scalars(sa.select(ImportBatch).where(ImportBatch.state.in_(open_states))))
    for batch in batches:
        status = _latest_status(batch)
        if status is not None and status.status in ("ENQUEUED", "PENDING", "DELAYED"):
            continue
        if status is not None:
            with survey.write() as session:
                imports.finish(session, batch.id, error=f"The import broke off: {status.error or status.status}")
            continue
        jobs = Jobs(survey, settings)
        jobs.run_import(batch.id)
        jobs.close()


def _settle_profile(session: Session, settings: Settings, *, importing: bool = False) -> None:
    rapid_profile.settle(session, settings.local_features, usual=usual_profile(settings), importing=importing)


def _put_descriptions(survey: Survey, settings: Settings, lookout: describe.Lookout) -> None:
    """Put the job into the queue that describes the next crops that lack something, once for each state."""
    try:
        workflow_id = lookout.due()
    except BackendError as error:
        log.warning("Which crops wait to be described cannot be told: %s", error)
        return
    if workflow_id is not None and DBOS.get_workflow_status(workflow_id) is None:
        jobs = Jobs(survey, settings)
        jobs.describe_again(workflow_id)
        jobs.close()


def _put_calibration(survey: Survey) -> None:
    """Put the job into the queue that fits the calibrations again, once for each number of decided queries."""
    with survey.read() as session:
        if not calibrate.is_due(session):
            return
        workflow_id = f"calibrate-{calibrate.fusion(session)}-{calibrations.last_decision(session)}"
    if DBOS.get_workflow_status(workflow_id) is None:
        with SetWorkflowID(workflow_id):
            DBOS.enqueue_workflow(Queue.INTERACTIVE, calibrate_models)


def _warm_up() -> None:
    """Bring the gallery into memory before the first query."""
    try:
        Bench.gallery.warm_up()
    except (OSError, sa.exc.SQLAlchemyError) as error:
        log.warning("The gallery could not be warmed up: %s", error)


def _latest_status(batch: ImportBatch) -> WorkflowStatus | None:
    """Of the workflow that waits for Modal where there is one, else of the import's own."""
    finishing = DBOS.get_workflow_status(finish_workflow_id(batch.id, batch.attempt))
    return finishing or DBOS.get_workflow_status(import_workflow_id(batch.id, batch.attempt))
