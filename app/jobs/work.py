"""What a run over field notes does: writes the notes out, has the graph work on them, keeps what the page needs."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from app import files
from app.jobs.current import Bench
from app.notes.result import write_result
from app.notes.sources import COLUMNS, rows_of, write_notes
from app.notes.tables import run_graph, told
from app.survey.calls.ledger import ledger
from app.survey.database import Survey
from app.survey.notes import notes as survey_notes
from app.survey.notes.views import CLIPS_FROM
from app.survey.tables.notes import NoteRun
from modal_backend.notes.on_modal import ask_backend
from modal_backend.notes.pipeline import NoteSettings
from modal_backend.notes.table import BadNotes
from modal_backend.registry import KEYWORDS, MODELS

__all__ = ["BadNotes", "work"]

WRITE_EVERY = 0.4


def work(survey: Survey, run_id: int) -> dict[str, Any]:
    """Write the notes out, run the graph over them and keep what the page needs. Raises BadNotes, BackendError."""
    with survey.read() as session:
        settings = dict(session.get_one(NoteRun, run_id).settings)
        rows = rows_of(session, settings["source"])
        gone = survey_notes.deleted_files(session, settings["source"]["files"])
    if not rows:
        deleted = "".join(f" {one.label} was deleted by {one.who}." for one in gone)
        raise BadNotes(f"There are no notes in what was chosen.{deleted}")
    folder = files.notes_run_folder(survey.data_dir, run_id)
    write_notes(rows, settings["grouping"], folder / "notes.jsonl")
    remote = Bench.shop.backend.name == "modal"
    with nullcontext() if remote else _entry(KEYWORDS, len(rows)):
        values = _graph(survey, run_id, settings, folder, remote)
    values["told"] = [*_computed(sum(row["row"] >= CLIPS_FROM for row in rows)), *told(values)]
    values["cleaned"]["row"] = [rows[at - 1]["row"] for at in values["cleaned"]["row"]]
    write_result(values, folder)
    return values


def _graph(survey: Survey, run_id: int, settings: dict[str, Any], folder: Path, remote: bool) -> dict[str, Any]:
    return run_graph(
        folder / "notes.jsonl",
        folder,
        files.notes_folder(survey.data_dir),
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


def _computed(clips: int) -> list[str]:
    if not clips:
        return []
    said = "Summary of a clip" if clips == 1 else "Summaries of clips"
    return [f"{said} among the notes: {clips:,}. Pugmark computed their words from detections; no person wrote them."]
