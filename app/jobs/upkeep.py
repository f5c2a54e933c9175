"""Keeps the queue in step with the survey: whose rows say what is to be done, and the queue only who does it.

What the queue does not know is put there; what broke off is closed; what a stopped worker or an older version of this
program left goes on.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dbos import DBOS, WorkflowStatus
from sqlalchemy.orm import Session

from app.jobs import (
    calibrate,
    describe,
    exports,
    hints,
    imports,
    looks,
    notes,
    rank,
    results,
    stamps,
    trials,
    video_questions,
    videos,
)
from app.jobs.alerts import Alerts
from app.jobs.current import Current
from app.jobs.presence import Presence
from app.jobs.queue import UNDER_WAY, Due, Jobs
from app.survey.calls import ledger
from app.survey.database import Survey
from app.survey.media import claims
from modal_backend.errors import BackendError, QueueFull

log = logging.getLogger("pugmark.worker")
# Jobs that no row of the survey asks for: put anew with the same input.
WITHOUT_ROWS = (
    "describe_boxes",
    "look_closer",
    "rank_queries",
    "match_queries",
    "compare_pairs",
    "compare_matched",
    "read_crops",
    "retry_failed",
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind of job that rows of the survey ask for.

    workflow: its registered name. due: the jobs that the rows ask for now. broke_off: closes the row of a job, given by
    its first argument, that ended without doing so; None for a job that is done once for each state of the survey.
    """

    workflow: str
    due: Callable[[Session], list[Due]]
    broke_off: Callable[[Session, Any, str], None] | None = None


class Upkeep:
    """The upkeep of one worker; `run` it regularly."""

    def __init__(self, now: Current, presence: Presence) -> None:
        survey: Survey = now.context.survey
        self._survey, self._presence = survey, presence
        self._jobs = Jobs(survey, now.settings)
        self._alerts = Alerts(survey, presence, now.settings)
        self._gone: list[str] = []  # workers; kept until their work is taken over: the database may be away meanwhile
        lookout, ahead = describe.Lookout(now.context), rank.Ahead(now)
        self._kept = (
            Kept("import_media", imports.due, imports.broke_off),
            Kept("bring_in_results", results.due, results.broke_off),
            Kept("describe_again", lambda _session: lookout.due()),
            Kept("rank_ahead", lambda _session: ahead.due()),
            Kept("ask_about_video", video_questions.due, video_questions.broke_off),
            Kept("summarise_again", videos.due, videos.broke_off),
            Kept("analyse_notes", notes.due, notes.broke_off),
            Kept("write_export", exports.due, exports.broke_off),
            Kept("sweep_exports", exports.outdated),
            Kept("calibrate", calibrate.due),
            Kept("look_at_thumbs", looks.due),
            Kept("hint_species", hints.due),
            Kept("read_stamps", stamps.Lookout().due),
            Kept("turn_trial", trials.turning, trials.turning_broke_off),
            Kept("remove_trial", trials.removing, trials.removing_broke_off),
            Kept("try_model", trials.Lookout().due, trials.broke_off),
        )
        self._take_over_older()

    def run(self) -> None:
        """One round."""
        self._presence.beat()
        self._gone += self._presence.gone()
        if self._gone:
            log.warning("Taking over the work of %s", ", ".join(self._gone))
            ledger.abandon(self._survey, self._gone)
            DBOS._recover_pending_workflows(self._gone)
            self._take_over_older()
            self._presence.settled(self._gone)
            self._gone = []
        self._free_claims()
        self._close_calls()
        self._alerts.look()
        for kept in self._kept:
            try:
                self._keep(kept)
            except QueueFull as full:
                log.info("Some of %s waits for room in the queue: %s", kept.workflow, full)
            except BackendError as error:
                log.warning("What is due of %s cannot be told: %s", kept.workflow, error)

    def close(self) -> None:
        """Give back the connections."""
        self._jobs.close()

    def _keep(self, kept: Kept) -> None:
        with self._survey.read() as session:
            due = kept.due(session)
        for job in due:
            status = DBOS.get_workflow_status(job.workflow_id)
            if status is not None and (status.status in UNDER_WAY or kept.broke_off is None):
                continue
            if status is not None and not _is_older(status):
                with self._survey.write() as session:
                    assert kept.broke_off is not None
                    kept.broke_off(session, job.args[0], str(status.error or status.status.lower()))
                continue
            if kept.workflow == "import_media" and not imports.is_here(self._survey, job.args[0]):
                continue
            if status is not None:
                DBOS.delete_workflow(job.workflow_id, delete_children=True)
            self._jobs.put(kept.workflow, job.workflow_id, *job.args)

    def _free_claims(self) -> None:
        """Media that an ended job had taken are free for the next."""
        with self._survey.read() as session:
            jobs = claims.jobs_at_work(session)
        for job in jobs:
            status = DBOS.get_workflow_status(job)
            if status is None or status.status not in UNDER_WAY:
                with self._survey.write() as session:
                    claims.release_job(session, job)

    def _close_calls(self) -> None:
        """Calls that a killed worker left open are lost when their job has ended: it found its result without them."""
        with self._survey.read() as session:
            left = ledger.left_open(session, self._presence.alive())
        for call_id, job in left:
            status = DBOS.get_workflow_status(job)
            if status is None or status.status not in UNDER_WAY:
                with self._survey.write() as session:
                    ledger.end(session, call_id, "lost", error="Its worker stopped, and its job ended without it.")

    def _take_over_older(self) -> None:
        """Stop what an older version of this program left in the queue, and begin anew what no row asks for.

        The histories of its jobs fit its workflows and not the present ones. What rows ask for is put anew by `_keep`.
        """
        alive = self._presence.alive()
        for status in DBOS.list_workflows(status=list(UNDER_WAY), load_output=False):
            if not _is_older(status) or (status.status == "PENDING" and status.executor_id in alive):
                continue
            DBOS.cancel_workflow(status.workflow_id)
            with self._survey.write() as session:
                ledger.lose(session, status.workflow_id)
            if status.name in WITHOUT_ROWS and status.input is not None:
                self._jobs.put(status.name, f"{status.name}-{uuid.uuid4().hex}", *status.input["args"], bulk=True)
            log.info("%s of an older version of Pugmark is begun anew.", status.workflow_id)


def _is_older(status: WorkflowStatus) -> bool:
    return status.app_version not in (None, DBOS.application_version)
