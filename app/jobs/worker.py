"""The worker: runs the jobs as durable workflows (DBOS) and keeps the queue in step with the survey.

What has been computed is decided by the rows of the survey: every workflow may be run again from its start and then
does only what is missing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig
from dbos._dbos import _get_dbos_instance

from app.analysis.backends import open_backend
from app.analysis.budget import Budget
from app.analysis.context import Context, Waiting, open_context
from app.analysis.model_choice import Chooser, usual_profile
from app.jobs import evidence, rank  # noqa: F401 (workflows of this worker)
from app.jobs.current import Current, set_current
from app.jobs.polling import look_cheaply
from app.jobs.presence import HEARTBEAT_SECONDS, Presence
from app.jobs.queues import OF_FOLDER, Queue, queue_name
from app.jobs.upkeep import Upkeep
from app.matching.gallery import Gallery
from app.settings import Settings
from app.storage.shared import patience
from app.survey import team
from app.survey.database import Survey, is_away, prepare_queue
from app.survey.detections import rapid_profile
from modal_backend.errors import BackendError

log = logging.getLogger("pugmark.worker")
# A look at a queue in which something waits takes 2 to 3 ms of a core: only where somebody waits is it made ten times
# a second.
POLL_SECONDS = 0.1
EVIDENCE_AT_ONCE = 2
QUESTIONS_AT_ONCE = 4
IMPORTS_AT_ONCE = 4
EXPORTS_AT_ONCE = 2
TRIALS_AT_ONCE = 2  # one that looks, and what was decided about it
# A job whose result is there has its last step written down before the queue closes.
LAST_STEPS_SECONDS = 2


def run_worker(survey: Survey, settings: Settings, stop: threading.Event, until: Callable[[], bool]) -> None:
    """Work until `stop` is set or `until()` is true. Raises what keeps the queue from opening."""
    prepare_queue(settings.jobs_url)
    team.require_same_media(survey, settings)
    presence = Presence(survey)
    backend = open_backend(settings)
    choose = Chooser(settings, backend.runnable, survey)
    with (
        open_context(survey, presence.executor_id, backend, choose, _waiting(settings)) as context,
        patience(survey.data_dir),
    ):
        if backend.elsewhere and settings.modal_budget is not None:
            context.budget = Budget(survey, settings.modal_budget)
        now = Current(context, Gallery(survey), settings)
        set_current(now)
        with survey.write() as session:
            rapid_profile.settle(session, settings.local_features, usual=usual_profile(settings))
        _open_queue(settings, context)
        upkeep = Upkeep(now, presence)
        threading.Thread(target=_warm_up, args=(now,), name="warm-up", daemon=True).start()
        try:
            last = 0.0
            while not stop.is_set() and not until():
                if time.monotonic() - last > HEARTBEAT_SECONDS:
                    _keep_up(upkeep)
                    last = time.monotonic()
                stop.wait(0.2)
        finally:
            presence.leave()
            upkeep.close()
            # What is broken off from here on goes on with the next worker: no news for a person.
            logging.getLogger("dbos").setLevel(logging.CRITICAL)
            DBOS.destroy(workflow_completion_timeout_sec=0 if stop.is_set() else LAST_STEPS_SECONDS)


def _keep_up(upkeep: Upkeep) -> None:
    """One round of upkeep; a database that is away, as in a restart, is asked again in the next."""
    try:
        upkeep.run()
    except sa.exc.DBAPIError as error:
        if not is_away(error):
            raise
        log.warning("The database does not answer; the next look is in %.0f s: %s", HEARTBEAT_SECONDS, error.orig)


def _open_queue(settings: Settings, context: Context) -> None:
    config: DBOSConfig = {
        "name": "pugmark",
        "system_database_url": settings.jobs_url,
        "executor_id": context.executor_id,
        "log_level": "WARNING",
        "enable_otlp": False,
    }
    DBOS(config=config)
    if settings.media_url:  # those of another data folder are for the workers there
        DBOS.listen_queues([*Queue, *(queue_name(queue, settings) for queue in OF_FOLDER)])
    DBOS.launch()
    # Jobs are put into the queue without a version; the worker that started last does them, also an older one.
    DBOS.set_latest_application_version(DBOS.application_version)
    in_flight = context.backend.in_flight
    for queue, at_once, seconds in (
        (Queue.INTERACTIVE, max(2, in_flight), POLL_SECONDS),
        (Queue.MATCHES, max(2, in_flight), POLL_SECONDS * 3),
        (Queue.EVIDENCE, EVIDENCE_AT_ONCE, POLL_SECONDS * 2),
        (Queue.BATCHES, in_flight, POLL_SECONDS),
        (Queue.IMPORTS, IMPORTS_AT_ONCE, POLL_SECONDS * 5),
        (Queue.VIDEO_QUESTIONS, QUESTIONS_AT_ONCE, POLL_SECONDS * 10),
        (Queue.NOTES, 1, POLL_SECONDS * 10),
        (Queue.EXPORTS, EXPORTS_AT_ONCE, POLL_SECONDS * 10),
        (Queue.TRIALS, TRIALS_AT_ONCE, POLL_SECONDS * 20),
    ):
        DBOS.register_queue(
            queue_name(queue, settings),
            worker_concurrency=at_once,
            polling_interval_sec=seconds,
            on_conflict="always_update",
        )
    look_cheaply(_get_dbos_instance()._sys_db)


def _waiting(settings: Settings) -> Waiting:
    return Waiting(
        settings.modal_fallback_to_queue,
        settings.modal_retry_delay,
        settings.modal_stall_seconds,
        settings.modal_app_name,
    )


def _warm_up(now: Current) -> None:
    """Bring the models in use and the gallery into memory before somebody waits for them."""
    try:
        choice = now.context.choose()
        here = () if now.context.backend.elsewhere else (choice.detector, *choice.describing)
        for model in here:
            now.context.backend.load(model)
        now.gallery.warm_up()
    except (BackendError, OSError, sa.exc.SQLAlchemyError) as error:
        log.warning("The worker could not be warmed up: %s", error)
