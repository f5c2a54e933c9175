"""A run of the keyword graph as a durable job: what was computed before a crash is found again in the graph's cache."""

from __future__ import annotations

import logging
import random
import time
from typing import Any

from dbos import DBOS

from app.jobs.current import Bench
from app.jobs.queue import Jobs, notes_workflow_id
from app.settings import Settings
from app.survey.database import Survey
from app.survey.notes import notes as survey_notes
from app.survey.tables.notes import NoteRun, RunState
from modal_backend.errors import BackendError, BackendUnavailable

log = logging.getLogger("pugmark.notes")
LONGEST_PAUSE = 30.0


@DBOS.workflow(name="analyse_notes")
def analyse_notes(run_id: int) -> str:
    """Run the graph; returns what went wrong, empty when all went well."""
    return run_notes(run_id)


@DBOS.step()
def run_notes(run_id: int) -> str:
    """The whole run: may be begun again, and then takes from the cache what is there."""
    survey = Bench.shop.survey
    begin(survey, run_id, Bench.shop.backend.name)
    from app.jobs.work import BadNotes, work  # brings libraries that take longer to start than the worker itself

    pause = Bench.settings.modal_retry_delay
    while True:
        try:
            values = work(survey, run_id)
        except BackendUnavailable as error:
            if not Bench.settings.modal_fallback_to_queue:
                return finish(survey, run_id, error=_sentence(error))
            _set(survey, run_id, note=f"waits for Modal: {error}")
            time.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(2 * pause, LONGEST_PAUSE)
            continue
        except (BadNotes, BackendError, OSError, MemoryError) as error:
            return finish(survey, run_id, error=_sentence(error))
        except Exception as error:
            log.exception("The run %d over field notes failed", run_id)
            return finish(survey, run_id, error=f"{type(error).__name__}: {error}")
        return finish(survey, run_id, values=values)


def begin(survey: Survey, run_id: int, backend: str) -> None:
    """Mark a run as running."""
    _set(
        survey,
        run_id,
        state=RunState.RUNNING,
        started_at=time.time(),
        backend=backend,
        node=None,
        node_started_at=None,
        seconds={},
        error=None,
    )


def finish(survey: Survey, run_id: int, *, values: dict[str, Any] | None = None, error: str = "") -> str:
    """Mark a run as done or failed."""
    outcome: dict[str, Any] = {"state": RunState.FAILED, "error": error}
    if values is not None:
        figures = {
            "notes": values["note_counts"]["used"],
            "categories": len(values["note_counts"]["categories"]),
            "keywords": int(values["keyword_statistics"]["discriminative"].astype(bool).sum()),
            "clusters": len(set(values["clusters"].labels.tolist()) - {-1}),
        }
        outcome = {"state": RunState.DONE, "told": values["told"], "figures": figures}
    _set(survey, run_id, finished_at=time.time(), note=None, **outcome)
    return error


def put_forgotten_runs(survey: Survey, settings: Settings) -> None:
    """Put runs into the queue that it does not know; close those whose workflow ended without saying so."""
    with survey.read() as session:
        waiting = survey_notes.unfinished(session)
    for run_id, attempt in waiting:
        status = DBOS.get_workflow_status(notes_workflow_id(run_id, attempt))
        if status is None:
            jobs = Jobs(survey, settings)
            jobs.run_notes(run_id, attempt)
            jobs.close()
        elif status.status not in ("ENQUEUED", "PENDING", "DELAYED"):
            finish(survey, run_id, error=f"The run broke off: {status.error or status.status}")


def _set(survey: Survey, run_id: int, **values: Any) -> None:
    with survey.write() as session:
        run = session.get_one(NoteRun, run_id)
        for name, value in values.items():
            setattr(run, name, value)


def _sentence(error: BaseException) -> str:
    return f"{error} {getattr(error, 'remedy', '')}".strip() or type(error).__name__
