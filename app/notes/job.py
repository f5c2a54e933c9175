"""A run of the keyword graph as a durable job: what was computed before a crash is found again in the graph's cache."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from dbos import DBOS

from app.bench import Bench
from app.jobs import Jobs, notes_workflow_id
from app.notes.result import run_folder, write_result
from app.notes.sources import COLUMNS, rows_of, write_notes
from app.notes.tables import run_graph, told
from app.settings import Settings
from app.survey import notes as survey_notes
from app.survey.database import Survey
from app.survey.ledger import ledger
from app.survey.note_views import CLIPS_FROM
from app.survey.notes import NoteRun, RunState
from modal_backend.errors import BackendError, BackendUnavailable
from modal_backend.keyword_pipeline import NoteSettings
from modal_backend.keywords_remote import ask_backend
from modal_backend.note_table import BadNotes
from modal_backend.registry import KEYWORDS, MODELS

log = logging.getLogger("pugmark.notes")
WRITE_EVERY = 0.4
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


def work(survey: Survey, run_id: int) -> dict[str, Any]:
    """Write the notes out, run the graph over them and keep what the page needs. Raises BadNotes, BackendError."""
    with survey.read() as session:
        settings = dict(session.get_one(NoteRun, run_id).settings)
        rows = rows_of(session, settings["source"])
        gone = survey_notes.deleted_files(session, settings["source"]["files"])
    if not rows:
        deleted = "".join(f" {one.label} was deleted by {one.who}." for one in gone)
        raise BadNotes(f"There are no notes in what was chosen.{deleted}")
    folder = run_folder(survey.data_dir, run_id)
    write_notes(rows, settings["grouping"], folder / "notes.jsonl")
    remote = Bench.shop.backend.name == "modal"
    with nullcontext() if remote else _entry(KEYWORDS, len(rows)):
        values = _graph(survey, run_id, settings, folder, remote)
    values["computed"] = sum(row["row"] >= CLIPS_FROM for row in rows)
    values["cleaned"]["row"] = [rows[at - 1]["row"] for at in values["cleaned"]["row"]]
    write_result(values, folder)
    return values


def _graph(survey: Survey, run_id: int, settings: dict[str, Any], folder: Path, remote: bool) -> dict[str, Any]:
    return run_graph(
        folder / "notes.jsonl",
        folder,
        survey.data_dir / "notes",
        graph_settings(settings),
        remote=remote,
        report=reporter(survey, run_id),
        ask=ask_through_ledger if remote else None,
    )


def graph_settings(settings: dict[str, Any]) -> NoteSettings:
    """The graph's part of a run's settings."""
    given = dict(settings["graph"])
    for name in ("ngrams", "seed_words"):
        if name in given:
            given[name] = tuple(given[name])
    return NoteSettings(columns=dict(COLUMNS), **given)


def reporter(survey: Survey, run_id: int) -> Callable[[str, int, int], None]:
    """Writes progress into the run's row, a few times a second at most."""
    last: dict[str, Any] = {"at": 0.0, "node": ""}

    def report(node: str, done: int, total: int) -> None:
        now = time.monotonic()
        if node == last["node"] and done < total and now - last["at"] < WRITE_EVERY:
            return
        last["at"], last["node"] = now, node
        with survey.write() as session:
            survey_notes.progress(session, run_id, node, done, total)

    return report


def ask_through_ledger(model: str, request: dict[str, Any]) -> dict[str, Any]:
    """One request to Modal with its row in the ledger. Raises BackendError."""
    with _entry(model, len(request.get("texts", request.get("embed", ())))):
        return ask_backend(Bench.shop.backend, model, request)


def _entry(model: str, items: int) -> Any:
    return ledger(
        Bench.shop.survey,
        task=MODELS[model].task,
        model=model,
        backend=Bench.shop.backend.name,
        items=items or 1,
        executor_id=Bench.shop.executor_id,
        queued_at=time.time(),
    )


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
        outcome = {"state": RunState.DONE, "told": [*_computed(values["computed"]), *told(values)], "figures": figures}
    _set(survey, run_id, finished_at=time.time(), note=None, **outcome)
    return error


def _computed(clips: int) -> list[str]:
    if not clips:
        return []
    said = "Summary of a clip" if clips == 1 else "Summaries of clips"
    return [f"{said} among the notes: {clips:,}. Pugmark computed their words from detections; no person wrote them."]


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
