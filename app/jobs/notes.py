"""The job that runs the keyword graph over field notes: what was computed before a crash is found in its cache."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from dbos import DBOS
from sqlalchemy.orm import Session

from app import files
from app.analysis import calls
from app.analysis.context import Context
from app.jobs.current import current
from app.jobs.queue import Due, notes_workflow_id
from app.jobs.steps import step
from app.survey.database import Survey
from app.survey.notes import notes as survey_notes
from app.survey.notes.views import VIDEOS_FROM
from app.survey.tables.notes import NoteRun, RunState
from modal_backend.errors import BackendError, sentence
from modal_backend.notes.columns import BadNotes
from modal_backend.registry import KEYWORDS

log = logging.getLogger("pugmark.notes")
WRITE_EVERY = 0.4


@DBOS.workflow(name="analyse_notes")
async def analyse_notes(run_id: int) -> str:
    """Run the graph; returns what went wrong, empty when all went well."""
    return await run_notes(run_id, DBOS.workflow_id or "")


@step(preemptible=True)
async def run_notes(run_id: int, job: str) -> str:
    """The whole run: may be begun again, and then takes from the cache and from Modal what is there."""
    return await asyncio.to_thread(bring_to_end, current().context, run_id, job)


def due(session: Session) -> list[Due]:
    """The runs that wait or are under way."""
    return [Due(notes_workflow_id(*run), (run[0],)) for run in survey_notes.unfinished(session)]


def broke_off(session: Session, run_id: int, reason: str) -> None:
    """Close a run whose job ended without doing so."""
    _end(session.get_one(NoteRun, run_id), error=f"The run broke off: {reason}")


def bring_to_end(context: Context, run_id: int, job: str) -> str:
    """Write the notes out, run the graph over them, keep what the page needs; returns what went wrong.

    Args:
        job: see `calls.ask`.
    """
    begun: dict[str, Any] = {
        "started_at": time.time(),
        "node": None,
        "node_started_at": None,
        "seconds": {},
        "error": None,
    }
    with context.survey.write() as session:
        _set(session.get_one(NoteRun, run_id), state=RunState.RUNNING, backend=context.backend.name, **begun)
    try:
        values = _compute(context, run_id, job)
    except (BadNotes, BackendError, OSError, MemoryError) as error:
        outcome: dict[str, Any] = {"error": sentence(error)}
    except Exception as error:
        log.exception("The run %d over field notes failed", run_id)
        outcome = {"error": f"{type(error).__name__}: {error}"}
    else:
        outcome = {"values": values}
    with context.survey.write() as session:
        _end(session.get_one(NoteRun, run_id), **outcome)
    return str(outcome.get("error", ""))


def _compute(context: Context, run_id: int, job: str) -> dict[str, Any]:
    """Raises BadNotes, BackendError."""
    # They bring libraries that take longer to start than the worker itself.
    from app.notes.result import write_result
    from app.notes.sources import COLUMNS, grouped, names_of, rows_of, write_notes
    from app.notes.tables import caveats, run_graph
    from modal_backend.notes.on_modal import value_of
    from modal_backend.notes.pipeline import NoteSettings

    survey = context.survey
    with survey.read() as session:
        settings = dict(session.get_one(NoteRun, run_id).settings)
        rows = rows_of(session, settings["source"])
        gone = survey_notes.deleted_files(session, settings["source"]["files"])
    if not rows:
        deleted = "".join(f" {file.label} was deleted by {file.who}." for file in gone)
        raise BadNotes(f"There are no notes in what was chosen.{deleted}")
    folder = files.notes_run_folder(survey.data_dir, run_id)
    write_notes(rows, settings["grouping"], folder / "notes.jsonl")

    def ask(model: str, request: dict[str, Any]) -> dict[str, Any]:
        return value_of(calls.call(context, job, model, [request]).result.values[0])

    elsewhere = context.backend.elsewhere
    with nullcontext() if elsewhere else calls.noted(context, job, KEYWORDS, len(rows)):
        values = run_graph(
            folder / "notes.jsonl",
            folder,
            files.notes_folder(survey.data_dir),
            NoteSettings(columns=dict(COLUMNS), **_graph_settings(settings)),
            remote=elsewhere,
            report=_reporter(survey, run_id),
            ask=ask,
        )
    values["caveats"] = [*_summaries(sum(row["row"] >= VIDEOS_FROM for row in rows)), *caveats(values)]
    used = [rows[at - 1] for at in values["cleaned"]["row"]]
    values["cleaned"]["row"] = [row["row"] for row in used]
    values["months"] = [grouped(row, "month") for row in used]
    with survey.read() as session:
        values["names"] = names_of(session, used, values)
    write_result(values, Path(folder))
    return values


def _graph_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """The graph's part of a run's settings."""
    given = dict(settings["graph"])
    return given | {name: tuple(given[name]) for name in ("ngrams", "seed_words") if name in given}


def _reporter(survey: Survey, run_id: int) -> Callable[[str, int, int], None]:
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


def _end(run: NoteRun, *, values: dict[str, Any] | None = None, error: str = "") -> None:
    """Mark a run as done or failed."""
    outcome: dict[str, Any] = {"state": RunState.FAILED, "error": error}
    if values is not None:
        figures = {
            "notes": values["note_counts"]["used"],
            "categories": len(values["note_counts"]["categories"]),
            "keywords": int(values["keyword_statistics"]["discriminative"].astype(bool).sum()),
            "clusters": len(set(values["clusters"].labels.tolist()) - {-1}),
        }
        outcome = {"state": RunState.DONE, "caveats": values["caveats"], "figures": figures}
    _set(run, finished_at=time.time(), note=None, **outcome)


def _set(run: NoteRun, **values: Any) -> None:
    for name, value in values.items():
        setattr(run, name, value)


def _summaries(videos: int) -> list[str]:
    if not videos:
        return []
    what = "Summary of a video" if videos == 1 else "Summaries of videos"
    return [f"{what} among the notes: {videos:,}. Pugmark computed their words from detections; no person wrote them."]
